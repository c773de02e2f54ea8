"""What the platform punishes in a push: marketing by template message or subscription notice; and who sent it all the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Column, ColumnElement, Connection, ForeignKey, String, Table, bindparam, exists, select, update

from models import audit
from models.base import Id, Instant, insert, metadata
from models.broadcast.planned import Broadcast
from models.compliance import Offence, punished
from models.push import SERVICE_WAYS
from models.refusal import Refusal

overrides = Table(
    "run_override",
    metadata,
    Column("run_id", Id, ForeignKey("broadcast_run.id"), primary_key=True),
    Column("offence", String(200), nullable=False),  # what is wrong with the run, the rule named
    Column("at", Instant, nullable=False),  # of the run, then of the override
    Column("by", String(100)),  # who took it upon themselves; NULL: nobody, it waits
    Column("because", String(200)),
)

_RULE = "YZ503"
_NEW = (
    insert(overrides)
    .values({name: bindparam(name) for name in ("run_id", "offence", "at", "by", "because")})
    .on_conflict_do_nothing(index_elements=[overrides.c.run_id])
    .returning(overrides.c.run_id)
)
_OVERRIDE = (
    update(overrides)
    .where(overrides.c.run_id == bindparam("run"), overrides.c.by.is_(None))
    .values(by=bindparam("person", type_=String), because=bindparam("why", type_=String), at=bindparam("now", type_=Instant))
)


class Unlawful(Refusal):
    """The broadcast advertises where only service notices may go. Details: broadcast, offence (Chinese, the rule named)."""


class NothingToOverride(Refusal):
    """The run breaks no rule, or somebody has taken it upon themselves already. Details: run."""


def offence(planned: Broadcast) -> str | None:
    """What the platform would punish in this broadcast, with the rule that forbids it; None where it is lawful.

    What says of itself that it is marketing never goes by template or subscription notice: it is wrong only where it has no other way.
    """
    if planned.is_marketing:
        return _said(next(punished("优惠券", "template")), "purpose: marketing") if SERVICE_WAYS.issuperset(planned.ways) else None
    for text in _served(planned):
        for found in punished(text, "template"):
            if found.code == _RULE:
                return _said(found, found.fragment)
    return None


def _said(found: Offence, what: str) -> str:
    return f"营销内容 marketing “{what[:30]}”：{found.rule_zh}"[:200]


def _served(planned: Broadcast) -> Iterator[str]:
    if planned.template is not None:
        yield from planned.data.values()
    if planned.subscription is not None:
        yield from planned.subscription.data.values()
    if SERVICE_WAYS.intersection(planned.ways):
        for variant in planned.variants:
            yield from (variant.data or {}).values()


def require(planned: Broadcast) -> None:
    """Raises Unlawful where `offence` has something to say."""
    if (wrong := offence(planned)) is not None:
        raise Unlawful(broadcast=planned.key, offence=wrong)


def wait_for_override(db: Connection, run: int, wrong: str, now: datetime) -> None:
    """Afterwards this new run does not go on before somebody takes it upon themselves."""
    db.execute(_NEW, {"run_id": run, "offence": wrong, "at": now, "by": None, "because": None})


class Override(NamedTuple):
    """Somebody takes it upon themselves to send what breaks a rule."""

    by: str  # their name
    because: str


def override(db: Connection, run: int, planned: Broadcast, given: Override, typed_by: str, now: datetime, address: str = "") -> None:
    """Afterwards the run may go out by template or subscription notice all the same, and the trail says who said so and why.

    `planned` is what the run was begun with, `typed_by` whoever gave the command. Raises NothingToOverride.
    """
    by, because, wrong = given.by[:100], given.because[:200], offence(planned)
    if wrong is None:
        raise NothingToOverride(run=run)
    if not db.execute(_OVERRIDE, {"run": run, "person": by, "why": because, "now": now}).rowcount:
        made = db.execute(_NEW, {"run_id": run, "offence": wrong, "at": now, "by": by, "because": because})
        if made.scalar() is None:
            raise NothingToOverride(run=run)
    audit.note(
        db, typed_by, "run_overridden", now, subject=f"run:{run}", detail=f"{planned.key}，{by}：{because}；{wrong}", address=address
    )


def is_missing(run: Column[int]) -> ColumnElement[bool]:
    """The condition that the run of this column breaks a rule, and nobody has taken it upon themselves."""
    return exists().where(overrides.c.run_id == run, overrides.c.by.is_(None))


def missing(db: Connection, run: int) -> str | None:
    """What rule the run breaks that nobody has taken upon themselves; None where there is nothing of the kind."""
    return db.execute(select(overrides.c.offence).where(overrides.c.run_id == run, overrides.c.by.is_(None))).scalar()


def is_overridden(run: Column[int]) -> ColumnElement[bool]:
    """The condition that somebody took it upon themselves to send the run of this column."""
    return exists().where(overrides.c.run_id == run, overrides.c.by.is_not(None))
