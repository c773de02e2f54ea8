"""What the platform punishes in an operator's text: said with the rule that forbids it and another wording.

The patterns know sentences, not law: each was written against the sentences of tests/models/compliance_sentences.txt. Sources of the rules:
3.3.1 and 3.9 of 《微信公众平台运营规范》 as the platform's notices of violation quote them (developers.weixin.qq.com/community), the notice of
2014-12-30 on 诱导分享 and 诱导关注, the platform's developer standards (Getting_Started/Developer_Standards), article 13 of
《规范促销行为暂行规定》 (国家市场监督管理总局令第 32 号), article 9 of 《广告法》.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import ahocorasick_rs

from models import wording

Medium = Literal["reply", "broadcast", "template", "menu"]


@dataclass(frozen=True, slots=True)
class Offence:
    """A part of a text that may cost the account dearly, the rule it breaks, and what to write instead."""

    code: str
    fragment: str
    rule_zh: str
    rule_en: str
    rewording_zh: str
    rewording_en: str


@dataclass(frozen=True, slots=True)
class _Law:
    code: str
    stems: str  # none of these words: nothing to look at
    broken: Callable[[str], str | None]  # the fragment of the text that breaks it
    rule_zh: str
    rule_en: str
    rewording_zh: str
    rewording_en: str
    media: frozenset[Medium] = frozenset({"reply", "broadcast", "template", "menu"})


# What somebody gets for it, or only then. Words that only look like it (发送, 觉得, 领导, 典礼) are left out.
_GAIN = (
    r"(?:(?<![本带])领(?!导|先|域|土|结|会|队|带|事|养)|(?<![发推配递运寄接传])送(?!货|达|餐|件|医|检|修|到)"
    r"|(?<![觉值记显懂不舍晓])得(?!知|体|益)|享(?!受生活)|赢|奖|返现|返利|红包|优惠|积分|礼(?:品|物|包|券|金|盒)|[有好豪大厚]礼|免费|免单|兑|解锁"
    r"|(?:才能|才可|方可|才会)(?!.{0,2}(?:接收|收到|登录|登陆|绑定))|可参[与加]|瓜分|抽|现金|机会|获取|换购|拿[走回]|资格|立减|减\s*\d|\d\s*折|券|0\s*元|[看查下][看载阅])"
)
_NOT = re.compile(
    r"(?:无需|无须|不用|不必|不要|不需要?|不要求|不会|不再|请勿|切勿|勿|(?<![识特分区级个性类辨鉴送告])别(?![人的墅])|禁止|严禁|不得|拒绝|谢绝|没有?|取消|杜绝|抵制)[^，。,！？!?]{0,8}$"
)
_WARNS = re.compile(r"诈骗|骗局|骗子|谨防|警惕|勿信|请勿相信|上当|违规|诱导|举报")
_PAUSE = "[^。！!？?；;\n]"  # inside one sentence

_SHARE = (
    r"(?:转发(?!自|的(?:是|内容))|转给.{0,3}?(?:好友|朋友|群|亲友|[0-9])|分享(?!会|交流|者|日|沙龙|讲座|课|了|[：:]|快乐|喜悦|经验|心得|知识|生活|美好|一下您|(?:给|到|至)?.{0,2}(?:我们|小编|留言|评论|后台|客服))"
    r"|集(?:满|齐)?\s*[0-9]*\s*[个枚]?\s*[赞吻]|扩散|邀请?\s*.{0,6}?[好朋]友|邀.{0,2}友|拉\s*.{0,4}?(?:[好朋]友|新人|人进)|[发晒](?:到|至|在)?朋友圈"
    r"|朋友圈(?:分享|截图|转发|点赞|集)|推荐.{0,3}?(?:[好朋]友|亲友)|老带新|好友助力|转起来)"
)
_SHARE_FOR_GAIN = re.compile(rf"{_SHARE}{_PAUSE}{{0,24}}?{_GAIN}[^，。,！!？?；;\n]{{0,8}}")
_GAIN_FOR_SHARE = re.compile(
    rf"(?:想|要|若|领取?|获取?|兑换|解锁|参与方式|{_GAIN})[^。！!；;\n]{{0,16}}?(?:先|须|必须|凭|只需|只要|方式|条件|[：:])[^。！!；;\n欢]{{0,4}}?{_SHARE}"
)
_DRIVEN = re.compile(r"不转(?:发)?(?:就?不|.{0,5}(?:后悔|倒霉|不是))|必转|转疯|好心人.{0,4}转发|转发.{0,6}平安|是.{1,8}[就都]转(?:发|起)")
_FOR_ALL = re.compile(r"[给为向](?:大家|您|你|各位)[^，。,]{0,3}$")  # who shares is we


def _induces_sharing(text: str) -> str | None:
    if _WARNS.search(text):
        return None
    if driven := _DRIVEN.search(text):
        return driven[0]
    for pattern in (_SHARE_FOR_GAIN, _GAIN_FOR_SHARE):
        for found in pattern.finditer(text):
            before = text[: found.start()]
            if not _NOT.search(before) and not _FOR_ALL.search(before) and not _NOT.search(_until_share(found[0])):
                return found[0]
    return None


_FIRST_SHARE = re.compile(_SHARE)


def _until_share(fragment: str) -> str:
    found = _FIRST_SHARE.search(fragment)
    return fragment[: found.start()] if found else fragment


_ACCOUNT = r"(?:了|一下)?\s*(?:我(?!们)|我们(?!的(?!公众号|服务号|账号|帐号|微信))|小编|本号|本公众号|本店(?:公众号|服务号)|(?:我们的|官方|本店)?(?:公众号|服务号|订阅号|账号|帐号|官微|微信号?))"
_FOLLOW_FOR_GAIN = re.compile(
    rf"(?<!已)关注(?:{_ACCOUNT}|后(?![续台面来])|即|就|才|可|立|并|有礼|有奖|送|领|得|享|免|抽|获|[，, ]+(?:即|立|就|马上|免费|领|送)){_PAUSE}{{0,24}}"
)
_GAINED = re.compile(_GAIN)
_GAIN_FOR_FOLLOW = re.compile(
    r"(?:获取|领取|下载|解锁|查看(?:答案|全文|结果))[^。！!；;\n]{0,12}?请(?:先|扫码)?关注|(?:想|要|查看|领取?|获取?|解锁)[^。！!；;\n]{0,14}?(?:先|须|必须|需要?)关注"
)
_THANKS = re.compile(r"(?:感谢|谢谢|多谢)[^，。,]{0,5}$")


def _induces_following(text: str) -> str | None:
    if _WARNS.search(text):
        return None
    for found in _FOLLOW_FOR_GAIN.finditer(text):
        before = text[: found.start()]
        if _GAINED.search(found[0].removeprefix("关注")) and not _NOT.search(before) and not _THANKS.search(before):
            return found[0]
    wanted = _GAIN_FOR_FOLLOW.search(text)
    return wanted[0] if wanted and not _NOT.search(wanted[0].removesuffix("关注")) else None


_MARKETING = re.compile(
    r"(?:优惠|代金|抵用|折扣|满减|提货|现金)券|卡券|红包|会员卡(?!的?(?:余额|号|消费|扣|充值|到期|有效|编号|密码))|大促|促销|特惠|特价|秒杀|抢购|开抢|团购|拼团价"
    r"|(?:[0-9.]+|[一二三四五六七八九]{1,2})\s*折|满\s*[0-9]+\s*[减送]|买.送.|抽奖|大奖|福利|爆款|新品|欢迎选购|礼包|免费[领送]|错过等|限时|低至|上新|清仓|让利"
)


def _markets(text: str) -> str | None:
    found = _MARKETING.search(text)
    return found[0] if found else None


_LOTTERY = re.compile(
    r"抽奖|抽(?:大奖|取.{0,6}奖|.{0,4}等奖|\s*iphone|\s*红包|\s*免单|\s*手机)|摇奖|刮刮乐|大转盘|幸运转盘|开奖|中(?:大)?奖", re.IGNORECASE
)
_TERMS = re.compile(
    r"规则|细则|条款|说明|https?://|概率|[0-9]+\s*月\s*[0-9]+\s*日|截止|[0-9]+\s*[名份台个位件]|[一二三特]等奖|奖品(?:是|为|有|：|:)|名单|公布|公示|结果|结束"
)
_NO_LOTTERY = re.compile(r"(?:没有|没|未|不|无|非)[^，。,！？!?]{0,4}(?:抽奖|中奖|开奖)")


def tells_terms(text: str) -> bool:
    """Whether the text names a lottery and says what its terms are, or where they stand."""
    return bool(_LOTTERY.search(text) and _TERMS.search(text))


def _hides_terms(text: str) -> str | None:
    found = _LOTTERY.search(text)
    if found is None or _TERMS.search(text) or _WARNS.search(text) or _NO_LOTTERY.search(text):
        return None
    return found[0]


_SUPERLATIVE = re.compile(
    r"(?:全国|全网|全球|世界|行业|业内|中国|亚洲|全市|全省|本市|同城|销量|口碑|排名|市场占有率)\s*第一(?![次天个届题步批期季回])|第一品牌|销量冠军"
    r"|国家级(?!风景|自然|非物质|非遗|森林|湿地|公园|博物|重点|文物|高新|经开|开发区|经济|标准|贫困|示范|名录|名胜|地质|奖|赛|课题|项目|媒体|新区)|世界级(?!.{0,4}遗产)"
    r"|顶级|顶尖|极品|绝无仅有|独一无二|史无前例|空前绝后|无与伦比|[全史][网国市球省上]最|全球领先|世界领先|首选(?!支付|方式|语言|联系|项)"
    r"|最(?:佳(?!.{0,4}(?:时间|时机|时段|时节|季节|答案|状态|位置|路线|温度|效果|年龄|赏味|日期|人选|球员|男|女|电影))"
    r"|优(?!先)|强(?!音|大脑)|先进|高级|顶级|便宜|低价(?!.{0,2}多少)|划算|实惠|专业|权威|高端|豪华|优质|好的|好吃|好喝|好用)"
)
_WISH = re.compile(r"[祝愿]|希望|哪|什么|谁|吗|不是|并非|未必|不一定|不敢说|不求|追求|努力|争取|尽")


def _boasts(text: str) -> str | None:
    for found in _SUPERLATIVE.finditer(text):
        clause = re.split("[，。,！!；;\n]", text[: found.start()])[-1]
        rest = re.split("[，。,！!；;\n]", text[found.end() :])[0]
        if not _WISH.search(clause) and not rest.endswith(("？", "?")):
            return found[0]
    return None


_PRIVATE = r"(?:身份证|银行卡|信用卡|卡号|(?<![无线wifi网取件锁])\s*密码|(?:手机|短信|收到).{0,4}验证码|护照号|cvv)"
_ASKS = re.compile(
    rf"(?:回复|发送|发给|发到|发来|提供|填写|输入|告诉|告知|私信|上传|留下|拍照){_PAUSE}{{0,14}}?{_PRIVATE}|{_PRIVATE}{_PAUSE}{{0,14}}?(?:发给|发到|发来|发送|告诉|告知|回复给|提供给)|(?:提供|告诉|告知){_PAUSE}{{0,8}}?验证码",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[「“\"'‘『【][^」”\"'’』】]{1,12}[」”\"'’』】]")  # 回复「密码」: a keyword of ours
_GUARDS = re.compile(r"勿|不要|不会|不得|别|从不|不需|无需|不用|拒绝|谨防|诈骗|骗|泄露|透露")
_NETWORK = re.compile(r"wi-?fi|无线|上网|取件|门锁|门禁", re.IGNORECASE)


_PERSONAL = re.compile("姓名|名字|手机|电话|号码|卡号")


def _one_of_our_words(sentence: str, found: re.Match[str]) -> bool:
    """回复:网点、贷款、信用卡 — a list of what to say, and no question for anything of theirs."""
    listed = re.match(r"[、,;/|]|\s*$", sentence[found.end() :]) and re.search(r"[:、/|]\w+$", found[0])
    return bool(found[0].startswith("回复") and listed and not _PERSONAL.search(sentence))


def _pries(text: str) -> str | None:
    for sentence in re.split("[。！!\n]", _QUOTED.sub("", text)):
        found = _ASKS.search(sentence)
        if found and not _one_of_our_words(sentence, found) and not _GUARDS.search(sentence) and not _NETWORK.search(sentence):
            return found[0]
    return None


_LAWS = (
    _Law(
        "YZ501",
        "转发 转给 分享 赞 集吻 扩散 邀 拉 朋友圈 推荐 老带新 助力 转起来 不转 必转 转疯 都转 就转",
        _induces_sharing,
        "《微信公众平台运营规范》3.3.1 诱导分享：不能用奖励（实物、积分、信息）或强制的办法让用户分享",
        "《微信公众平台运营规范》 3.3.1: no reward and no force may make users share",
        "去掉好处和条件，只说“欢迎分享给朋友”；好处改成人人能得，例如“到店出示这条消息，可领一份”。要知道谁带来了谁，用渠道二维码",
        "take the reward away: 欢迎分享给朋友. Give it to everybody instead; to know who brought whom, use channel codes",
    ),
    _Law(
        "YZ502",
        "关注",
        _induces_following,
        "《微信公众平台运营规范》诱导关注（2014-12-30 公告）：不能用奖励或强制的办法让用户关注公众号",
        "《微信公众平台运营规范》, 诱导关注 (notice of 2014-12-30): no reward and no force may make users follow",
        "不把关注当条件：写“欢迎关注，每周五更新”；答案和资料直接给，礼品给做了事的人，例如“填完问卷送 20 积分”",
        "do not make following a condition: 欢迎关注，每周五更新. Give answers and files directly, and gifts for something done",
    ),
    _Law(
        "YZ503",
        "券 红包 会员卡 大促 促销 特惠 特价 秒杀 抢 团 折 满 买 抽奖 大奖 福利 爆款 新品 选购 礼包 免费 错过 限时 低至 上新 清仓 让利",
        _markets,
        "《微信公众平台运营规范》3.9.2、3.9.3：模板消息不能发广告营销，也不能发红包、卡券、优惠券、代金券、会员卡",
        "《微信公众平台运营规范》 3.9.2 and 3.9.3: no advertising in template messages, no red packets, coupons or member cards",
        "模板消息只说用户自己的事，例如“您预约的 11 月 23 日 10:00 已确认”；优惠放到关键词回复里，等粉丝来问",
        "template messages tell users of their own affairs only, such as 您预约的 11 月 23 日 10:00 已确认; put offers into replies",
        frozenset({"template"}),
    ),
    _Law(
        "YZ504",
        "抽奖 抽 摇奖 刮刮乐 转盘 开奖 中奖 大奖",
        _hides_terms,
        "《规范促销行为暂行规定》第十三条：有奖销售要先公布参与条件、开奖时间、奖品和数量（或中奖概率）、兑奖办法",
        "《规范促销行为暂行规定》, article 13: terms, date, prizes with their number or odds, and how to claim them come first",
        "同一条里写上：“12 月 1 日 10:00 开奖，奖品雨伞 20 把，规则回复「抽奖规则」”，或者放规则的链接",
        "say in the same text: 12 月 1 日 10:00 开奖，奖品雨伞 20 把，规则回复「抽奖规则」, or link to the rules",
        frozenset({"reply", "broadcast", "menu"}),
    ),
    _Law(
        "YZ505",
        "第一 冠军 国家级 世界级 顶 极品 绝无仅有 独一无二 史无前例 空前 无与伦比 最 领先 首选",
        _boasts,
        "《广告法》第九条第三项：广告里不能用“国家级”“最高级”“最佳”等用语",
        "《广告法》, article 9 (3): no 国家级, 最高级, 最佳 and the like in advertisements",
        "换成能查证的事实，例如“开店 12 年”“去年卖出 3 万份”",
        "say what can be checked: 开店 12 年, 去年卖出 3 万份",
    ),
    _Law(
        "YZ507",
        "身份证 银行卡 信用卡 卡号 密码 验证码 护照 cvv CVV",
        _pries,
        "微信《开发者规范》涉及用户数据：只收集必要的数据，事先说明并得到用户同意",
        "the platform's Developer Standards, user data: collect what is necessary only, with consent given beforehand",
        "不在聊天里要证件号、密码、验证码：写“请到店出示身份证”，或者给有登录的网页",
        "never ask for ID numbers, passwords or codes in a chat: 请到店出示身份证, or link to a page with a sign-in",
    ),
)
_STEMS = [(stem, law) for law in _LAWS for stem in law.stems.split()]
_PREFILTER = ahocorasick_rs.AhoCorasick([stem for stem, _ in _STEMS])


def punished(text: str, medium: Medium) -> Iterator[Offence]:
    """What of this text the platform or the law punishes where it is sent by this medium: each rule once, in the order of the codes."""
    met = {_STEMS[stem][1].code for stem, _, _ in _PREFILTER.find_matches_as_indexes(text, overlapping=True)}
    if not met:
        return
    plain = wording.folded(text)
    for law in _LAWS:
        if law.code in met and medium in law.media and (fragment := law.broken(plain)):
            yield Offence(law.code, fragment.strip(), law.rule_zh, law.rule_en, law.rewording_zh, law.rewording_en)
