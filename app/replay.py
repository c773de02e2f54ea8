"""Replay: what followers really said, answered by two versions of the file in databases of their own, and what differs.

The live database is only read, in one snapshot, for as long as the copying takes: nobody who answers followers waits for a replay.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, Integer, Row, Select, Table, bindparam, delete, func, insert, select, text, update

from app.live import Version
from app.rehearsal import Rehearsal, Tried
from app.scratch import Scratch, scratch
from app.spoken import so_long
from models import address, conversation, order_draft
from models.base import metadata
from models.checkin import checkins
from models.database import Database
from models.follower import followers
from models.inbox import inbox_entries
from models.points import balances, ledger
from models.survey import answers, responses
from wechat import inbound
from wechat.inbound import Inbound, Unreadable

# What no rule ever asks for: it is written by the way. The floors are cleared: nobody knows who had them when the window begins.
NOT_COPIED = frozenset(
    {"inbox_entry", "delivery", "customer_message", "finding", "conversation", "allowance", "order_address", "order_draft"}
)
_PAGE = 1000
_EXAMPLES = 3

_e = inbox_entries.c


@dataclass
class Changes:
    """Messages that one rule of the old file answered and one of the new: how many would be answered otherwise, and a few of them."""

    old: str | None
    new: str | None
    count: int = 0
    lost: int = 0
    examples: list[tuple[str, str | None, str | None]] = field(default_factory=list)  # what was said, the old reply, the new one


@dataclass
class Replayed:
    """What came of a replay. `lost`: a rule answered, and now only the fallback does or nobody; `gained`: the other way round."""

    messages: int = 0
    followers: int = 0
    changed: int = 0
    lost: int = 0
    gained: int = 0
    moved: int = 0  # another rule, the same reply
    as_then: int = 0  # the old file's rule is the one that answered when it was said
    shortened: int = 0  # too long to have been kept whole: not replayed
    others: int = 0  # reports of the platform, and what nobody knows the sender of: not replayed
    cut: bool = False  # there were more messages than were asked for: the newest were replayed
    bugs: int = 0
    groups: dict[tuple[str | None, str | None], Changes] = field(default_factory=dict)


class Source(NamedTuple):
    """Which messages: those that came since then."""

    since: datetime
    number: int
    cut: bool


def replay(database: Database, old: Version, new: Version, since: datetime, most: int, told: Callable[[int, int], None]) -> Replayed:
    """What the two versions answer to the messages since then, the newest `most` of them. `told` hears of the progress: done, of how many.

    Afterwards the database is as it was, whatever happened.
    """
    with TemporaryDirectory(prefix="yizhan-replay-") as folder:
        first, second = Path(folder) / "old.db", Path(folder) / "new.db"
        source = _copied(database, since, most, first)
        shutil.copy(first, second)
        found = Replayed(cut=source.cut)
        with ExitStack() as stack:
            sides = tuple(stack.enter_context(scratch(file)) for file in (first, second))
            with sides[0].rehearsal() as db:
                found.followers = db.execute(select(func.count()).select_from(followers)).scalar_one()
            _compare(found, source, sides[0], sides[1], old, new, told)
        return found


# The copy


def _copied(database: Database, since: datetime, most: int, file: Path) -> Source:
    """The messages since then and what there is about those who sent them, as far as it can be wound back to that instant, in this file."""
    with database.snapshot() as live, scratch(file) as copy, copy.kept() as db:
        if not database.is_sqlite:  # SQLite's transaction is a snapshot anyway
            live.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        source = _source(live, since, most)
        who = select(_e.follower_id).where(_e.received_at >= source.since, _e.follower_id.is_not(None)).distinct()
        for table in metadata.sorted_tables:
            wanted = _about(table, who)
            if wanted is not None:
                _copy(live, db, table, wanted)
        _copy(live, db, inbox_entries, select(inbox_entries).where(_e.received_at >= source.since))
        address.strike_out(db, [*address.written_in(live), *order_draft.written_in(live)])  # what differs is shown, and addresses never are
        _wind_back(db, source.since)
    return source


def _source(live: Connection, since: datetime, most: int) -> Source:
    """The newest `most` messages since then: the instant from which they are."""
    number = live.execute(select(func.count()).where(_e.received_at >= since)).scalar_one()
    if number <= most:
        return Source(since, number, False)
    nth = select(_e.received_at).where(_e.received_at >= since).order_by(_e.received_at.desc()).offset(most - 1).limit(1)
    return Source(live.execute(nth).scalar_one(), most, True)


def _about(table: Table, who: Select[Any]) -> Select[Any] | None:
    """The rows of a table that concern these followers, or that such rows refer to; None where none of it is wanted."""
    if table.name in NOT_COPIED:
        return None
    if table is followers:
        return select(table).where(table.c.id.in_(who))
    if "follower_id" in table.c:
        return select(table).where(table.c.follower_id.in_(who))
    for key in table.foreign_keys:
        if "follower_id" in (other := key.column.table).c and other.name not in NOT_COPIED:
            return select(table).where(key.parent.in_(select(key.column).where(other.c.follower_id.in_(who))))
    return select(table) if _referred_to(table) else None


def _referred_to(table: Table) -> bool:
    others = (other for other in metadata.tables.values() if "follower_id" in other.c and other.name not in NOT_COPIED)
    return any(key.column.table is table for other in others for key in other.foreign_keys)


def _copy(live: Connection, db: Connection, table: Table, wanted: Select[Any]) -> None:
    for page in live.execute(wanted, execution_options={"yield_per": _PAGE}).mappings().partitions():
        db.execute(insert(table), [dict(row) for row in page])


def _wind_back(db: Connection, since: datetime) -> None:
    """What these followers did since then has not happened yet, so that it can happen again: check-ins, points, surveys."""
    db.execute(delete(checkins).where(checkins.c.at >= since))
    db.execute(update(checkins).values(rank=None))  # ranks are given anew, and no number of a day twice
    db.execute(delete(ledger).where(ledger.c.at >= since))
    same = (ledger.c.follower_id == balances.c.follower_id, ledger.c.asset == balances.c.asset)
    total = select(func.max(func.coalesce(func.sum(ledger.c.amount), 0), 0)).where(*same)
    db.execute(update(balances).values(amount=total.scalar_subquery()))
    begun = select(responses.c.id).where(responses.c.started_at >= since)
    db.execute(delete(answers).where((answers.c.at >= since) | answers.c.response_id.in_(begun)))
    db.execute(delete(responses).where(responses.c.started_at >= since))
    db.execute(update(responses).where(responses.c.finished_at >= since).values(finished_at=None))
    db.execute(update(followers).where(followers.c.refused_at >= since).values(refused_at=None))


# The two sides


def _compare(
    found: Replayed, source: Source, one: Scratch, other: Scratch, old: Version, new: Version, told: Callable[[int, int], None]
) -> None:
    done, last = 0, 0
    start = source.since
    while True:
        with one.kept() as a, other.kept() as b:
            page = a.execute(_NEXT, {"last": last, "most": _PAGE}).all()
            sides = Rehearsal(old, a, now=start, explaining=False), Rehearsal(new, b, now=start, explaining=False)
            for row in page:
                message = _again(row, found)
                if message is not None:
                    _judge(found, row, message, *(_heard(side, message, row.received_at) for side in sides))
                    _level_floors(a, b, row.follower_id)
        if not page:
            return
        done, last = done + len(page), page[-1].id
        told(done, source.number)


_NEXT = (
    select(inbox_entries, followers.c.openid)
    .outerjoin(followers, followers.c.id == _e.follower_id)
    .where(_e.id > bindparam("last"))
    .order_by(_e.id)
    .limit(bindparam("most", type_=Integer))
)


def _heard(side: Rehearsal, message: Inbound, now: datetime) -> Tried:
    side.now = now
    return side.hears(message)


def _again(row: Row[Any], found: Replayed) -> Inbound | None:
    """The message as it was pushed; None for what cannot be had again, or was none of a follower's."""
    fields: Any = orjson.loads(row.fields) if row.fields else None
    if isinstance(fields, dict) and "…" in fields:
        found.shortened += 1
        return None
    parts = row.key.split("|")
    if fields is None and (row.openid is None or parts[0] != "message" or len(parts) != 5):
        found.others += 1
        return None
    try:
        message = inbound.read(fields or _plain(row, parts))
    except Unreadable:
        message = None
    if message is None or not message.by_follower:
        found.others += 1
        return None
    return message


