"""How much CPU the FAQ's index takes: to be made, and to answer one question, by its number of entries.

    python -m benchmarks.faq [--entries 1000 10000] [--questions 500]

Entries have three phrases each, put together from the words of a shop, so that common terms are as common as they are in life.
"""

from __future__ import annotations

import argparse
import random
import resource
import statistics
import time

from models.relevance import Index

THINGS = """
    退货 换货 退款 运费 发票 优惠券 积分 会员 门店 快递 订单 地址 尺码 保修 赠品 礼盒 库存 账号 密码 手机号 验证码 上衣 裤子 鞋子 帽子 手表 耳机 键盘 水杯 台灯 沙发
    床垫 冰箱 洗衣机 空调 奶粉 纸尿裤 面膜 口红 洗发水 牙膏 猫粮 狗粮 茶叶 咖啡 红酒 坚果 大米 月饼 课程 直播 团购 拼团 砍价 秒杀 预售 定金 尾款 红包 礼品卡 会员卡
"""
ASKS = """
    怎么办理{} {}在哪里 {}多久能到 {}可以取消吗 {}要钱吗 {}坏了怎么办 为什么我的{}用不了 {}有什么用 {}怎么修改 能不能延长{} {}过期了怎么办 谁可以参加{}
"""


def entries(number: int, chance: random.Random) -> list[list[str]]:
    """So many entries of three phrases, hardly two the same."""
    things, asks = THINGS.split(), ASKS.split()
    made = []
    for at in range(number):
        name = f"{chance.choice(things)}{chance.choice(things)}" + (chance.choice(things) if at % 3 else "")
        made.append([ask.format(name) for ask in chance.sample(asks, 3)])
    return made


def main() -> None:
    """Prints a line for every size."""
    things, asks = THINGS.split(), ASKS.split()
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--entries", type=int, nargs="+", default=[100, 1_000, 10_000])
    options.add_argument("--questions", type=int, default=500)
    given = options.parse_args()
    Index([["怎么退货"]]).ask("退货")  # the dictionary is read once
    print("entries  phrases  made (s)  memory (MB)  median (ms)  p99 (ms)")
    for number in given.entries:
        chance = random.Random(number)
        some = entries(number, chance)
        before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
        index = Index(some)
        made, grown = time.process_time() - begun, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        took = []
        for _ in range(given.questions):
            asked = f"你好请问{chance.choice(asks).format(chance.choice(things))}呢{chance.choice(things) if chance.random() < 0.5 else ''}"
            begun = time.process_time()
            index.ask(asked, 0.25, 10)
            took.append((time.process_time() - begun) * 1000)
        took.sort()
        p99 = took[int(len(took) * 0.99)]
        print(f"{number:7}  {3 * number:7}  {made:8.2f}  {grown:11.0f}  {statistics.median(took):11.3f}  {p99:8.3f}")


if __name__ == "__main__":
    main()
