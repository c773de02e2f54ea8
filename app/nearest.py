"""The name that may have been meant by one that does not exist: misspelt, or said in Chinese."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches

NO_BLANK = re.compile("[\xa0\u2000-\u200f\u2028-\u202f\u2060\u3000\ufeff]")  # looks like a blank or like nothing, and is text to YAML
_MOST_NAMED = 24  # more names than these are no help on one line

# What operators call things. A word with several names stands for whichever of them may be written at the place.
_CALLED: dict[str, tuple[str, ...]] = {
    **{f"{week}{day}": (name,) for week in ("周", "星期", "礼拜") for day, name in zip("一二三四五六", ("mon", "tue", "wed", "thu", "fri", "sat"), strict=True)},
    **dict.fromkeys(("周日", "周天", "星期日", "星期天", "礼拜天"), ("sun",)),
    "周末": ("sat", "sun"),
    "工作日": ("workday", "mon"),
    **dict.fromkeys(("名称", "名字", "规则名"), ("name", "key")),
    **dict.fromkeys(("回复", "答复", "回答", "内容", "answer", "response", "respond"), ("reply", "answer", "text")),
    **dict.fromkeys(("触发词", "口令"), ("triggers",)),
    **dict.fromkeys(("关键词", "关键字"), ("keywords", "contains", "exact")),
    **dict.fromkeys(("等于", "完全匹配", "精确", "equals", "equal", "is"), ("exact", "equals")),
    **dict.fromkeys(("包含", "含有", "模糊匹配", "has", "match"), ("contains",)),
    **dict.fromkeys(("开头", "前缀", "startswith", "starts_with"), ("prefix",)),
    **dict.fromkeys(("正则", "regexp", "pattern", "re"), ("regex", "matches")),
    **dict.fromkeys(("图片", "照片", "picture", "pic", "photo", "img"), ("image", "picture", "photo")),
    **dict.fromkeys(("文字", "文本"), ("text",)),
    **dict.fromkeys(("语音", "录音", "audio"), ("voice",)),
    **dict.fromkeys(("视频", "小视频"), ("video", "shortvideo")),
    **dict.fromkeys(("图文", "文章", "article"), ("news",)),
    **dict.fromkeys(("链接", "网址", "地址", "link", "href"), ("url", "link")),
    **dict.fromkeys(("关注", "订阅", "follow"), ("subscribe", "follows", "follow")),
    **dict.fromkeys(("扫码", "扫描", "二维码"), ("scan", "scenes", "channels")),
    **dict.fromkeys(("点击", "点菜单"), ("click", "menu_key")),
    **dict.fromkeys(("位置", "地理位置"), ("location",)),
    **dict.fromkeys(("星期", "星期几", "weekday", "weekdays"), ("days",)),
    **dict.fromkeys(("日期", "date"), ("dates",)),
    **dict.fromkeys(("标签", "tag"), ("tags", "tag")),
    **dict.fromkeys(("等级", "会员等级"), ("level", "levels")),
    **dict.fromkeys(("人群", "分组", "audience"), ("segment", "segments")),
    **dict.fromkeys(("规则",), ("rules",)),
    **dict.fromkeys(("条件", "if"), ("when", "where")),
    **dict.fromkeys(("签到", "打卡"), ("checkin",)),
    **dict.fromkeys(("积分", "分数", "score", "price", "价格", "cost"), ("points", "cost")),
    **dict.fromkeys(("欢迎", "欢迎语"), ("welcome",)),
    **dict.fromkeys(("问卷", "调查"), ("surveys",)),
    **dict.fromkeys(("投票", "poll", "vote", "votes"), ("polls", "vote", "surveys")),
    **dict.fromkeys(("抽奖", "lottery", "draw"), ("lotteries", "draws")),
    **dict.fromkeys(("商城", "积分商城", "mall"), ("shop",)),
    **dict.fromkeys(("榜单", "排行榜", "board", "ranking", "rank"), ("boards",)),
    **dict.fromkeys(("邀请", "推荐", "referrals", "invite"), ("referral",)),
    **dict.fromkeys(("生日", "birthdays"), ("birthday",)),
    **dict.fromkeys(("会员", "members"), ("membership",)),
    **dict.fromkeys(("菜单",), ("menu",)),
    **dict.fromkeys(("群发", "推送", "消息推送"), ("broadcasts", "push")),
    **dict.fromkeys(("模板", "模版", "template_id"), ("template",)),
    **dict.fromkeys(("免打扰", "静默"), ("quiet_hours",)),
    **dict.fromkeys(("素材", "媒体"), ("media",)),
    **dict.fromkeys(("兜底", "默认回复", "default"), ("fallback",)),
    **dict.fromkeys(("标题",), ("title",)),
    **dict.fromkeys(("问题", "提问", "question"), ("questions", "ask")),
    **dict.fromkeys(("选项", "options"), ("choices",)),
    **dict.fromkeys(("人工", "转人工", "客服"), ("handoff",)),
    **dict.fromkeys(("敏感词", "违禁词"), ("sensitive",)),
    **dict.fromkeys(("测试", "test"), ("tests",)),
    **dict.fromkeys(("账号", "公众号"), ("account",)),
    **dict.fromkeys(("时区",), ("timezone",)),
    **dict.fromkeys(("数据库",), ("database",)),
    **dict.fromkeys(("概率", "中奖率", "中奖概率", "chance", "rate", "weight"), ("odds", "probability")),
    **dict.fromkeys(("库存", "数量", "总数", "张数", "份数", "count", "amount", "number", "num", "quantity", "total"), ("stock", "total")),
    **dict.fromkeys(("limit", "每人", "限领", "限购", "per_user", "per_person", "max_per_user"), ("per_follower",)),
    **dict.fromkeys(("有效期", "validity", "expire", "expires", "expiry"), ("valid", "expire")),
    **dict.fromkeys(("倍数", "几倍", "multiple", "multiplier", "倍"), ("times", "multiplier")),
    **dict.fromkeys(("成长值", "exp", "experience"), ("growth",)),
    **dict.fromkeys(("开始", "begin", "begins", "start", "starts", "start_date"), ("from",)),
    **dict.fromkeys(("结束", "end", "ends", "until", "end_date", "deadline"), ("to",)),
    **dict.fromkeys(("优惠券", "券", "coupons"), ("coupon", "coupons")),
    **dict.fromkeys(("商品", "item", "items", "products"), ("goods",)),
    **dict.fromkeys(("奖品", "prize", "gifts"), ("prizes", "gift")),
    **dict.fromkeys(("奖励", "礼物", "rewards", "award"), ("reward", "awards", "gift")),
    **dict.fromkeys(("实物", "real"), ("physical", "goods")),
    **dict.fromkeys(("虚拟", "电子"), ("virtual",)),
    **dict.fromkeys(("月", "每月", "月榜", "monthly"), ("month",)),
    **dict.fromkeys(("周", "每周", "周榜", "weekly"), ("week",)),
    **dict.fromkeys(("time", "时间"), ("at", "times")),
    **dict.fromkeys(("安全", "安全模式", "密文"), ("safe",)),
    **dict.fromkeys(("明文", "明文模式"), ("plain",)),
    **dict.fromkeys(("加急", "紧急"), ("urgent",)),
    **dict.fromkeys(("跳过",), ("skip",)),
}  # fmt: skip


def nearest(given: object, known: Sequence[str]) -> list[str]:
    """The names that may have been meant, if there are any: mostly one."""
    text = str(given)[:60].strip()
    if called := [name for name in _CALLED.get(text.lower(), ()) if name in known]:
        return called if text == "周末" else called[:1]
    folded = text.lower().replace("-", "_").replace(" ", "_")
    return [folded] if folded in known else get_close_matches(folded, known, 1, 0.6)


def glued(key: str, known: Sequence[str]) -> bool:
    """Whether this is a name, a full-width colon and what was to be its value."""
    name, colon, _ = key.partition("：")
    return bool(colon) and bool(nearest(name, known))


def unknown_key(key: object, known: Sequence[str]) -> tuple[str, str]:
    """The words about a key that is none (Chinese, English), with the nearest that is one."""
    if odd := NO_BLANK.search(str(key)[:60]):
        return odd_blank(f"U+{ord(odd[0]):04X}", in_front=odd.start() == 0)
    near = nearest(key, known)
    key = str(key)[:60]
    if near:
        return f"没有 “{key}” 这个键；你是不是想写 “{near[0]}”？", f"unknown key “{key}”; did you mean “{near[0]}”?"
    zh, en = f"没有 “{key}” 这个键", f"unknown key “{key}”"
    if 0 < len(known) <= _MOST_NAMED:
        return f"{zh}；这里可以写：{'、'.join(known)}", f"{en}; here you may write: {', '.join(known)}"
    return zh, en


def odd_blank(code: str, *, in_front: bool) -> tuple[str, str]:
    """The words about a character that only looks like a blank, or like nothing, in front of a key or in it (Chinese, English)."""
    if in_front:
        zh = f"这一行前面不是普通的空格（{code}，全角空格或看不见的字符），不算缩进；请全部换成半角空格"
        return zh, f"what this line begins with ({code}) is no ordinary space and no indentation; type ASCII spaces instead"
    return (
        f"这个键里有一个看不见的字符（{code}）；请删掉这个键，重新输入",
        f"there is an invisible character ({code}) in this key; type it anew",
    )


def not_one_of(given: object, choices: Sequence[str]) -> tuple[str, str]:
    """The words about a value that is none of those that may be written (Chinese, English)."""
    near = nearest(given, choices) if isinstance(given, str) else []
    zh = f"；你是不是想写 {'、'.join(near)}？" if near else ""
    en = f"; did you mean {', '.join(near)}?" if near else ""
    return f"只能写 {'、'.join(choices)}{zh}", f"must be one of {', '.join(choices)}{en}"
