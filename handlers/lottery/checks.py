"""What is wrong with the lotteries of a file, and what is lawful and yet hardly meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from handlers.lottery.section import LotteriesSection, Lottery, words
from handlers.lottery.terms import terms
from models import condition
from models.config import Config, Location, Problem
from models.prize import PrizeRules, percent
from models.reward import RewardRules
from models.shop import ShopRules
from wechat.reply import LONGEST_TEXT

_SOON = 20  # draws: a prize that lasts for no more of them is gone before most have heard of it
_COMMITMENT = "f" * 64


def check(config: Config) -> Iterator[Problem]:
    """The problems of the section."""
    section = config.get(LotteriesSection) or LotteriesSection([])
    given = dict(config.every(RewardRules))
    yield from _twice(section)
    yield from _same_word(section, config)
    yield from _unknown_chances(given, section)
    for number, one in enumerate(section.root):
        where: Location = ("lotteries", number)
        if one.who is not None:
            yield from condition.check(one.who, (*where, "who"), config)
        if config.of_kind(ShopRules) is None and (place := next((n for n, prize in enumerate(one.prizes) if prize.ship), None)) is not None:
            zh = "奖品要寄（ship: true），地址由商城来问：加一节 shop: {}"
            yield Problem((*where, "prizes", place, "ship"), zh, "to ship a prize the file needs a `shop` section: it asks for the address")
        yield from _too_long(one, where, config)
        yield from _odd(one, where, {key for reward in given.values() for key in reward.draws or ()})


def _twice(section: LotteriesSection) -> Iterator[Problem]:
    keys: list[str] = []
    for number, one in enumerate(section.root):
        if one.key in keys:
            yield Problem(("lotteries", number, "key"), f"已经有一个抽奖叫 {one.key}", f"there is a lottery {one.key} already")
        keys.append(one.key)


def _same_word(section: LotteriesSection, config: Config) -> Iterator[Problem]:
    for spoken in words(section, "triggers", lambda one: one.triggers):
        for place, (number, one) in enumerate(spoken.lotteries):
            for other_number, other in spoken.lotteries[:place]:
                if _overlap(one, other, config):
                    zh = f"“{spoken.word}”是两个抽奖的触发词，它们的时间有重叠：换一个词，或者错开时间"
                    en = f"{spoken.word!r} is the trigger of two lotteries that go on at the same time"
                    where: Location = (
                        ("lotteries", number, "triggers") if "triggers" in one.model_fields_set else ("lotteries", number, "key")
                    )
                    yield Problem(where, zh, en, there=("lotteries", other_number, "key"))


def _overlap(one: Lottery, other: Lottery, config: Config) -> bool:
    (a, b), (c, d) = ((each.begins(config.zone), each.ends(config.zone)) for each in (one, other))
    return (a is None or a < d) and (c is None or c < b)


def _too_long(one: Lottery, where: Location, config: Config) -> Iterator[Problem]:
    size = len(terms(config, one, one, _COMMITMENT, 999).encode())
    if size > LONGEST_TEXT:
        zh = f"“{one.rules_triggers[0]}”的回复有 {size} 字节，微信最多发 {LONGEST_TEXT}：terms、claim 写短些，或放到 page 的页面上"
        yield Problem((*where, "terms" if one.terms else "key"), zh, f"the rules are {size} bytes; WeChat takes {LONGEST_TEXT}")


def _unknown_chances(given: Mapping[Location, RewardRules], section: LotteriesSection) -> Iterator[Problem]:
    known = [one.key for one in section.root]
    for place, reward in given.items():
        for key in reward.draws or ():
            if key not in known:
                zh = f"没有抽奖 {key}；lotteries 里有：{'、'.join(known) or '（无）'}"
                yield Problem((*place, "draws", key), zh, f"no lottery {key}; there are: {', '.join(known) or 'none'}")


def _odd(one: Lottery, where: Location, won: set[str]) -> Iterator[Problem]:
    if one.page is None:
        zh = "没有写 page：粉丝看不到公示页，没法验证；写上这台服务器对外的网址，例如 https://bot.example.com/draws/" + one.key
        yield Problem((*where, "key"), zh, "no `page`: nobody outside can verify this lottery", "YZ861")
    if not one.contact:
        zh = "没有写 contact：《规范促销行为暂行规定》第十三条要求公布主办方的联系方式"
        yield Problem((*where, "organiser"), zh, "no `contact`: article 13 of 《规范促销行为暂行规定》 asks for it", "YZ862")
    if not one.terms:
        yield from _unsaid(one, where)
    for place, prize in enumerate(one.prizes):
        yield from _gone_soon(prize, (*where, "prizes", place, "stock"))
    if one.cost is None and not one.free_per_day and one.key not in won:
        zh = f"谁也抽不到：没有 free_per_day，没有 cost，也没有哪个奖励写 draws: {{{one.key}: 1}}"
        yield Problem(
            (*where, "key"), zh, "nobody can draw: nothing is free, points buy nothing, and no reward has `draws` for it", "YZ864"
        )
    if one.cost == 0 and one.per_day is None and one.per_follower is None:
        zh = "抽奖不要积分，也没有 per_day 或 per_follower：一个人可以抽到奖品发完"
        yield Problem((*where, "cost"), zh, "draws are free and nobody's number is limited: one follower can take all", "YZ865")


def _unsaid(one: Lottery, where: Location) -> Iterator[Problem]:
    """Articles 13 and 14 ask for what only `terms` can say."""
    asked = ["弃奖条件（第十三条）"] if any(prize.goods for prize in one.prizes) else []
    if any(prize.reward and (prize.reward.points or prize.reward.coupon) for prize in one.prizes):
        asked.append("积分、券作奖品的，还有兑换规则、使用范围、有效期（第十四条）")
    if asked:
        told = f"没有写 terms：《规范促销行为暂行规定》要求公布{'；'.join(asked)}"
        yield Problem((*where, "key"), told, "no `terms`: articles 13 and 14 of 《规范促销行为暂行规定》 ask for them", "YZ866")


def _gone_soon(prize: PrizeRules, where: Location) -> Iterator[Problem]:
    draws = prize.stock / prize.odds
    if draws < _SOON:
        zh = f"{prize.name}大约抽 {int(draws)} 次就发完：{prize.stock} 份，概率 {percent(prize.odds)}；之后抽到都算没中"
        yield Problem(where, zh, f"{prize.stock} at {percent(prize.odds)} are gone after about {int(draws)} draws", "YZ863")
