"""Referrals: whose code brought a newcomer, once and for good, and what has become of it.

pending → paid → clawed_back   the newcomer left soon after
   │  ↘    ↗ ↘
   │   held   …                looks odd: an operator says whether it is paid
   └────┴──→ refused           they left, did nothing in time, had followed before, or an operator said so

Only somebody we had never met counts, and only the first code they came by. Events arrive late and repeated: an older one that tells of
an earlier code, or that they had followed before, puts it right for as long as nothing is paid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal, NamedTuple

from pydantic import Field
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    bindparam,
    case,
    func,
    literal,
    null,
    or_,
    select,
    update,
)

from models.base import Hot, Id, Instant, follower_id, identity, insert, metadata
from models.config import Rules, says
from models.follower import Follower, followers
from models.inbox import inbox_entries
from models.points import Amount
from models.referral_code import PREFIX, referral_codes
from models.reward import RewardRules
from models.suspicion import HoldRules

STATES = ("pending", "held", "paid", "refused", "clawed_back")
LEFT, BEFORE = "取消了关注", "以前就关注过，不是第一次来"

referrals = Table(
    "referral",
    metadata,
    identity(),
    follower_id(nullable=False, unique=True),  # the newcomer
    Column("code_id", Id, ForeignKey("referral_code.id", ondelete="SET NULL"), index=True),  # NULL: whoever brought them was erased
    Column("first_at", Instant, nullable=False),  # the message time of the follow by the code
    Column("state", String(12), nullable=False),
    Column("reasons", Text, nullable=False, server_default=""),  # why it is held or refused, in words
    Column("look_at", Instant),  # when the clock looks at it next; NULL: it is over, or waits for an operator
    Column("left_at", Instant),
    Column("paid_at", Instant),
    Column("safe_at", Instant),  # until then it is taken back where they leave
    Column("points", Integer, nullable=False, server_default="0"),  # what whoever brought them was paid
    Column("settled_by", String(100)),  # the operator who paid or refused it, where one did
    CheckConstraint(f"state IN {STATES}", name="state"),
    CheckConstraint("(state IN ('paid', 'clawed_back')) = (paid_at IS NOT NULL)", name="paid"),
    Index("ix_referral_state", "state", "id"),
)
_r = referrals.c
_DUE = _r.look_at.is_not(None)
Index("ix_referral_look_at", _r.look_at, sqlite_where=_DUE, postgresql_where=_DUE)

Act = Literal["checkin", "survey", "vote", "activity", "message", "any"]


def _check_in_once() -> Mapping[Act, int]:
    return {"checkin": 1}


class AfterRules(Rules):
    """What a newcomer must have done before anything is paid for them."""

    days: int = Field(3, ge=0, le=90, description="留下几天")
    acts: Mapping[Act, Annotated[int, Field(ge=1, le=1000)]] = Field(
        default_factory=_check_in_once,
        description="还要做过什么，各几次：checkin 签到、survey 填完问卷、vote 投票、activity 活动、message 每日一句、any 任意一种",
    )
    within: int = Field(60, ge=1, le=365, description="多少天以内做到才算")


class ReferralNotices(Rules):
    """What is said by the clock."""

    code: Annotated[str, says("until")] = Field(
        "这是您的专属二维码，{until}前有效。朋友扫码来了，回复「我的邀请」能看到来了几位", description="跟在二维码图片后面"
    )
    failed: Annotated[str, says()] = Field("二维码还没有做好，请过一会儿再回复「我的邀请码」", description="微信那边一直没有做出来")
    paid: Annotated[str, says("points")] = Field("您带来的一位朋友常来坐坐，谢谢您！+{points} 积分", description="给了带人来的人积分")
    gift: Annotated[str, says("gift")] = Field("谢谢您常来，送您{gift}", description="给了新来的人礼物")
    clawed_back: Annotated[str, says("points")] = Field("您带来的一位朋友离开了，收回 {points} 积分", description="收回积分")
    left: Annotated[str, says(), Field(min_length=1, max_length=30)] = Field(
        "取消了关注", description="积分明细里收回的理由，带人来的人和新来的人都看得到"
    )


class ReferralRules(Rules):
    """What is paid for a newcomer, when, and what is looked at twice."""

    code_days: int = Field(30, ge=1, le=30, description="二维码几天有效，最多 30；到期再要一次就有新的")
    points: Amount = Field(0, description="新来的人留下并做到 after 以后，给带人来的人多少积分；0 只记录")
    newcomer: RewardRules | None = Field(None, description="那时给新来的人什么")
    after: AfterRules = Field(default_factory=AfterRules, description="新来的人做到什么才给")
    per_month: int = Field(20, ge=1, le=100_000, description="一个人每月最多算几位，多的不给积分")
    clawback_days: int = Field(30, ge=0, le=365, description="给了以后多少天以内离开的，收回")
    hold: HoldRules = Field(default_factory=HoldRules, description="哪些先让运营看一眼再给")
    notices: ReferralNotices = Field(default_factory=ReferralNotices, description="到时候主动说的话")


_f, _c, _i = followers.c, referral_codes.c, inbox_entries.c
_said = bindparam("said_at", type_=Instant)
_newcomer = (
    select(_f.id, _c.id, _said, literal("pending"), bindparam("look_at", type_=Instant))
    .select_from(followers.join(referral_codes, _c.scene == bindparam("scene")))
    .where(_f.id == bindparam("follower"), _c.follower_id != bindparam("follower"))
    .where(or_(bindparam("met_now", type_=Boolean), _f.first_seen_at >= _said))
    .where(~select(_i.id).where(_i.follower_id == bindparam("follower"), _i.said_at < _said).exists())
)
_new = insert(referrals).from_select(["follower_id", "code_id", "first_at", "state", "look_at"], _newcomer)
_ARRIVED = _new.on_conflict_do_update(
    index_elements=[_r.follower_id],
    set_={name: _new.excluded[name] for name in ("code_id", "first_at", "state", "look_at")} | {"reasons": ""},
    where=(_r.first_at > _new.excluded.first_at) & _r.state.in_(("pending", "held")),
).returning(_r.id)
_LEFT_LATER = select(func.min(_i.said_at)).where(_i.follower_id == bindparam("follower"), _i.said_at > _said, _i.kind == "unsubscribe")
_OPEN = update(referrals).where(_r.follower_id == bindparam("follower"), or_(_r.state == "pending", _r.state == "held"))
_CAME_BEFORE = Hot(_OPEN.where(_r.first_at > _said).values(state="refused", reasons=BEFORE, look_at=null()))
_GONE = Hot(_OPEN.where(_r.first_at < _said).values(state="refused", reasons=LEFT, look_at=null(), left_at=_said))
_BROUGHT_BY = Hot(
    select(_f.openid)
    .select_from(referrals.join(referral_codes, _c.id == _r.code_id).join(followers, _f.id == _c.follower_id))
    .where(_r.follower_id == bindparam("follower"), _r.first_at == _said)
)


class Case(NamedTuple):
    """A newcomer whose time has come, with whoever brought them."""

    id: int
    newcomer: int
    code_id: int
    referrer: int
    first_at: datetime
    state: str
    safe_at: datetime | None
    subscribed: bool


def arrived(db: Connection, rules: AfterRules, newcomer: Follower, scene: str, said_at: datetime) -> bool:
    """They followed at `said_at`, by the code of this parameter: afterwards whoever the code is of has brought them, if nobody had before.

    Returns whether that is so. Nobody brings themselves, nor anybody who had been met before that instant. Where they did not come by a
    follower's code, one that they are said to have come by later does not count: they were here before.
    """
    if scene.startswith(PREFIX):
        values = {"follower": newcomer.id, "scene": scene, "said_at": said_at, "look_at": said_at + timedelta(days=rules.days)}
        if db.execute(_ARRIVED, values | {"met_now": not newcomer.returning}).scalar() is not None:
            gone_by = db.execute(_LEFT_LATER, {"follower": newcomer.id, "said_at": said_at}).scalar()
            if gone_by is not None:  # their leaving came here before their coming
                gone(db, newcomer.id, gone_by)
            return True
    came_before(db, newcomer.id, said_at)
    return False


def came_before(db: Connection, newcomer: int, said_at: datetime) -> None:
    """They did something at `said_at`: afterwards no later code has brought them, unless it has been paid for."""
    _CAME_BEFORE.count(db, follower=newcomer, said_at=said_at)


def gone(db: Connection, newcomer: int, said_at: datetime) -> bool:
    """They left at `said_at`: afterwards nothing is going to be paid for them. Returns whether that was new."""
    came_before(db, newcomer, said_at)
    return _GONE.count(db, follower=newcomer, said_at=said_at) == 1


def brought_by(db: Connection, newcomer: int, said_at: datetime) -> str | None:
    """What whoever brought them with the follow of that instant is called, by a name that tells nothing; None where nobody did.

    Never the operator's remark: that is about them, and not for others.
    """
    openid = _BROUGHT_BY.value(db, follower=newcomer, said_at=said_at)
    return Follower(0, openid, True, True, None).name if openid is not None else None


@dataclass(frozen=True, slots=True)
class Mine:
    """What a follower's own code has brought: how many came, are still here, wait to be counted, are counted; and the points they made."""

    came: int
    stayed: int
    waiting: int
    counted: int
    points: int


_here = _f.subscribed & _r.left_at.is_(None)
_counts = [case((which, 1), else_=0) for which in (_here, _r.state.in_(("pending", "held")), _r.state == "paid")]
_MINE = (
    select(func.count(), *(func.coalesce(func.sum(one), 0) for one in (*_counts, case((_r.state == "paid", _r.points), else_=0))))
    .select_from(referrals.join(referral_codes, _c.id == _r.code_id).join(followers, _f.id == _r.follower_id))
    .where(_c.follower_id == bindparam("follower"))
)


def mine(db: Connection, follower: int) -> Mine:
    """What the follower's code has brought: numbers only, of nobody in particular."""
    return Mine(*map(int, db.execute(_MINE, {"follower": follower}).one()))
