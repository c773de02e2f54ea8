"""Lotteries: rules that are pinned, a seed that was promised, draws in one row without gaps, and prizes that cannot run over.

models/drawing.py draws; here stands what a lottery is, how it is published, how it ends, and what became of it.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    case,
    cast,
    func,
    literal,
    select,
    update,
)

from models import draw as fair
from models import stock
from models.base import Hot, Id, Instant, follower_id, identity, insert, metadata
from models.config import Config
from models.follower import followers
from models.order import orders
from models.prize import HoldsLotteries, LotteryRules, PrizeRules, pinned, unpinned
from models.refusal import Refusal

LATE = timedelta(hours=1)  # after the end: messages written in time may still arrive, and only then is the seed told
_MOST = 50  # in one piece of a chore

lotteries = Table(
    "lottery",
    metadata,
    Column("key", String(40), primary_key=True),
    Column("seed", LargeBinary, nullable=False),  # a secret until `revealed_at`; never changed
    Column("rules", Text, nullable=False),  # canonical JSON; from the first draw on never changed
    Column("rules_hash", String(64), nullable=False),
    Column("commitment", String(64), nullable=False),
    Column("announced_at", Instant, nullable=False),  # when a commitment was published first
    Column("changed_at", Instant),  # when other rules were published, before anybody had drawn
    Column("begins_at", Instant),
    Column("ends_at", Instant, nullable=False),
    Column("draws", Integer, nullable=False, server_default="0"),
    Column("first_draw_at", Instant),
    Column("revealed_at", Instant),
    Column("revealed_by", String(100)),  # the operator who ended it early
    CheckConstraint("draws >= 0", name="draws"),
)

lottery_draws = Table(
    "lottery_draw",
    metadata,
    identity(),
    Column("lottery", String(40), ForeignKey("lottery.key"), nullable=False),
    Column("number", Integer, nullable=False),  # 1, 2, 3 … without gaps (a trigger sees to that)
    follower_id(nullable=False),
    Column("ticket", String(16), nullable=False),  # what the draw is called in public
    Column("proof", String(12), nullable=False),  # what only whoever drew is told, to claim a prize by
    Column("at", Instant, nullable=False),  # the message's own time
    Column("fell_on", String(40)),  # the prize the number fell on; NULL: none
    Column("prize", String(40)),  # the prize that was won; NULL where there was none, or none left
    Column("paid", String(10), nullable=False),  # free, chance, points
    Column("owed", Boolean, nullable=False),  # the prize has to be claimed: it could not be given by itself
    UniqueConstraint("lottery", "number"),
    UniqueConstraint("lottery", "ticket"),
    CheckConstraint("number > 0", name="number"),
    CheckConstraint("prize IS NULL OR prize = fell_on", name="prize"),
)
_WON = lottery_draws.c.prize.is_not(None)
Index("ix_lottery_draw_won", lottery_draws.c.follower_id, sqlite_where=_WON, postgresql_where=_WON)
Index("ix_lottery_draw_prize", lottery_draws.c.lottery, lottery_draws.c.prize, sqlite_where=_WON, postgresql_where=_WON)

lottery_turns = Table(
    "lottery_turn",
    metadata,
    follower_id(primary_key=True),
    Column("lottery", String(40), primary_key=True),
    Column("total", Integer, nullable=False),
    Column("day", Date, nullable=False),  # the newest business day they drew on
    Column("today", Integer, nullable=False),  # how often on that day
    CheckConstraint("today > 0 AND today <= total", name="today"),
)

lottery_claims = Table(
    "lottery_claim",
    metadata,
    Column("draw_id", Id, ForeignKey("lottery_draw.id"), primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("by", String(100), nullable=False),
    Column("note", String(200), nullable=False),
)


def subject(key: str, prize: str) -> str:
    """Under which name the stock of a prize is kept."""
    return f"prize:{key}:{prize}"


class StillGoingOn(Refusal):
    """The seed of a lottery that goes on is not told. Details: ends_at."""


class NoSuchDraw(Refusal):
    """No draw of this lottery has this proof, or it won nothing that is to be claimed."""


class Pinned(NamedTuple):
    """A lottery as it stands in the database."""

    text: str
    rules_hash: str
    begins_at: datetime | None
    ends_at: datetime
    draws: int
    revealed_at: datetime | None

    @property
    def rules(self) -> LotteryRules:
        """The rules that hold."""
        return unpinned(self.text)


_l, _d = lotteries.c, lottery_draws.c
_READ = Hot(select(_l.rules, _l.rules_hash, _l.begins_at, _l.ends_at, _l.draws, _l.revealed_at).where(_l.key == bindparam("which")))
_SEED = Hot(select(_l.seed).where(_l.key == bindparam("which")))
_terms = ("rules", "rules_hash", "commitment", "begins_at", "ends_at")
_ANNOUNCE = Hot(
    insert(lotteries)
    .values({name: bindparam(name) for name in ("key", "seed", "announced_at", *_terms)})
    .on_conflict_do_nothing(index_elements=[_l.key])
)
_ANNOUNCE_AGAIN = Hot(
    update(lotteries)
    .where(_l.key == bindparam("which"), _l.draws == 0, _l.revealed_at.is_(None))
    .values({name: bindparam(name) for name in ("changed_at", *_terms)})
)


def announce(db: Connection, zone: ZoneInfo, rules: LotteryRules, now: datetime, *, seed: bytes = b"") -> bool:
    """Afterwards the lottery has a seed, and its rules with the commitment to both are published. Returns whether that was new.

    Rules that were changed before the first draw are published anew, under the same seed, and when is told; afterwards those hold that are
    pinned. `seed`
    is for the tests of a file, which must come out alike every time.
    """
    row, text = _READ.row(db, which=rules.key), pinned(rules)
    digest = fair.hash_of(text)
    if row is not None and (row[1] == digest or row[4] or row[5]):
        return False
    seed = seed or secrets.token_bytes(fair.SEED_BYTES)
    if row is not None:
        seed = _SEED.value(db, which=rules.key)
    terms = {"rules": text, "rules_hash": digest, "commitment": fair.commitment(seed, digest)}
    times = {"begins_at": rules.begins(zone), "ends_at": rules.ends(zone)}
    if row is None:
        return bool(_ANNOUNCE.count(db, key=rules.key, seed=seed, announced_at=now, **terms, **times))
    return bool(_ANNOUNCE_AGAIN.count(db, which=rules.key, changed_at=now, **terms, **times))


def standing(db: Connection, key: str) -> Pinned | None:
    """The lottery as it was published; None before that."""
    row = _READ.row(db, which=key)
    return Pinned(*row) if row else None


def differs(rules: LotteryRules, holds: Pinned) -> bool:
    """Whether the file has other rules than those that hold: since the first draw they hold all the same."""
    return fair.hash_of(pinned(rules)) != holds.rules_hash


# By the clock


def publish_due(db: Connection, config: Config, now: datetime, *, seed: bytes = b"") -> int:
    """A chore: afterwards every lottery of the file that is not over is published, before anybody draws in it. Returns how many were new.

    `seed`: see `announce`.
    """
    section = config.of_kind(HoldsLotteries)
    running = [rules for rules in section.lotteries if now < rules.ends(config.zone)] if section is not None else []
    return sum(announce(db, config.zone, rules, now, seed=seed) for rules in running)


_REVEAL = update(lotteries).where(_l.revealed_at.is_(None))
_DUE = select(_l.key).where(_l.revealed_at.is_(None), _l.ends_at <= bindparam("over", type_=Instant)).order_by(_l.key).limit(_MOST)


def reveal_due(db: Connection, config: Config, now: datetime) -> int:
    """A chore: afterwards the seeds of lotteries that ended an hour ago are told. Returns how many."""
    keys = db.execute(_DUE, {"over": now - LATE}).scalars().all()
    return db.execute(_REVEAL.where(_l.key.in_(keys)).values(revealed_at=now)).rowcount if keys else 0


def reveal(db: Connection, key: str, now: datetime, *, by: str = "", early: bool = False) -> bool:
    """Afterwards the seed is told, and nobody draws in this lottery any more. Returns whether it was new.

    Raises StillGoingOn before its end where it is not `early`: messages that were written in time have an hour to arrive.
    """
    holds = standing(db, key)
    if holds is not None and not early and now < holds.ends_at + LATE and holds.revealed_at is None:
        raise StillGoingOn(ends_at=holds.ends_at)
    return bool(db.execute(_REVEAL.where(_l.key == key).values(revealed_at=now, revealed_by=by or None)).rowcount)


# What became of it


class Published(NamedTuple):
    """All that may be known of a lottery; the seed is None until it is told."""

    key: str
    text: str
    rules_hash: str
    commitment: str
    announced_at: datetime
    changed_at: datetime | None
    begins_at: datetime | None
    ends_at: datetime
    draws: int
    first_draw_at: datetime | None
    revealed_at: datetime | None
    seed: str | None

    @property
    def rules(self) -> LotteryRules:
        """The rules that hold."""
        return unpinned(self.text)

    @property
    def ended_early(self) -> bool:
        """Whether an operator ended it before its time."""
        return self.revealed_at is not None and self.revealed_at < self.ends_at


_public = [
    *(_l[name] for name in ("key", "rules", "rules_hash", "commitment", "announced_at", "changed_at", "begins_at", "ends_at")),
    *(_l[name] for name in ("draws", "first_draw_at", "revealed_at")),
    case((_l.revealed_at.is_not(None), _l.seed), else_=None),
]


def published(db: Connection, key: str | None = None) -> list[Published]:
    """The lottery of this key, or all, the newest first. A seed that is not told yet does not leave the database."""
    wanted = select(*_public).order_by(_l.announced_at.desc(), _l.key)
    rows = db.execute(wanted if key is None else wanted.where(_l.key == key))
    return [Published._make([*row[:-1], bytes(row[-1]).hex() if row[-1] is not None else None]) for row in rows]


class Listed(NamedTuple):
    """A draw as the public sees it."""

    number: int
    at: datetime
    ticket: str
    fell_on: str | None
    prize: str | None


def listed(db: Connection, key: str, after: int, most: int, *, ticket: str = "") -> list[Listed]:
    """The draws behind this number, in their order; of a ticket its one."""
    wanted = select(_d.number, _d.at, _d.ticket, _d.fell_on, _d.prize).where(_d.lottery == key, _d.number > after)
    wanted = wanted.where(_d.ticket == ticket) if ticket else wanted
    return [Listed(*row) for row in db.execute(wanted.order_by(_d.number).limit(most))]


class Win(NamedTuple):
    """A draw that won, and whose it is."""

    lottery: str
    number: int
    at: datetime
    ticket: str
    proof: str
    prize: str
    owed: bool
    claimed_at: datetime | None
    openid: str
    rules: LotteryRules


def wins(db: Connection, *, key: str | None = None, follower: int | None = None, most: int) -> list[Win]:
    """The draws that won, of this lottery or this follower, the newest first."""
    from_ = lottery_draws.join(lotteries).join(followers).outerjoin(lottery_claims)
    wanted = select(
        *(_d[name] for name in ("lottery", "number", "at", "ticket", "proof", "prize", "owed")),
        *(lottery_claims.c.at, followers.c.openid, _l.rules),
    )
    wanted = wanted.select_from(from_).where(_WON).order_by(_d.id.desc()).limit(most)
    if key is not None:
        wanted = wanted.where(_d.lottery == key)
    if follower is not None:
        wanted = wanted.where(_d.follower_id == follower)
    return [Win._make([*row[:-1], unpinned(row[-1])]) for row in db.execute(wanted)]


def claimed(db: Connection, key: str, proof: str, now: datetime, *, by: str, note: str = "") -> tuple[str, bool]:
    """Afterwards the prize of the draw with this proof has been handed over. Returns its ticket and whether that was new. Raises NoSuchDraw."""
    row = db.execute(select(_d.id, _d.ticket).where(_d.lottery == key, _d.proof == proof, _WON, _d.owed)).first()
    if row is None:
        raise NoSuchDraw
    values = {"draw_id": row.id, "at": now, "by": by[:100], "note": note[:200]}
    kept = db.execute(insert(lottery_claims).values(values).on_conflict_do_nothing(index_elements=["draw_id"]))
    return row.ticket, kept.rowcount == 1


class Progress(NamedTuple):
    """How many of a prize were won, and how many of those were handed over or sent; what is given by itself is no longer asked for."""

    prize: PrizeRules
    won: int
    claimed: int


_BY_CAUSE = literal("lottery:") + _d.lottery + ":" + cast(_d.number, String)  # as models.drawing writes it
_CLAIMED = (
    select(_d.prize, func.count())
    .select_from(
        lottery_draws.outerjoin(lottery_claims).outerjoin(
            orders, (orders.c.follower_id == _d.follower_id) & (orders.c.cause == _BY_CAUSE) & orders.c.state.in_(("shipped", "delivered"))
        )
    )
    .where(_d.lottery == bindparam("which"), _WON, _d.prize.in_(bindparam("goods", expanding=True)))
    .where(lottery_claims.c.draw_id.is_not(None) | orders.c.id.is_not(None))
    .group_by(_d.prize)
)


def progress(db: Connection, found: Published) -> Sequence[Progress]:
    """How far each prize is."""
    goods = [prize.key for prize in found.rules.prizes if prize.goods]
    claims: dict[str, int] = dict(db.execute(_CLAIMED, {"which": found.key, "goods": goods}).all()) if goods else {}
    return [Progress(prize, stock.taken(db, subject(found.key, prize.key)), claims.get(prize.key, 0)) for prize in found.rules.prizes]
