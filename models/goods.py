"""Goods: what points buy, as the file has it, and how many of each a follower has had."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from sqlalchemy import CheckConstraint, Column, Connection, Integer, String, Table, bindparam, select, update

from models.base import Hot, follower_id, insert, metadata
from models.condition import Conditions
from models.config import Rules, says, wrong
from models.key import Key
from models.points import Amount
from models.refusal import Refusal
from models.reward import RewardRules

_BY_CHANCE = ("nth", "probability")
_OF_TIME = frozenset({"from_", "to", "days", "dates", "holiday", "workday"})


def _check_name(text: str) -> str:
    if text.strip() != text or any(c in text for c in "\n\r\t") or text.isdecimal():
        raise wrong("名称前后不能有空格，不能换行，也不能只是数字", "a name has no space around it, no line break, and is no number")
    return text


class Goods(Rules):
    """One thing in the shop."""

    key: Key = Field(description="商品代号，不要改：改了就是另一件商品，库存重新算")
    name: Annotated[str, Field(min_length=1, max_length=40), AfterValidator(_check_name)] = Field(description="商品名称")
    points: Amount = Field(description="一件多少积分")
    stock: Annotated[int, Field(ge=0, le=1_000_000)] = Field(description="一共多少件；改大就是补货")
    per_follower: Annotated[int, Field(ge=1, le=1000)] | None = Field(None, description="每人最多换几件；不写不限")
    kind: Literal["physical", "virtual"] = Field("physical", description="physical：要寄，会问地址；virtual：当场发 reward，不问地址")
    reward: RewardRules | None = Field(None, description="virtual 的商品换到什么：补签卡、券等，当场发到账上")
    text: Annotated[str, Field(max_length=200), says()] = Field("", description="说明，选中以后显示")
    when: Conditions | None = Field(None, description="谁、什么时候能换：level、segment、tags、dates、days、from/to 等")

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        if self.kind == "virtual" and self.reward is None:
            raise wrong("virtual 的商品要写 reward：换到什么", "virtual goods need a reward")
        if self.kind == "physical" and self.reward is not None:
            raise wrong(
                "有 reward 的商品是当场发的，请写 kind: virtual", "goods with a reward are given at once: write kind: virtual", "reward"
            )
        for name in _BY_CHANCE if self.when is not None else ():
            if getattr(self.when, name) is not None:
                raise wrong(f"商品的条件里不能写 {name}", f"goods have no {name}", "when", name)
        return self

    @property
    def subject(self) -> str:
        """What its stock is called."""
        return f"goods:{self.key}"

    @cached_property
    def times(self) -> Conditions | None:
        """When it can be had, whoever asks."""
        others = {name: None for name in Conditions.model_fields if name not in _OF_TIME}
        return self.when.model_copy(update=others) if self.when else None


had = Table(
    "goods_had",
    metadata,
    follower_id(primary_key=True),
    Column("goods", String(40), primary_key=True),
    Column("number", Integer, nullable=False),  # ordered and not given back
    CheckConstraint("number >= 0", name="not_negative"),
)


class LimitReached(Refusal):
    """The follower has had as many of it as anybody may. Details: limit."""


_mine = (had.c.follower_id == bindparam("follower"), had.c.goods == bindparam("what"))
_COUNT = Hot(
    insert(had)
    .values(follower_id=bindparam("follower_id"), goods=bindparam("goods"), number=1)
    .on_conflict_do_update(
        index_elements=[had.c.follower_id, had.c.goods],
        set_={"number": had.c.number + 1},
        where=had.c.number < bindparam("most", type_=Integer),
    )
    .returning(had.c.number)
)
_UNCOUNT = Hot(update(had).where(*_mine, had.c.number > 0).values(number=had.c.number - 1))
_HAD = Hot(select(had.c.number).where(*_mine))

_UNLIMITED = 2_000_000_000


def count(db: Connection, follower: int, goods: Goods) -> None:
    """Afterwards the follower has had one more of it. Raises LimitReached."""
    most = goods.per_follower or _UNLIMITED
    if _COUNT.value(db, follower_id=follower, goods=goods.key, most=most) is None:
        raise LimitReached(limit=goods.per_follower)


def uncount(db: Connection, follower: int, key: str) -> None:
    """Afterwards the follower has had one less of it. Raises ValueError where they had none: a bug of the caller's."""
    if not _UNCOUNT.count(db, follower=follower, what=key):
        raise ValueError(f"{follower} never had any {key}")


def number_had(db: Connection, follower: int, key: str) -> int:
    """How many of it the follower has had and not given back."""
    return _HAD.value(db, follower=follower, what=key) or 0
