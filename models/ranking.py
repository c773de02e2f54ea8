"""Rankings: the scores of a board, computed from the ledger, who stands where, and who does not want to be named.

    score = Σ weight(account) × number of acts + weight(points) × Σ points, over the entries of the period in which points were earned

An act is an entry of points with amount > 0 on the account of a kind of act, whose `at` (the message's own time) lies in the period,
that takes nothing back and was itself not taken back. Points count whatever act they were earned by, milestones included; what was
given (prizes, awards, refunds, operators' presents) does not. Of equal scores the one that was reached earlier comes first: the last entry that
counts is older; then the follower we met earlier. Who left us is on no board.

Everybody's scores are worked out once a minute at most (more seldom where tens of thousands are on the board) and kept; a follower's own
score is always that of this moment.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import (
    CTE,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Index,
    Select,
    String,
    Table,
    Text,
    and_,
    bindparam,
    case,
    cast,
    delete,
    func,
    literal,
    literal_column,
    or_,
    select,
)

from models.base import Hot, Instant, follower_id, insert, metadata
from models.board import SCALE, BoardRules, Period
from models.checkin import checkins
from models.clock import business_day
from models.festival import KINDS
from models.follower import Follower, followers
from models.points import ledger

hidden = Table("board_hidden", metadata, follower_id(primary_key=True), Column("since", Instant, nullable=False))

caches = Table(
    "board_cache",
    metadata,
    Column("subject", String(120), primary_key=True),  # a board, its period, and a hash of what counts
    Column("computed_at", Instant, nullable=False),
    Column("content", Text, nullable=False),  # JSON: {"top": [[follower, score]…], "counts": [[score, followers]…]}
)

# The words of the condition are those of the index, or the databases would not see that it serves.
_GAINED: ColumnElement[bool] = literal_column("ledger_entry.asset = 'points' AND ledger_entry.amount > 0")
_gains: ColumnElement[bool] = literal_column("asset = 'points' AND amount > 0")
Index("ix_ledger_entry_gained_at", ledger.c.at, sqlite_where=_gains, postgresql_where=_gains)

# Milestones and days that were made up are paid on the account of check-ins too; the act is the check-in of a day.
_ACT = or_(ledger.c.account != "checkin", ledger.c.cause.like("checkin:____-__-__"))

FRESH = timedelta(seconds=60)  # of a board; and as long again for every 20,000 followers on it: it costs more to work out
_AS_LONG_AGAIN = 20_000


def scores(
    board: BoardRules, period: Period | None, zone: ZoneInfo, now: datetime, follower: int | None = None
) -> Select[tuple[int, int, datetime]]:
    """follower_id, score (thousandths) and reached_at of everybody on the board, or of one follower; no order."""
    if board.per == "streak" or period is None:
        return _streaks(board, zone, now, follower)
    # The fence (OFFSET 0) has the databases work out an entry's worth before they sort them by follower: there is less to carry.
    worth = _entries(board, period, zone, follower).offset(0).subquery()
    score = cast(func.sum(worth.c.worth), BigInteger)
    query = select(worth.c.follower_id, score.label("score"), func.max(worth.c.at).label("reached_at")).group_by(worth.c.follower_id)
    return _following(query.having(score >= board.least), follower)


def _entries(board: BoardRules, period: Period, zone: ZoneInfo, follower: int | None) -> Select[tuple[int, int, datetime]]:
    """What counts: whose entry, what it is worth, and when it was."""
    taken_back = ledger.alias("taking_back").c.reverses_id
    query = select(ledger.c.follower_id, _weight(board).label("worth"), ledger.c.at).where(
        _GAINED,
        ledger.c.at >= period.begins(zone),
        ledger.c.at < period.ends(zone),
        ledger.c.account.in_(KINDS if "points" in board.weights else list(board.weights)),
        func.coalesce(ledger.c.reverses_id, 0) == 0,  # written so that no index on the column looks better than the one on `at`
        *([] if "points" in board.weights else [_ACT]),
    )
    if follower is not None:
        return query.where(ledger.c.follower_id == follower, ~select(taken_back).where(taken_back == ledger.c.id).exists())
    return query.where(ledger.c.id.not_in(select(taken_back).where(taken_back.is_not(None))))


def _weight(board: BoardRules) -> ColumnElement[int]:
    acts = [
        (and_(ledger.c.account == kind, _ACT) if kind == "checkin" else ledger.c.account == kind, weight)
        for kind, weight in board.weights.items()
        if kind != "points"
    ]
    per_act: ColumnElement[int] = case(*acts, else_=0) if acts else literal(0)
    return per_act + ledger.c.amount * board.weights["points"] if "points" in board.weights else per_act


def _streaks(board: BoardRules, zone: ZoneInfo, now: datetime, follower: int | None) -> Select[tuple[int, int, datetime]]:
    """A streak stands that was gone on with today or yesterday; of the two, today's is the longer one."""
    today = business_day(now, zone)
    score = cast(func.max(checkins.c.streak) * SCALE, BigInteger)
    query = select(checkins.c.follower_id, score.label("score"), func.max(checkins.c.at).label("reached_at"))
    query = query.where(checkins.c.day.in_([today, today - timedelta(days=1)]))
    if follower is not None:
        query = query.where(checkins.c.follower_id == follower)
    return _following(query.group_by(checkins.c.follower_id).having(score >= board.least), follower)


def _following(query: Select[tuple[int, int, datetime]], follower: int | None) -> Select[tuple[int, int, datetime]]:
    if follower is not None:
        return query
    found = query.subquery()
    return (
        select(found.c.follower_id, found.c.score, found.c.reached_at)
        .join(followers, followers.c.id == found.c.follower_id)
        .where(followers.c.subscribed)
    )


