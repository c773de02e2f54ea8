"""Topics: what followers asked to be told about, each with the evidence: when, and in which words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, ColumnElement, Connection, String, Table, bindparam, exists, select, update

from models.base import Instant, follower_id, insert, metadata
from models.follower import followers

LONGEST_SAID = 60  # characters of the words that are kept as evidence

topics = Table(
    "topic_subscription",
    metadata,
    follower_id(primary_key=True),
    Column("topic", String(40), primary_key=True, index=True),
    Column("since", Instant, nullable=False),
    Column("said", String(LONGEST_SAID), nullable=False),  # by which they subscribed: what is shown to whoever asks for evidence
    Column("until", Instant),  # when they left it; NULL: subscribed
)

_new = insert(topics).values(
    follower_id=bindparam("follower"), topic=bindparam("which"), since=bindparam("now"), said=bindparam("words"), until=None
)
_SUBSCRIBE = _new.on_conflict_do_update(
    index_elements=[topics.c.follower_id, topics.c.topic],
    set_={"since": _new.excluded.since, "said": _new.excluded.said, "until": None},
    where=topics.c.until.is_not(None),
).returning(topics.c.topic)
_LEAVE = (
    update(topics)
    .where(topics.c.follower_id == bindparam("follower"), topics.c.topic == bindparam("which"), topics.c.until.is_(None))
    .values(until=bindparam("now"))
)
_EVIDENCE = select(topics.c.follower_id, topics.c.since, topics.c.said).where(
    topics.c.follower_id.in_(bindparam("people", expanding=True)), topics.c.topic == bindparam("which"), topics.c.until.is_(None)
)
_HISTORY = (
    select(topics.c.topic, topics.c.since, topics.c.said, topics.c.until)
    .where(topics.c.follower_id == bindparam("follower"))
    .order_by(topics.c.topic)
)
_OF = select(topics.c.topic).where(topics.c.follower_id == bindparam("follower"), topics.c.until.is_(None))


@dataclass(frozen=True, slots=True)
class Evidence:
    """They subscribed then, saying this."""

    since: datetime
    said: str


def subscribe(db: Connection, follower: int, topic: str, said: str, now: datetime) -> bool:
    """Afterwards they are subscribed to the topic, and what they said for it is kept. Returns False where they were already."""
    values = {"follower": follower, "which": topic, "words": said[:LONGEST_SAID], "now": now}
    return db.execute(_SUBSCRIBE, values).scalar() is not None


def leave(db: Connection, follower: int, topic: str, now: datetime) -> bool:
    """Afterwards they are not subscribed to the topic. Returns whether they were."""
    return db.execute(_LEAVE, {"follower": follower, "which": topic, "now": now}).rowcount == 1


def evidence(db: Connection, people: Sequence[int], topic: str) -> dict[int, Evidence]:
    """Since when, and by which words, each of these followers is subscribed to the topic; whoever is missing is not."""
    rows = db.execute(_EVIDENCE, {"people": people, "which": topic}) if people else ()
    return {row.follower_id: Evidence(row.since, row.said) for row in rows}


def subscribed_to(db: Connection, follower: int) -> set[str]:
    """The topics this follower is subscribed to."""
    return set(db.execute(_OF, {"follower": follower}).scalars())


def history(db: Connection, follower: int) -> list[dict[str, object]]:
    """Every topic they ever subscribed to: since when, by which words, and until when, if they left it."""
    return [dict(row._mapping) for row in db.execute(_HISTORY, {"follower": follower})]


def subscribed(topic: str) -> ColumnElement[bool]:
    """The condition on the follower table that they are subscribed to the topic."""
    return exists().where(topics.c.follower_id == followers.c.id, topics.c.topic == topic, topics.c.until.is_(None))
