"""Closings: a board's period that is over is frozen, once, and its best are awarded, once, in one transaction.

Frozen is frozen: what is earned late or taken back afterwards changes no place and no award. The database refuses to alter the rows.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Date,
    Integer,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    func,
    literal,
    select,
    update,
)

from models import notice, ranking, reward
from models.base import Hot, Instant, follower_id, insert, metadata
from models.board import BoardRules, Period, boards_of, period_of, shown
from models.config import Config, fill
from models.database import undone_on_error
from models.follower import hold
from models.ranking import Line
from models.refusal import Refusal

watches = Table(
    "board",
    metadata,
    Column("key", String(40), primary_key=True),
    Column("per", String(6), primary_key=True),
    Column("open_from", Date, nullable=False),  # the first day of the earliest period that is not frozen yet
    Column("seen_at", Instant, nullable=False),  # when the file had the board last, to the hour
)
closings = Table(
    "board_closing",
    metadata,
    Column("board", String(40), primary_key=True),
    Column("period", String(10), primary_key=True),
    Column("closed_at", Instant, nullable=False),
    Column("formula", String(500), nullable=False),  # as it was: checkin=1 points=0.1
)
places = Table(
    "board_place",
    metadata,
    Column("board", String(40), primary_key=True),
    Column("period", String(10), primary_key=True),
    follower_id(primary_key=True),
    Column("place", Integer, nullable=False),
    Column("score", BigInteger, nullable=False),  # in thousandths
    UniqueConstraint("board", "period", "place"),
)
awards = Table(
    "board_award",
    metadata,
    Column("board", String(40), primary_key=True),
    Column("period", String(10), primary_key=True),
    follower_id(primary_key=True),
    Column("award", String(200), nullable=False),  # in words, as the winner was told; '' where nothing of it could be given
)

PATIENCE = timedelta(minutes=10)  # after the end: what was written before midnight has come in by then
_LATEST = timedelta(days=40)  # a period that ended longer ago is not frozen by the clock any more: nobody expects an award for it
_SEEN_EVERY = timedelta(hours=1)
_NEWS_FOR = timedelta(days=30)

_WATCH = Hot(select(watches.c.open_from, watches.c.seen_at).where(watches.c.key == bindparam("which"), watches.c.per == bindparam("how")))
_BEGIN = (
    insert(watches)
    .values({name: bindparam(name) for name in ("key", "per", "open_from", "seen_at")})
    .on_conflict_do_nothing(index_elements=[watches.c.key, watches.c.per])
)
_ON = update(watches).where(
    watches.c.key == bindparam("which"), watches.c.per == bindparam("how"), watches.c.open_from == bindparam("old", type_=Date)
)
_CLOSE = (
    insert(closings)
    .values({name: bindparam(name) for name in ("board", "period", "closed_at", "formula")})
    .on_conflict_do_nothing(index_elements=[closings.c.board, closings.c.period])
    .returning(closings.c.board)
)
_OF_PERIOD = (places.c.board == bindparam("which"), places.c.period == bindparam("when"))
_FIRST = (
    select(places.c.place, places.c.follower_id, places.c.score)
    .where(*_OF_PERIOD, places.c.place <= bindparam("last"))
    .order_by(places.c.place)
)
_PLACE = select(places.c.place, places.c.follower_id, places.c.score).where(*_OF_PERIOD, places.c.follower_id == bindparam("follower"))
_AWARD = select(awards.c.award).where(
    awards.c.board == bindparam("which"), awards.c.period == bindparam("when"), awards.c.follower_id == bindparam("follower")
)
_CLOSED = select(closings).where(closings.c.board == bindparam("which"), closings.c.period == bindparam("when"))


def close(db: Connection, config: Config, now: datetime) -> int:
    """A chore: one period of one board that is over is frozen and awarded. Returns 1 where there was one, 0 where nothing is due.

    The period in which a board is first seen in the file counts whole. A period in which it was never in the file is passed over, and so
    is one that ended more than 40 days ago.
    """
    return next((1 for board in boards_of(config) if board.per != "streak" and _close_next(db, config, board, now)), 0)


def _close_next(db: Connection, config: Config, board: BoardRules, now: datetime) -> bool:
    row = _WATCH.row(db, which=board.key, how=board.per)
    if row is None:
        first = board.current(now, config.zone).first
        db.execute(_BEGIN, {"key": board.key, "per": board.per, "open_from": first, "seen_at": now})
        return False
    open_from, seen_at = row
    period = period_of(board.per, open_from)
    ended = now - period.ends(config.zone)
    if ended < PATIENCE:
        if now - seen_at >= _SEEN_EVERY:
            _went_on(db, board, open_from, open_from, now)
        return False
    if ended <= _LATEST and seen_at >= period.begins(config.zone):
        freeze(db, config, board, period, now)
    _went_on(db, board, open_from, period.next, seen_at)
    return True


def _went_on(db: Connection, board: BoardRules, old: date, new: date, seen_at: datetime) -> None:
    db.execute(_ON.values(open_from=new, seen_at=seen_at), {"which": board.key, "how": board.per, "old": old})


def freeze(db: Connection, config: Config, board: BoardRules, period: Period, now: datetime) -> bool:
    """Afterwards the period's places are stored for good and its winners awarded. Returns whether this call did it.

    All of it belongs to one transaction: killed in the middle, nothing of it is there.
    """
    formula = " ".join(f"{kind}={shown(weight)}" for kind, weight in board.weights.items())
    if db.execute(_CLOSE, {"board": board.key, "period": period.key, "closed_at": now, "formula": formula}).scalar() is None:
        return False
    everybody = ranking.placed(ranking.scores(board, period, config.zone, now).cte("everybody")).subquery()
    rows = select(literal(board.key), literal(period.key), everybody.c.follower_id, everybody.c.place, everybody.c.score)
    db.execute(places.insert().from_select(["board", "period", "follower_id", "place", "score"], rows))
    winners = first(db, board, period, board.last_awarded)
    hold(db, *(line.follower_id for line in winners))
    for line in winners:
        _award(db, config, board, period, line, now)
    return True


def _award(db: Connection, config: Config, board: BoardRules, period: Period, line: Line, now: datetime) -> None:
    given, cause = board.award(line.place), f"board:{board.key}:{period.key}"
    if given is None:
        return
    try:
        with undone_on_error(db):
            award = reward.told(config, reward.grant(db, config, line.follower_id, given, cause, now))
    except Refusal:  # one award that cannot be given keeps nobody from theirs
        award = ""
    db.execute(awards.insert(), {"board": board.key, "period": period.key, "follower_id": line.follower_id, "award": award[:200]})
    if award:
        said = {"title": board.title, "period": period.name, "place": line.place, "score": shown(line.score), "award": award}
        notice.leave(db, config, line.follower_id, cause, fill(board.notices.won, said), now, now + _NEWS_FOR)


def closed_at(db: Connection, board: BoardRules, period: Period) -> datetime | None:
    """When the period was frozen; None where it is not."""
    row = db.execute(_CLOSED, {"which": board.key, "when": period.key}).one_or_none()
    return row.closed_at if row else None


def first(db: Connection, board: BoardRules, period: Period, last: int) -> list[Line]:
    """The places of a frozen period, the first first."""
    return [Line(*row) for row in db.execute(_FIRST, {"which": board.key, "when": period.key, "last": last})]


def place_of(db: Connection, board: BoardRules, period: Period, follower: int) -> tuple[Line, str] | None:
    """The follower's place in a frozen period, and the award it brought in words; None where they were not on the board."""
    values = {"which": board.key, "when": period.key, "follower": follower}
    row = db.execute(_PLACE, values).one_or_none()
    return None if row is None else (Line(*row), db.execute(_AWARD, values).scalar() or "")


def periods(db: Connection, key: str) -> list[tuple[str, datetime, int]]:
    """The frozen periods of a board, the newest first: key, when, how many followers."""
    count = select(func.count()).where(places.c.board == closings.c.board, places.c.period == closings.c.period).scalar_subquery()
    query = select(closings.c.period, closings.c.closed_at, count).where(closings.c.board == key).order_by(closings.c.period.desc())
    return [(period, at, number) for period, at, number in db.execute(query)]
