"""The shop's section of config.yaml: its rules, the words it hears, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from handlers.routing import Context, normal
from models.config import Rules, fill, says
from models.database import undone_on_error
from models.notice import LeavesNotices
from models.order import STATES, State, WrongState
from models.refusal import Refusal
from models.shop import ShopRules
from wechat.reply import LONGEST_TEXT, Text

_Words = Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)]
_WHO = says("name", "phone", "address", "confirm", "change", "exit")
_ASK = says("name", "exit")


class ShopWording(Rules):
    """The words of the shop."""

    head: Annotated[str, says("balance", "page", "pages")] = Field("积分商城（您有 {balance} 积分）", description="列表的第一行")
    line: Annotated[str, says("number", "name", "points", "left", "mark")] = Field(
        "\n{number}. {name} {points} 积分，剩 {left} 件{mark}", description="每件商品一行；有等级条件时 {mark} 是下面的 for_level"
    )
    gone: Annotated[str, says("number", "name", "points")] = Field("\n{number}. {name} {points} 积分，已兑完", description="兑完了的一行")
    for_level: Annotated[str, says("level")] = Field("（{level}专享）", description="有等级条件的商品")
    foot: Annotated[str, says("exchange", "orders")] = Field("\n回复序号兑换；「{orders}」看订单", description="列表的最后一行")
    more: Annotated[str, says("next")] = Field("\n「{next}」看后面的", description="后面还有时")
    empty: Annotated[str, says("balance")] = Field("现在没有可以兑换的商品。您有 {balance} 积分", description="没有商品")
    unknown_goods: Annotated[str, says("said", "shop")] = Field("没有「{said}」这件商品，回复「{shop}」看列表", description="没有这件商品")
    confirm: Annotated[str, says("name", "points", "balance", "after", "text", "confirm", "exit")] = Field(
        "「{name}」{points} 积分，兑换后还有 {after} 积分。{text}\n回复「{confirm}」兑换，「{exit}」不换", description="问要不要换"
    )
    consent: Annotated[str, says("name", "days", "agree", "exit")] = Field(
        "为了把「{name}」寄给您，需要您的姓名、手机号和收货地址。只用于这一单的发货，只告诉承运的快递；"
        "收货、取消或退货 {days} 天后自动删除。\n同意请回复「{agree}」，不同意回复「{exit}」",
        description="收集地址之前问的话。粉丝同意的是这段话，原文会留作凭证：要说清用来做什么、保存多久",
    )
    ask_address: Annotated[str, _ASK] = Field("请用一条消息发来姓名、手机号和地址，例如：张三 13800138000 上海市…", description="问地址")
    ask_name: Annotated[str, _ASK] = Field("收货人的姓名是？", description="只差姓名")
    ask_phone: Annotated[str, _ASK] = Field("收货人的手机号是？（11 位；国外的以 + 开头）", description="只差手机号")
    ask_place: Annotated[str, _ASK] = Field("收货地址是？请写到门牌号", description="只差地址")
    not_understood: Annotated[str, says("ask")] = Field("这样写没有看懂。{ask}", description="没看懂，再问一次")
    final: Annotated[str, _WHO] = Field(
        "寄给：{name} {phone} {address}\n（这里只显示一部分，完整的是您刚才发的）\n回复「{confirm}」提交，「{change}」重写，「{exit}」不要了",
        description="最后一步",
    )
    placed: Annotated[str, says("name", "number", "points", "balance", "orders")] = Field(
        "兑换成功：{name}，用了 {points} 积分，还有 {balance}。\n订单 {number}，发货了会告诉您；「{orders}」看进展", description="下单成功"
    )
    given: Annotated[str, says("name", "given", "number", "points", "balance", "orders")] = Field(
        "兑换成功：{given}，用了 {points} 积分，还有 {balance}", description="当场发放的商品"
    )
    addressed: Annotated[str, says("name", "number", "orders")] = Field(
        "收到，「{name}」会尽快寄出。订单 {number}", description="奖品填好了地址"
    )
    left: Annotated[str, says("name")] = Field("好的，没有兑换", description="中途退出")
    too_late: Annotated[str, says("name", "shop")] = Field(
        "等得太久，这次兑换已经结束，您发来的内容已删除。回复「{shop}」重新开始", description="填地址时过了十分钟"
    )
    no_orders: Annotated[str, says("shop")] = Field("您还没有订单。回复「{shop}」看看能换什么", description="没有订单")
    order: Annotated[str, says("name", "state", "number", "points", "date", "shipment", "recipient")] = Field(
        "{date} {name} {state}\n订单 {number}{shipment}{recipient}", description="每个订单"
    )
    shipment: Annotated[str, says("carrier", "shipment")] = Field("\n{carrier} {shipment}", description="发货以后加的一行")
    recipient: Annotated[str, says("name", "phone", "address")] = Field("\n{name} {phone}", description="有地址时加的一行，只显示一部分")
    orders_foot: Annotated[str, says("cancel", "received", "claim")] = Field(
        "\n没发货的可以「{cancel} 订单号」", description="订单列表的最后一行"
    )
    to_claim: Annotated[str, says("claim", "number")] = Field("\n回复「{claim} {number}」填收货地址", description="等地址的奖品加的一行")
    which: Annotated[str, says("word", "orders")] = Field("是哪一个订单？请回复「{word} 订单号」：\n{orders}", description="没说是哪个订单")
    sure_to_cancel: Annotated[str, says("name", "number", "points", "confirm", "exit")] = Field(
        "要取消「{name}」（订单 {number}，退回 {points} 积分）吗？回复「{confirm}」取消，「{exit}」不取消",
        description="只有一个能取消的订单，问一下",
    )
    cancelled: Annotated[str, says("name", "number", "points", "balance")] = Field(
        "订单 {number}（{name}）已取消，退回 {points} 积分，共 {balance}", description="取消成功"
    )
    not_cancelled: Annotated[str, says()] = Field("好的，订单没有取消", description="问要不要取消时，回复了退出的词")
    nothing_to_cancel: Annotated[str, says()] = Field("没有可以取消的订单：发货以后就不能取消了", description="没有能取消的")
    received: Annotated[str, says("name", "number")] = Field("好的，「{name}」收到了。欢迎再来", description="确认收货")
    nothing_to_claim: Annotated[str, says()] = Field("没有等您填地址的奖品", description="没有要领的奖品")
    unknown_order: Annotated[str, says("number")] = Field("您没有订单 {number}", description="订单号不对")
    wrong_state: Annotated[str, says("number", "state")] = Field(
        "订单 {number} 现在是“{state}”，不能这样做了", description="订单的状态不对"
    )
    not_enough_points: Annotated[str, says("name", "needed", "balance")] = Field(
        "「{name}」要 {needed} 积分，您有 {balance}，还不够", description="积分不够"
    )
    sold_out: Annotated[str, says("name")] = Field("「{name}」已经兑完了", description="兑完了")
    limit_reached: Annotated[str, says("name", "limit")] = Field(
        "「{name}」每人最多 {limit} 件，您已经换过了", description="到了每人的上限"
    )
    not_for_you: Annotated[str, says("name", "level")] = Field("「{name}」只给{level|部分}粉丝兑换", description="不符合条件")
    not_now: Annotated[str, says("name")] = Field("「{name}」现在不能兑换", description="不在时间里")
    goods_changed: Annotated[str, says("name")] = Field("「{name}」刚刚有变动，请重新看一下再换", description="问了以后改了价钱或下架了")
    unavailable: Annotated[str, says("name")] = Field("「{name}」现在换不了，积分没有动", description="别的原因换不了")
    states: Mapping[State, str] = Field(default_factory=lambda: STATES, description="订单状态的叫法")

    def state(self, state: State) -> str:
        """What a state is called."""
        return self.states.get(state) or STATES[state]


class ShopSection(ShopRules, LeavesNotices):
    """积分商城。"""

    key: ClassVar[str] = "shop"

    triggers: _Words = Field(["积分商城", "商城"], description="触发词；后面可以跟页码")
    exchange: _Words = Field(["兑换"], description="后面跟序号或名称的词：兑换 1")
    orders: _Words = Field(["我的订单"], description="看订单的词")
    cancel: _Words = Field(["取消订单"], description="取消订单的词，后面跟订单号")
    claim: _Words = Field(["领奖"], description="给奖品填地址的词")
    page: Annotated[int, Field(ge=1, le=50)] = Field(8, description="一页最多几件")
    next: _Words = Field(["下一页"], description="看列表时翻页的词")
    confirm: _Words = Field(["确认"], description="确认的词")
    agree: _Words = Field(["同意"], description="同意收集地址的词")
    change: _Words = Field(["修改", "重写"], description="重写地址的词")
    exit: _Words = Field(["退出", "取消"], description="不换了的词")
    replies: ShopWording = Field(default_factory=ShopWording, description="文案")


def among(text: str, words: Iterable[str]) -> bool:
    """Whether they said one of these words."""
    return normal(text) in map(normal, words)


def worded(ctx: Context, section: ShopSection, work: Callable[[], Text | None], name: str = "", otherwise: str = "") -> Text | None:
    """What the work says, or the words of the refusal that stopped it, with everything it had done taken back.

    `name` is what it is about; `otherwise` how a refusal is said that is none of the shop's: what goods give may have rules of its own.
    """
    try:
        with undone_on_error(ctx.db):
            return work()
    except Refusal as refusal:
        text = getattr(section.replies, refusal.code, otherwise)
        if not text:
            raise
        ctx.explain(f"规则拒绝：{refusal.code}")
        details = {"name": name, **refusal.details}
        if isinstance(refusal, WrongState):
            details["state"] = section.replies.state(refusal.state)
        return Text(fill(text, details))


def fits(text: str) -> bool:
    """Whether one message holds it."""
    return len(text.encode()) <= LONGEST_TEXT
