"""Drafts: what a follower has said of an order that is not made yet. Holds nothing back, and is gone within the hour."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from sqlalchemy import BigInteger, CheckConstraint, Column, Connection, Integer, Row, String, Table, Text, bindparam, delete, select

from models import address
from models.address import Consent, Recipient
from models.base import Hot, Instant, follower_id, insert, metadata
from models.config import Config

# confirm (the price) → agree (to what becomes of the address) → address, name, phone, place (asked one by one) → final
Step = Literal["confirm", "agree", "address", "name", "phone", "place", "final"]
STEPS: tuple[Step, ...] = get_args(Step)
TOLD: frozenset[Step] = frozenset({"address", "name", "phone", "place", "final"})  # steps in which an address may be written
KEPT_FOR = timedelta(hours=1)

drafts = Table(
    "order_draft",
    metadata,
    follower_id(primary_key=True),
    Column("number", String(20), nullable=False),  # of the order that it becomes, or of the prize that it is about
    Column("goods", String(40)),  # NULL: a prize that is waiting for its address
    Column("name", String(100), nullable=False),
    Column("price", BigInteger, nullable=False),
    Column("step", String(10), nullable=False),
    Column("at", Instant, nullable=False, index=True),
    Column("recipient", Text),  # JSON
    Column("consent", String(64)),
    Column("consent_message", String(200)),
    Column("consent_at", Instant),
    Column("keep_days", Integer),
    Column("messages", Text, nullable=False),  # JSON: keys of the inbox entries in which an address may stand
    CheckConstraint(f"step IN {STEPS}", name="step"),
)


@dataclass(frozen=True, slots=True)
class Draft:
    """An order as far as it was talked about."""

    number: str
    goods: str | None
    name: str
    price: int
    step: Step = "confirm"
    recipient: Recipient = field(default_factory=Recipient)
    consent: Consent | None = None
    messages: tuple[str, ...] = ()

    def heard(self, key: str) -> Draft:
        """With a message in which an address may stand."""
        return replace(self, messages=(*self.messages, key))


_new = insert(drafts).values({column.name: bindparam(column.name) for column in drafts.columns})
_KEEP = _new.on_conflict_do_update(
    index_elements=[drafts.c.follower_id],
    set_={column.name: _new.excluded[column.name] for column in drafts.columns if column.name != "follower_id"},
)
_OF = select(drafts).where(drafts.c.follower_id == bindparam("follower"))
_TAKE = delete(drafts).where(drafts.c.follower_id == bindparam("follower"), drafts.c.number == bindparam("which"))
_STALE = drafts.c.at <= bindparam("before", type_=Instant)
_ANY_STALE = Hot(select(drafts.c.follower_id).where(_STALE).limit(1))
_SOME_STALE = select(drafts).where(_STALE).order_by(drafts.c.at).limit(50).with_for_update(skip_locked=True)


def keep(db: Connection, follower: int, draft: Draft, now: datetime) -> None:
    """Afterwards this is the follower's draft; of another one that they had before, nothing that was written for it remains."""
    old = of(db, follower)
    if old is not None and old.number != draft.number:
        address.strike_out(db, old.messages)
    consent, recipient = draft.consent, draft.recipient
    parts = json.dumps([recipient.name, recipient.phone, recipient.address], ensure_ascii=False)
    values = {"number": draft.number, "goods": draft.goods, "name": draft.name, "price": draft.price, "step": draft.step, "at": now}
    evidence = {
        "consent": consent and consent.digest,
        "consent_message": consent and consent.message,
        "consent_at": consent and consent.at,
        "keep_days": consent and consent.keep_days,
    }
    messages = json.dumps(list(draft.messages))
    db.execute(_KEEP, {"follower_id": follower, **values, **evidence, "recipient": parts, "messages": messages})


def of(db: Connection, follower: int) -> Draft | None:
    """What this follower is in the middle of ordering."""
    row = db.execute(_OF, {"follower": follower}).one_or_none()
    return _draft(row) if row else None


def _draft(row: Row[Any]) -> Draft:
    consent = Consent(row.consent, row.consent_message, row.consent_at, row.keep_days) if row.consent else None
    messages: Sequence[str] = json.loads(row.messages)
    return Draft(
        row.number, row.goods, row.name, row.price, row.step, Recipient(*json.loads(row.recipient or "[]")), consent, tuple(messages)
    )


def take(db: Connection, follower: int, draft: Draft) -> bool:
    """Afterwards there is no such draft. Returns whether it was this call that took it: of two confirmations, one makes the order."""
    return db.execute(_TAKE, {"follower": follower, "which": draft.number}).rowcount == 1


def drop(db: Connection, follower: int, draft: Draft) -> None:
    """Nothing comes of it: afterwards neither the draft nor the address that was written for it is anywhere."""
    if take(db, follower, draft):
        address.strike_out(db, draft.messages)


def written_in(db: Connection) -> Iterator[str]:
    """Keys of all messages in which an address may stand that is not part of an order yet."""
    for heard in db.execute(select(drafts.c.messages)).scalars():
        yield from json.loads(heard)


def drop_stale(db: Connection, config: Config, now: datetime) -> int:
    """Afterwards up to 50 drafts that nobody went on with for an hour are gone, with the addresses written for them. Returns how many."""
    before = now - KEPT_FOR
    if _ANY_STALE.value(db, before=before) is None:
        return 0
    stale = db.execute(_SOME_STALE, {"before": before}).all()
    for row in stale:
        drop(db, row.follower_id, _draft(row))
    return len(stale)