def _plain(row: Row[Any], parts: list[str]) -> dict[str, str]:
    """The fields of a plain text, whose number is in its key: chances come out as they did."""
    at = str(int(row.said_at.timestamp()))
    _, to, _, _, number = parts
    return {"ToUserName": to, "FromUserName": row.openid, "CreateTime": at, "MsgType": "text", "Content": row.text or "", "MsgId": number}


def _level_floors(one: Connection, other: Connection, follower: int | None) -> None:
    """Where only one side goes on with a conversation, it ends on both: one difference must not make differences of all that follows."""
    if follower is None:
        return
    floors = [conversation.floor(db, follower) for db in (one, other)]
    if len({floor and floor.feature for floor in floors}) > 1:
        for db in (one, other):
            conversation.leave_floor(db, follower)


def _judge(found: Replayed, row: Row[Any], message: Inbound, old: Tried, new: Tried) -> None:
    found.messages += 1
    found.as_then += old.rule == row.answered_by
    found.bugs += new.bug is not None
    if (old.reply, old.kind, old.follow_ups) == (new.reply, new.kind, new.follow_ups) and (old.bug is None) == (new.bug is None):
        found.moved += old.rule != new.rule
        return
    lost, gained = answers_it(old) and not answers_it(new), answers_it(new) and not answers_it(old)
    found.changed, found.lost, found.gained = found.changed + 1, found.lost + lost, found.gained + gained
    group = found.groups.setdefault((old.rule, new.rule), Changes(old.rule, new.rule))
    group.count, group.lost = group.count + 1, group.lost + lost
    words = said(message)
    if len(group.examples) < _EXAMPLES and words not in [shown[0] for shown in group.examples]:
        group.examples.append((words, _whole(old), _whole(new)))


def answers_it(tried: Tried) -> bool:
    """Whether more than the fallback was said."""
    return tried.reply is not None and not (tried.rule or "").endswith(":fallback")


_DID = {
    "subscribe": "关注",
    "unsubscribe": "取消关注",
    "scan": "扫码",
    "click": "点菜单",
    "view": "点菜单里的网页",
    "image": "图片",
    "voice": "语音",
    "video": "视频",
    "shortvideo": "小视频",
    "location": "位置",
    "link": "链接",
}


def said(message: Inbound) -> str:
    """What a follower said or did, without who it was."""
    if message.type == "text":
        return message.text
    did = _DID.get(message.kind, message.kind)
    return f"[{did} {message.event_key}]" if message.event_key else f"[{did}]"


def _whole(tried: Tried) -> str | None:
    if tried.bug is not None:
        return tried.steps[-1][0]
    later = "".join(f"\n（{so_long(after)}以后）{text}" for after, text in tried.follow_ups)
    return (tried.reply or "") + later if tried.reply is not None or later else None
