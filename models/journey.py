"""Journeys: messages that follow one another, each follower in their own time: after they followed, did something, or fell silent.

A step is a broadcast of the file; when it is due for some followers, they become deliveries of one run of it, under the same limits,
quiet hours and consent as everything else. Steps are taken every ten minutes, so that runs stay few.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, RootModel, model_validator
from sqlalchemy import (
    Column,
    Connection,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    and_,
    bindparam,
    case,
    delete,
    func,
    or_,
    select,
    update,
)

from models.act import ACTS, Kind
from models.base import Id, Instant, follower_id, identity, insert, metadata
from models.broadcast import Broadcast, BroadcastsSection, start_for
from models.clock import Span, TimeOfDay, business_day, span, time_of_day
from models.config import Config, Problem, Rules, wrong
from models.follower import followers
from models.key import Key
from models.segment import SegmentsSection, understand

GRID = timedelta(minutes=10)  # steps are taken on these marks
LATEST = timedelta(days=1)  # a step that could not be taken by then (we were down) is left out
PIECE = 2_000  # followers dealt with in one transaction
SCAN = 20_000  # ids looked at in one transaction
COMMITTED = timedelta(minutes=1)  # whatever was begun before a mark was set is committed by then
LOOK_FOR_SILENCE = timedelta(hours=1)
SILENCE_SINCE = timedelta(days=7)  # who has been silent for longer than this beyond the span was so before the journey was there


class Step(Rules):
    """One message of a journey."""

    after: Span = Field(description="开始之后多久：1d、3d、2h")
    at: TimeOfDay | None = Field(None, description='到了那天以后的几点，例如 "10:00"；不写就到时间马上发')
    broadcast: Key = Field(description="发什么：broadcasts 里的 key（不用写 cron）")


class Journey(Rules):
    """Messages that follow one another."""

    key: Annotated[Key, Field(max_length=36)] = Field(description="旅程代号，不要改")
    title: str | None = Field(None, max_length=60, description="给运营看的标题")
    begin: Literal["follow", "message", "checkin", "survey", "vote", "order", "silence"] = Field(
        "follow",
        description="什么时候开始：follow 关注、checkin 签到、survey 填完问卷、vote 投票、order 换东西、message 来说话；silence 很久没来",
    )
    silence: Span | None = Field(None, description="begin 是 silence 时：多久没来算沉默，例如 14d")
    segment: str = Field("all", description="只有这个人群里的粉丝才开始")
    until: Kind | None = Field(None, description="做了什么就不用再发：checkin、survey、vote、order、message、follow")
    again: Span | None = Field(None, description="隔多久可以再来一遍；不写就一辈子一次")
    steps: Annotated[list[Step], Field(min_length=1, max_length=20)] = Field(description="一步一步发什么")

    @model_validator(mode="after")
    def _consistent(self) -> Journey:
        if (self.begin == "silence") != (self.silence is not None):
            raise wrong("begin: silence 要和 silence: 14d 一起写", "begin: silence goes with silence: 14d", "silence")
        after = [span(step.after) for step in self.steps]
        if after != sorted(after):
            raise wrong("steps 的 after 要从短到长", "the steps' `after` must ascend", "steps")
        return self

    @property
    def ends_with(self) -> str | None:
        """The act that ends it: who fell silent and writes again needs no further reminder."""
        return self.until or ("message" if self.begin == "silence" else None)

    def due_at(self, step: int, began_at: datetime, zone: ZoneInfo) -> datetime | None:
        """When the step of this number (from 0) is due for who began then: a ten-minute mark; None after the last."""
        if step >= len(self.steps):
            return None
        taken = self.steps[step]
        due = began_at + span(taken.after)
        if taken.at is not None:
            local = datetime.combine(business_day(due, zone), time_of_day(taken.at), zone)
            due = (local if local >= due else local + timedelta(days=1)).astimezone(UTC)
        seconds, grid = due.timestamp(), GRID.total_seconds()
        return datetime.fromtimestamp(-(-seconds // grid) * grid, UTC)

    def place(self, number: int, sends: str) -> int | None:
        """Where the step is now that was at `number` and sends this broadcast; None where it was taken out."""
        found = [place for place, step in enumerate(self.steps) if step.broadcast == sends]
        return min(found, key=lambda place: (abs(place - number), -place), default=None)

    def first_from(self, at: datetime, began_at: datetime, zone: ZoneInfo) -> int | None:
        """The first step that is due at this time or later for who began then."""
        due = (self.due_at(place, began_at, zone) for place in range(len(self.steps)))
        return next((place for place, when in enumerate(due) if when is not None and when >= at), None)


class JourneysSection(RootModel[list[Journey]]):
    """旅程：关注以后第 1 天、第 3 天……，或者做了什么之后、很久没来之后，一步一步发。"""

    key: ClassVar[str] = "journeys"

    def named(self, key: str) -> Journey | None:
        """The journey of this key."""
        return next((journey for journey in self.root if journey.key == key), None)


def check(config: Config) -> Iterator[Problem]:
    """What a journey names and the file does not have."""
    section, plans, segments = config.get(JourneysSection), config[BroadcastsSection], config[SegmentsSection]
    keys: list[str] = []
    for number, one in enumerate(section.root if section else ()):
        where = ("journeys", number)
        if one.key in keys:
            yield Problem((*where, "key"), f"{one.key} 已经有了，换一个代号", f"{one.key} is there already; choose another key")
        keys.append(one.key)
        if segments.named(one.segment) is None:
            known = "、".join(["all", *(segment.key for segment in segments.root)])
            zh = f"没有人群 {one.segment}；可用：{known}"
            yield Problem((*where, "segment"), zh, f"there is no segment {one.segment}; known: {known}")
        for place, step in enumerate(one.steps):
            if plans.named(step.broadcast) is None:
                known = "、".join(plan.key for plan in plans.root) or "（无）"
                zh = f"broadcasts 里没有 {step.broadcast}；有：{known}"
                yield Problem((*where, "steps", place, "broadcast"), zh, f"no broadcast {step.broadcast}; there are: {known}")


travels = Table(
    "journey_entry",
    metadata,
    identity(),
    follower_id(nullable=False),
    Column("journey", String(40), nullable=False),
    Column("began_at", Instant, nullable=False),  # the act it began with
    Column("step", Integer, nullable=False),  # the next one, from 0
    Column("broadcast", String(40), nullable=False),  # what that sends: by it the step is known again where others came before it
    Column("next_at", Instant),  # when that is due; NULL: it is over
    Column("ended_by", String(20)),  # done, or the act that ended it, late, removed
    UniqueConstraint("follower_id", "journey"),
)
Index(
    "ix_journey_entry_due", travels.c.next_at, sqlite_where=travels.c.next_at.is_not(None), postgresql_where=travels.c.next_at.is_not(None)
)
Index("ix_journey_entry_journey", travels.c.journey, travels.c.step)

marks = Table(
    "journey_mark",
    metadata,
    Column("journey", String(40), primary_key=True),
    Column("begin", String(20), nullable=False),  # the kind of act that is marked
    Column("upto", Id, nullable=False),  # acts up to this mark were looked at, for good
    Column("seen", Id, nullable=False),  # what was the newest at `at`: becomes `upto` when all that was begun then is committed
    Column("at", Instant, nullable=False),
)

_NEW_MARK = insert(marks).values({name: bindparam(name) for name in ("journey", "begin", "upto", "seen", "at")}).on_conflict_do_nothing()
_MARK = select(marks.c.upto, marks.c.seen, marks.c.at).where(marks.c.journey == bindparam("key")).with_for_update()
_MOVE = update(marks).where(marks.c.journey == bindparam("key")).values(upto=bindparam("to"), seen=bindparam("top"), at=bindparam("now"))

_new = insert(travels).values({name: bindparam(name) for name in ("follower_id", "journey", "began_at", "step", "broadcast", "next_at")})
_BEGIN = _new.on_conflict_do_update(
    index_elements=[travels.c.follower_id, travels.c.journey],
    set_={
        "began_at": _new.excluded.began_at,
        "step": 0,
        "broadcast": _new.excluded.broadcast,
        "next_at": _new.excluded.next_at,
        "ended_by": None,
    },
    where=and_(travels.c.next_at.is_(None), travels.c.began_at < bindparam("again_before", type_=Instant)),
)
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def enrol(db: Connection, config: Config, now: datetime) -> int:
    """Afterwards whoever did what a journey begins with, since it was last looked, has begun it. Returns how much was looked at.

    A journey that is new in the file, or was not in it for a while, or begins otherwise than before, begins with whoever acts from now on,
    never with the past.
    """
    section = config.get(JourneysSection) or JourneysSection([])
    begins = {journey.key: journey.begin for journey in section.root}
    if old := [key for key, begin in db.execute(select(marks.c.journey, marks.c.begin)) if begins.get(key) != begin]:
        db.execute(delete(marks).where(marks.c.journey.in_(old)))
    return sum(_enrol(db, config, journey, now) for journey in section.root)


def _enrol(db: Connection, config: Config, journey: Journey, now: datetime) -> int:
    mark = db.execute(_MARK, {"key": journey.key}).one_or_none()
    if journey.begin == "silence":
        return _enrol_silent(db, config, journey, mark, now)
    act = ACTS[journey.begin]
    if mark is None:
        top = act.newest(db, now)
        db.execute(_NEW_MARK, {"journey": journey.key, "begin": journey.begin, "upto": top, "seen": top, "at": now})
        return 0
    if now - mark.at < COMMITTED:
        return 0
    top = act.newest(db, now)
    if act.number is not None:
        top = min(top, mark.seen + SCAN)
    _begin(db, config, journey, [(person, at) for person, at in act.between(db, mark.upto, top)], now)
    db.execute(_MOVE, {"key": journey.key, "to": mark.seen, "top": top, "now": now})
    return int(act.number is not None and top - mark.seen >= SCAN)


def _enrol_silent(db: Connection, config: Config, journey: Journey, mark: Any, now: datetime) -> int:
    """Walks over the followers once an hour; `upto` is how far it has come, and `seen` 1 while a walk is under way."""
    assert journey.silence is not None  # the file was checked
    if mark is None:
        db.execute(_NEW_MARK, {"journey": journey.key, "begin": journey.begin, "upto": 0, "seen": 1, "at": now})
        return 1
    if not mark.seen and now - mark.at < LOOK_FOR_SILENCE:
        return 0
    after = mark.upto if mark.seen else 0
    last, length = followers.c.last_seen_at, span(journey.silence)
    silent = (
        select(followers.c.id, last)
        .where(followers.c.id > after, followers.c.id <= after + SCAN)
        .where(last <= now - length, last > now - length - SILENCE_SINCE)
    )
    _begin(db, config, journey, [(person, at + length) for person, at in db.execute(silent)], now)
    more = after + SCAN < (db.execute(select(func.max(followers.c.id))).scalar() or 0)
    db.execute(_MOVE, {"key": journey.key, "to": after + SCAN, "top": int(more), "now": now})
    return int(more)


def _begin(db: Connection, config: Config, journey: Journey, found: list[tuple[int, datetime]], now: datetime) -> None:
    segment = config[SegmentsSection].named(journey.segment)
    if not found or segment is None:
        return
    newest = dict(sorted(found, key=lambda one: one[1]))
    people, belongs = sorted(newest), set[int]()
    meant = select(followers.c.id).where(followers.c.subscribed, followers.c.refused_at.is_(None), understand(segment.where)(now))
    for first in range(0, len(people), PIECE):
        belongs.update(db.execute(meant.where(followers.c.id.in_(people[first : first + PIECE]))).scalars())
    again = now - span(journey.again) if journey.again else _LONG_AGO
    rows = [
        {
            "follower_id": person,
            "journey": journey.key,
            "began_at": at,
            "step": 0,
            "broadcast": journey.steps[0].broadcast,
            "next_at": journey.due_at(0, at, config.zone),
            "again_before": again,
        }
        for person, at in sorted(newest.items())
        if person in belongs
    ]
    if rows:
        db.execute(_BEGIN, rows)


_DUE = (
    select(travels.c.id, travels.c.follower_id, travels.c.began_at, travels.c.next_at)
    .where(travels.c.journey == bindparam("key"), travels.c.step == bindparam("number"), travels.c.broadcast == bindparam("sends"))
    .where(travels.c.next_at <= bindparam("now", type_=Instant))
    .order_by(travels.c.follower_id)
    .limit(PIECE)
    .with_for_update(skip_locked=True)
)
_STEPS = (
    select(travels.c.journey, travels.c.step, travels.c.broadcast).where(travels.c.next_at <= bindparam("now", type_=Instant)).distinct()
)
_GO_ON = (
    update(travels)
    .where(travels.c.id == bindparam("entry"), travels.c.step == bindparam("was"))
    .values(step=bindparam("number"), broadcast=bindparam("sends"), next_at=bindparam("due"), ended_by=bindparam("why"))
)


def step(db: Connection, config: Config, now: datetime) -> int:
    """Afterwards some of those for whom a step is due have a delivery of it, once, and wait for the next. Returns how many it dealt with.

    Who did what the journey ends with, and who left, is done with it. A step whose broadcast is a draft waits, a day at most. Where the
    steps were edited, everybody goes on with the one they waited for; where it is gone, with the first that is not due before it.
    """
    section = config.get(JourneysSection) or JourneysSection([])
    for key, number, sends in db.execute(_STEPS, {"now": now}).all():
        journey = section.named(key)
        if journey is None:
            continue  # taken out of the file: whoever is on it rests
        planned = config[BroadcastsSection].named(sends)
        if (place := journey.place(number, sends)) != number:
            dealt = _move(db, config, journey, number, sends, place, now)
        else:
            dealt = _take(db, config, journey, number, planned, now) if planned is not None else 0
        if dealt:
            return dealt
    return 0


def _move(db: Connection, config: Config, journey: Journey, number: int, sends: str, place: int | None, now: datetime) -> int:
    """Whoever waited for a step that stands elsewhere now, or nowhere, waits for that, or for what follows."""
    rows = []
    for one in db.execute(_DUE, {"key": journey.key, "number": number, "sends": sends, "now": now}):
        to = place if place is not None else journey.first_from(one.next_at, one.began_at, config.zone)
        row = {"entry": one.id, "was": number, "number": number, "sends": sends, "due": None, "why": "removed"}
        if to is not None:
            due = one.next_at if place is not None else journey.due_at(to, one.began_at, config.zone)
            row |= {"number": to, "sends": journey.steps[to].broadcast, "due": due, "why": None}
        rows.append(row)
    if rows:
        db.execute(_GO_ON, rows)
    return len(rows)


def _take(db: Connection, config: Config, journey: Journey, number: int, planned: Broadcast, now: datetime) -> int:
    due = db.execute(_DUE, {"key": journey.key, "number": number, "sends": planned.key, "now": now}).all()
    late = [one for one in due if one.next_at < now - LATEST]
    fresh = [one for one in due if one.next_at >= now - LATEST]
    if not planned.is_ready:
        fresh = []  # it waits for approval
    ended = _ended(db, journey, [one.id for one in fresh])
    going = [one for one in fresh if one.id not in ended]
    if going:
        start_for(db, planned, f"{journey.key}/{number + 1}", [one.follower_id for one in going], now)
    rows = [_next(journey, number, one, "late", config.zone) for one in late]
    rows += [_next(journey, number, one, None, config.zone) for one in going]
    stays = {"was": number, "number": number, "sends": planned.key, "due": None}
    rows += [{**stays, "entry": one.id, "why": ended[one.id]} for one in fresh if one.id in ended]
    if rows:
        db.execute(_GO_ON, rows)
    return len(rows)


def _next(journey: Journey, number: int, entry: Any, why: str | None, zone: ZoneInfo) -> dict[str, object]:
    due = journey.due_at(number + 1, entry.began_at, zone)
    if due is not None and due <= entry.next_at:
        due = entry.next_at + GRID
    sends = journey.steps[min(number + 1, len(journey.steps) - 1)].broadcast
    return {"entry": entry.id, "was": number, "number": number + 1, "sends": sends, "due": due, "why": None if due else why or "done"}


_LEAVE = (
    update(travels)
    .where(travels.c.follower_id == bindparam("follower"), travels.c.next_at.is_not(None))
    .where(travels.c.began_at <= bindparam("at", type_=Instant))
    .values(next_at=None, ended_by="left")
)


def leave(db: Connection, follower: int, at: datetime) -> None:
    """They left, or refused pushes, at this time: afterwards no journey they were on goes on, whether they come back or not."""
    db.execute(_LEAVE, {"follower": follower, "at": at})


def _ended(db: Connection, journey: Journey, entries: list[int]) -> dict[int, str]:
    """Which of these end here, and by what."""
    did = ACTS[journey.ends_with].happened(travels.c.follower_id, travels.c.began_at) if journey.ends_with else None
    gone = or_(~followers.c.subscribed, followers.c.refused_at.is_not(None))
    why = case((gone, "left"), else_=journey.ends_with or "").label("why")
    ends = gone if did is None else or_(gone, did)
    found = select(travels.c.id, why).join(followers, followers.c.id == travels.c.follower_id).where(travels.c.id.in_(entries), ends)
    return {one.id: one.why for one in db.execute(found)} if entries else {}


def due_by(db: Connection, config: Config, until: datetime) -> list[tuple[Journey, int]]:
    """The journeys of the file with a step due for somebody by this time, and for how many."""
    waiting = (
        select(travels.c.journey, func.count()).where(travels.c.next_at <= until).group_by(travels.c.journey).order_by(travels.c.journey)
    )
    section = config.get(JourneysSection) or JourneysSection([])
    return [(journey, int(many)) for key, many in db.execute(waiting) if (journey := section.named(key))]


def progress(db: Connection, journey: Journey) -> list[tuple[int | None, str | None, int]]:
    """How many wait for which step (from 0), and how many ended by what: (step, None, many) and (step they had come to, why, many)."""
    columns = (travels.c.step, travels.c.ended_by)
    query = select(*columns, func.count()).where(travels.c.journey == journey.key).group_by(*columns).order_by(*columns)
    return [(number, why, int(many)) for number, why, many in db.execute(query)]
