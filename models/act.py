"""Acts: what followers do, and where each kind is recorded. Journeys begin and end with them, broadcasts are measured by them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Column, ColumnElement, Connection, Row, exists, func, select, true

from models.click import clicks
from models.clock import from_seconds
from models.inbox import inbox_entries
from models.order import orders
from models.poll import ballots
from models.streak import checkins
from models.survey import responses

Kind = Literal["follow", "message", "checkin", "survey", "vote", "order"]
MESSAGES = ("text", "image", "voice", "video", "shortvideo", "location", "link", "msgmenu", "click")


_ALL: ColumnElement[bool] = true()


@dataclass(frozen=True, slots=True)
class Act:
    """One kind of act: whose, when, and by which number one gets at the new ones."""

    follower: Column[Any]
    at: Column[Any]
    number: Column[Any] | None = None  # ascending in the order in which acts are recorded; None: go by `at`, which has an index
    which: ColumnElement[bool] = _ALL

    def newest(self, db: Connection, now: datetime) -> int:
        """A mark: acts recorded from now on lie after it, those that are committed already before it."""
        if self.number is None:
            return int(now.timestamp())
        return int(db.execute(select(func.coalesce(func.max(self.number), 0))).scalar_one())

    def between(self, db: Connection, after: int, upto: int) -> list[Row[int, datetime]]:
        """Who did it and when, after one mark and up to another."""
        if self.number is None:
            place = [self.at > from_seconds(after), self.at <= from_seconds(upto)]
        else:
            place = [self.number > after, self.number <= upto]
        return list(db.execute(select(self.follower, self.at).where(self.which, *place)).all())

    def happened(
        self, follower: ColumnElement[int], since: ColumnElement[datetime] | datetime, until: datetime | None = None
    ) -> ColumnElement[bool]:
        """Whether the follower did it after `since`, and not after `until`, as a condition of a statement."""
        found = exists().where(self.follower == follower, self.at > since, self.which)
        return found if until is None else found.where(self.at <= until)


LEAVING = Act(inbox_entries.c.follower_id, inbox_entries.c.said_at, inbox_entries.c.id, inbox_entries.c.kind == "unsubscribe")
ACTS: Mapping[str, Act] = {
    "follow": Act(inbox_entries.c.follower_id, inbox_entries.c.said_at, inbox_entries.c.id, inbox_entries.c.kind == "subscribe"),
    "message": Act(inbox_entries.c.follower_id, inbox_entries.c.said_at, inbox_entries.c.id, inbox_entries.c.kind.in_(MESSAGES)),
    "checkin": Act(checkins.c.follower_id, checkins.c.at, checkins.c.id, checkins.c.made_up_at.is_(None)),
    "survey": Act(responses.c.follower_id, responses.c.finished_at),
    "vote": Act(ballots.c.follower_id, ballots.c.at, ballots.c.id),
    "click": Act(clicks.c.follower_id, clicks.c.at),
    "order": Act(orders.c.follower_id, orders.c.placed_at, orders.c.id),
}
