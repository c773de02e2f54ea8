"""Earning: what followers do and what they gain by it: points to spend, and growth."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from sqlalchemy import Connection

from models import points
from models.config import Config

Kind = Literal["checkin", "survey", "vote", "activity", "follow", "birthday", "message", "referral"]
KINDS: tuple[Kind, ...] = get_args(Kind)


def kind_of(cause: str) -> Kind | None:
    """The kind of act that a cause names; None where nothing is earned but given: a prize, an operator's present."""
    kind = cause.partition(":")[0]
    return next((one for one in KINDS if one == kind), None)


@dataclass(frozen=True, slots=True)
class Earned:
    """What an act earned: 0 points where there was nothing to earn, or it had been paid before (`new` is False then)."""

    points: int
    balance: int
    new: bool


def earn(db: Connection, config: Config, follower: int, kind: Kind, amount: int, cause: str, at: datetime) -> Earned:
    """Afterwards the act that the cause names has been paid, once, in points and in growth."""
    if not amount:
        return Earned(0, points.balance(db, follower), new=True)
    posted = points.post(db, follower, amount, cause, at, account=kind)
    if posted.new:
        points.post(db, follower, amount, cause, at, account=kind, asset=points.GROWTH)
    return Earned(amount if posted.new else 0, posted.balance, posted.new)
