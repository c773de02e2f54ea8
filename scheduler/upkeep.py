"""Upkeep: what is done by the clock and needs nobody outside: points expire, months end, reminders are left.

A chore is a verb of its noun. It does one small piece and returns how many things it did; it is asked again until that is 0. Any number
of processes may do chores at once and be killed anywhere: each thing is done once, by its key in the database.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import Connection

from models import (
    address,
    birthday,
    board_closing,
    coupon,
    earning,
    expiry,
    journey,
    lottery,
    membership,
    order,
    order_draft,
    referral_payment,
    reminder,
    seal,
)
from models.clock import Clock
from models.config import Config
from models.database import Database

Chore = Callable[[Connection, Config, datetime], int]

MOST = 200  # pieces in one go: the rest waits for the next look, so that messages are answered in between

CHORES: Mapping[str, Chore] = {
    "expiry": expiry.expire,
    "ledger_seals": seal.seal,
    "checkin_reminders": reminder.remind,
    "coupons_expiring": coupon.remind,
    "birthdays": birthday.congratulate,
    "earning_windows": earning.forget_windows,
    "orders_delivered": order.deliver_overdue,
    "addresses_erased": address.erase_due,
    "order_drafts_dropped": order_draft.drop_stale,
    "referrals": referral_payment.decide,
    "levels": membership.review,
    "boards": board_closing.close,
    "journeys_begun": journey.enrol,
    "journeys_taken": journey.step,
    "lotteries_published": lottery.publish_due,
    "lotteries_revealed": lottery.reveal_due,
}


async def do(chore: Chore, database: Database, config: Config, clock: Clock) -> None:
    """Afterwards the chore has nothing left to do, or 200 pieces of it are done."""
    for _ in range(MOST):
        if not await database.run(lambda db: chore(db, config, clock())):
            return
