"""Rule versions: every version of config.yaml that was in force, whole, and when, so that one can go back to it."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Column, Connection, Index, LargeBinary, String, Table, bindparam, func, select, update

from models.base import Instant, identity, insert, metadata

rule_versions = Table(
    "rule_version",
    metadata,
    Column("version", String(64), primary_key=True),
    Column("files", LargeBinary, nullable=False),  # zlib of JSON: [[name relative to the folder, text], …], the main file first
    Column("first_at", Instant, nullable=False),
)

in_force = Table(
    "rule_version_in_force",
    metadata,
    identity(),
    Column("version", String(64), nullable=False),
    Column("process", String(100), nullable=False),  # host:pid
    Column("since", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),  # the process was alive and under this version
)
Index("ix_rule_version_in_force_process", in_force.c.process, in_force.c.seen_at)

GONE = timedelta(seconds=90)  # a process that has not been seen for so long does not run any more

Texts = Sequence[tuple[str, str]]  # each file's name relative to the folder, and its text; the main file first

_REMEMBER = (
    insert(rule_versions)
    .values({name: bindparam(name) for name in ("version", "files", "first_at")})
    .on_conflict_do_nothing(index_elements=[rule_versions.c.version])
)
_newest = select(func.max(in_force.c.id)).where(in_force.c.process == bindparam("of")).scalar_subquery()
_STILL = update(in_force).where(in_force.c.id == _newest, in_force.c.version == bindparam("under")).values(seen_at=bindparam("now"))
_SINCE = insert(in_force).values({name: bindparam(name) for name in ("version", "process", "since", "seen_at")})


def remember(db: Connection, version: str, texts: Texts, now: datetime) -> None:
    """Afterwards the version can be gone back to, however often it is remembered."""
    packed = zlib.compress(json.dumps([list(pair) for pair in texts], ensure_ascii=False).encode())
    db.execute(_REMEMBER, {"version": version, "files": packed, "first_at": now})


def under(db: Connection, version: str, process: str, now: datetime) -> None:
    """This process answers under this version now, and goes on doing so until it says something else or is not seen for GONE."""
    if db.execute(_STILL, {"of": process, "under": version, "now": now}).rowcount == 0:
        db.execute(_SINCE, {"version": version, "process": process, "since": now, "seen_at": now})


@dataclass(frozen=True, slots=True)
class Listed:
    """A version that was in force: from when, until when, and which running processes answer under it now."""

    version: str
    since: datetime  # the beginning of its latest time in force
    until: datetime  # when a process was last seen under it
    processes: tuple[str, ...]


def listed(db: Connection, now: datetime) -> list[Listed]:
    """Every version that was in force, the one that came into force last at first."""
    current = select(func.max(in_force.c.id)).where(in_force.c.seen_at > now - GONE).group_by(in_force.c.process)
    running: dict[str, list[str]] = {}
    for row in db.execute(select(in_force.c.version, in_force.c.process).where(in_force.c.id.in_(current)).order_by(in_force.c.process)):
        running.setdefault(row.version, []).append(row.process)
    times = (
        select(in_force.c.version, func.max(in_force.c.since).label("since"), func.max(in_force.c.seen_at).label("until"))
        .group_by(in_force.c.version)
        .order_by(func.max(in_force.c.id).desc())
    )
    return [Listed(row.version, row.since, row.until, tuple(running.get(row.version, ()))) for row in db.execute(times)]


def find(db: Connection, beginning: str) -> list[str]:
    """The remembered versions whose name begins like this."""
    escaped = beginning.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    named = (
        select(rule_versions.c.version).where(rule_versions.c.version.like(f"{escaped}%", escape="\\")).order_by(rule_versions.c.version)
    )
    return list(db.execute(named).scalars())


def texts(db: Connection, version: str) -> list[tuple[str, str]]:
    """The files of a version, the main one first; [] for one that is not remembered."""
    packed = db.execute(select(rule_versions.c.files).where(rule_versions.c.version == version)).scalar()
    return [(name, text) for name, text in json.loads(zlib.decompress(packed))] if packed else []
