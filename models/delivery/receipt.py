"""Receipts: the platform's word on what became of a message, which may come before the answer to our call, or in its place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, delete, func, literal_column, null, select, true, update

from models.base import Hot, Instant, insert
from models.delivery.tables import LONGEST_MSGID, deliveries, receipts
from models.follower import followers

RECEIPT_LATE = timedelta(minutes=30)  # after its call, a receipt without a known number is no longer believed to belong to it
RECEIPT_EARLY = timedelta(seconds=10)  # before its call it may seem to be, by the clocks of two processes that are each five seconds off
RECEIPT_KEPT = timedelta(days=1)

_KEEP = insert(receipts).values({name: bindparam(name) for name in ("msgid", "openid", "status", "at")}).on_conflict_do_nothing()


def receive(db: Connection, msgid: str, openid: str, status: str, now: datetime) -> None:
    """A TEMPLATESENDJOBFINISH came: afterwards its delivery is delivered or failed, whatever comes a second time.

    It may come before the answer to our call did: then it waits, and settle_batch or reconcile finds it. A longer number than any of the
    platform's belongs to nothing of ours.
    """
    if len(msgid) > LONGEST_MSGID:
        return
    db.execute(_KEEP, {"msgid": msgid, "openid": openid, "status": " ".join(status.split())[:60], "at": now})
    _match(db, receipts.c.msgid == msgid, now)


_ANY = Hot(select(literal_column("1")).select_from(receipts).limit(1))
_REPORTED = select(receipts.c.msgid).where(receipts.c.msgid.in_(bindparam("numbers", expanding=True)))


def match_waiting(db: Connection, numbers: Sequence[str], now: datetime) -> None:
    """The answers to our calls gave these numbers: afterwards the receipts that came before them are on their deliveries."""
    if numbers and _ANY.value(db) and (reported := db.execute(_REPORTED, {"numbers": numbers}).scalars().all()):
        _match(db, receipts.c.msgid.in_(reported), now)


def _match(db: Connection, which: ColumnElement[bool], now: datetime) -> None:
    status = select(receipts.c.status).where(receipts.c.msgid == deliveries.c.msgid).scalar_subquery()
    db.execute(
        update(deliveries)
        .where(deliveries.c.msgid.in_(select(receipts.c.msgid).where(which)), deliveries.c.state.in_(("sent", "unknown")))
        .values(
            state=case((status == "success", "delivered"), else_="failed"),
            reason=case(
                (and_(status == "success", deliveries.c.state == "sent"), deliveries.c.reason),
                (status == "success", null()),
                else_=status,
            ),
            settled_at=now,
        )
    )
    known = select(deliveries.c.id).where(deliveries.c.msgid == receipts.c.msgid).exists()
    db.execute(delete(receipts).where(which, known))


_NAMELESS = (
    select(deliveries.c.id, deliveries.c.state, deliveries.c.first_attempt_at)
    .join(followers, followers.c.id == deliveries.c.follower_id)
    .where(
        followers.c.openid == bindparam("openid"),
        deliveries.c.state.in_(("sending", "unknown")),
        deliveries.c.msgid.is_(None),
        deliveries.c.mass_list_id.is_(None),
        func.coalesce(deliveries.c.channel, "template") == "template",
        deliveries.c.charged_at > bindparam("earliest", type_=Instant),
        deliveries.c.first_attempt_at <= bindparam("at", type_=Instant),
    )
    .limit(2)
)
_NAME = update(deliveries).where(deliveries.c.id == bindparam("delivery")).values(msgid=bindparam("number"))


def reconcile(db: Connection, now: datetime) -> None:
    """Afterwards every receipt that can be told to belong to a delivery is on it, and those nobody will claim any more are forgotten.

    A receipt whose number we never learned (the answer to our call was lost, and it was too late to repeat it) belongs to the follower's
    one delivery that was called for shortly before it and has no number.
    """
    _match(db, true(), now)
    db.execute(delete(receipts).where(receipts.c.at < now - RECEIPT_KEPT))
    orphans = select(receipts).where(receipts.c.at < now - timedelta(minutes=1)).order_by(receipts.c.at.desc()).limit(1000)
    for receipt in db.execute(orphans).all():
        around = {"earliest": receipt.at - RECEIPT_LATE, "at": receipt.at + RECEIPT_EARLY}
        found = db.execute(_NAMELESS, {"openid": receipt.openid, **around}).all()
        surely = len(found) == 1 and found[0].first_attempt_at <= receipt.at
        if surely and found[0].state == "unknown":  # one that is still repeated will be told its number
            db.execute(_NAME, {"delivery": found[0].id, "number": receipt.msgid})
            _match(db, receipts.c.msgid == receipt.msgid, now)
