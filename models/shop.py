"""The shop: its rules, and the texts that the clock and operators have us say about orders."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from models.config import Rules, says, wrong
from models.goods import Goods

_Word = Annotated[str, Field(min_length=1)]


class ShopNotices(Rules):
    """What followers are told of their orders without having asked; '' tells nothing."""

    shipped: Annotated[str, says("number", "name", "carrier", "shipment", "received")] = Field(
        "「{name}」已发货：{carrier} {shipment}（订单 {number}）。收到后回复「{received}」", description="发货了"
    )
    cancelled: Annotated[str, says("number", "name", "points", "reason")] = Field(
        "「{name}」的订单 {number} 已取消：{reason|暂时无法发货}。退回 {points} 积分", description="运营取消了订单"
    )
    returned: Annotated[str, says("number", "name", "points", "reason")] = Field(
        "「{name}」的订单 {number} 已退货：{reason|已退回}。退回 {points} 积分", description="退货了"
    )


class ShopRules(Rules):
    """What can be had for points, and how an order goes on."""

    goods: list[Goods] = Field(default_factory=list, max_length=500, description="商品，按这个顺序编号")
    deliver_days: Annotated[int, Field(ge=1, le=90)] = Field(14, description="发货几天以后算作已收到")
    erase_days: Annotated[int, Field(ge=0, le=90)] = Field(7, description="收到、取消或退货几天以后删除收货地址")
    received: list[_Word] = Field(["确认收货", "收到了"], min_length=1, description="说收到货了的词")
    notices: ShopNotices = Field(default_factory=ShopNotices, description="主动告诉粉丝的话")

    @model_validator(mode="after")
    def _are_distinct(self) -> Self:
        for what in ("key", "name"):
            seen: list[str] = []
            for number, one in enumerate(self.goods):
                value = getattr(one, what).casefold()
                if value in seen:
                    raise wrong(f"有两件商品的 {what} 都是“{getattr(one, what)}”", f"two goods have the same {what}", "goods", number, what)
                seen.append(value)
        return self

    def named(self, key: str | None) -> Goods | None:
        """The goods of this key, None where the file has none."""
        return next((one for one in self.goods if one.key == key), None)