@dataclass(frozen=True, slots=True)
class Line:
    """One place on a board."""

    place: int
    follower_id: int
    score: int


@dataclass(frozen=True, slots=True)
class Standing:
    """A board as it is now: its first places, and how many followers have which score (the highest first)."""

    top: Sequence[Line]
    counts: Sequence[tuple[int, int]]

    def place(self, follower: int, score: int) -> int:
        """The follower's place: that on the list, else one below all whose score is higher."""
        on_list = next((line.place for line in self.top if line.follower_id == follower), None)
        return on_list or max(1 + sum(number for other, number in self.counts if other > score), len(self.top) + 1)


_CACHED = Hot(select(caches.c.content, caches.c.computed_at).where(caches.c.subject == bindparam("which")))
_TURN = select(caches.c.subject).where(caches.c.subject == bindparam("which")).with_for_update(skip_locked=True)
_fresh = insert(caches).values({name: bindparam(name) for name in ("subject", "computed_at", "content")})
_KEEP = _fresh.on_conflict_do_update(
    index_elements=[caches.c.subject], set_={"computed_at": _fresh.excluded.computed_at, "content": _fresh.excluded.content}
)
_FORGET = delete(caches).where(caches.c.computed_at < bindparam("before", type_=Instant))


def standing(db: Connection, board: BoardRules, period: Period | None, zone: ZoneInfo, now: datetime) -> Standing:
    """The board as it was at most a minute ago (on PostgreSQL: or as it was before, while another transaction works it out)."""
    subject = _subject(board, period, zone, now)
    row = _CACHED.row(db, which=subject)
    if row is not None:
        kept, computed_at = _read(row[0]), row[1]
        fresh = FRESH * (1 + sum(number for _, number in kept.counts) // _AS_LONG_AGAIN)
        if now - computed_at < fresh or db.execute(_TURN, {"which": subject}).scalar() is None:
            return kept
    found = computed(db, board, period, zone, now)
    content = {"top": [[line.follower_id, line.score] for line in found.top], "counts": found.counts}
    db.execute(_FORGET, {"before": now - timedelta(days=2)})
    db.execute(_KEEP, {"subject": subject, "computed_at": now, "content": json.dumps(content)})
    return found


def _subject(board: BoardRules, period: Period | None, zone: ZoneInfo, now: datetime) -> str:
    what = hashlib.sha256(repr((board.per, sorted(board.weights.items()), board.top, board.least)).encode()).hexdigest()[:16]
    return f"{board.key}:{period.key if period else business_day(now, zone)}:{what}"


def _read(content: str) -> Standing:
    kept = json.loads(content)
    return Standing(
        [Line(place, who, score) for place, (who, score) in enumerate(kept["top"], 1)],
        [(score, number) for score, number in kept["counts"]],
    )


def computed(db: Connection, board: BoardRules, period: Period | None, zone: ZoneInfo, now: datetime) -> Standing:
    """The board of this moment, worked out from the entries in one statement."""
    everybody = scores(board, period, zone, now).cte("everybody")
    first = placed(everybody).order_by("place").limit(board.top).subquery()
    counts = select(literal(0), literal(0), everybody.c.score, func.count()).group_by(everybody.c.score)
    rows = db.execute(select(first.c.place, first.c.follower_id, first.c.score, literal(1)).union_all(counts)).all()
    top = sorted((Line(place, who, score) for place, who, score, _ in rows if place), key=lambda line: line.place)
    return Standing(top, sorted(((score, number) for place, _, score, number in rows if not place), reverse=True))


def placed(everybody: CTE) -> Select[tuple[int, int, int]]:
    """place, follower_id and score of what `scores` found: the order of the board."""
    columns = everybody.c
    order = (columns.score.desc(), columns.reached_at, columns.follower_id)
    return select(func.row_number().over(order_by=order).label("place"), columns.follower_id, columns.score)


def score_of(db: Connection, board: BoardRules, period: Period | None, zone: ZoneInfo, now: datetime, follower: int) -> int:
    """The follower's score of this moment, in thousandths; 0 where it is too low for the board."""
    row = db.execute(scores(board, period, zone, now, follower)).one_or_none()
    return row.score if row else 0


_HIDE = Hot(
    insert(hidden)
    .values(follower_id=bindparam("follower"), since=bindparam("since"))
    .on_conflict_do_nothing(index_elements=[hidden.c.follower_id])
)
_SHOW = Hot(delete(hidden).where(hidden.c.follower_id == bindparam("follower")))


def hide(db: Connection, follower: int, now: datetime) -> None:
    """Afterwards no board names them; they are counted and awarded all the same."""
    _HIDE.count(db, follower=follower, since=now)


def show_again(db: Connection, follower: int) -> None:
    """Afterwards the boards name them."""
    _SHOW.count(db, follower=follower)


def names(db: Connection, board: BoardRules, who: Sequence[int]) -> dict[int, str | None]:
    """What the boards call these followers; None for who does not want to be named. Never an openid, no remark without `by_remark`."""
    query = select(followers.c.id, followers.c.openid, followers.c.remark, hidden.c.since).outerjoin(hidden).where(followers.c.id.in_(who))
    return {
        key: None if since else Follower(key, openid, True, True, remark if board.by_remark else None).name
        for key, openid, remark, since in db.execute(query)
    }


def openids(db: Connection, who: Sequence[int]) -> dict[int, str]:
    """For operators only: who these followers are."""
    found = db.execute(select(followers.c.id, followers.c.openid).where(followers.c.id.in_(who)))
    return {key: openid for key, openid in found}  # noqa: C416
