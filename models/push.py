"""What may be pushed when: limits per follower, quiet hours, and the platform's own stops."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, ClassVar
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field
from sqlalchemy import Column, Connection, Integer, String, Table, bindparam, select

from models.base import Instant, insert, metadata
from models.clock import business_day, span, start_of_day, start_of_week, time_of_day, within
from models.config import Looks, Rules, wrong

quota_stops = Table(
    "quota_stop",
    metadata,
    Column("channel", String(40), primary_key=True),
    Column("until", Instant, nullable=False),
    Column("errcode", Integer, nullable=False),
)

# A call that was answered too late for us may have been counted a little after we counted it, so a rolling window is kept a margin longer.
ROLLING_MARGIN = timedelta(minutes=10)


def _check_per(text: str) -> str:
    if text not in ("day", "week", "month"):
        try:
            if not span(text):
                raise ValueError(text)
        except ValueError:
            raise wrong(
                f"per 可以写 day、week、month 或 7d；这里是 {text!r}", f"per is day, week, month or a span such as 7d; this is {text!r}"
            ) from None
    return text


_QUIET = r"^\s*[0-9]{1,2}:[0-9]{2}\s*[-–]\s*[0-9]{1,2}:[0-9]{2}\s*$"


def _check_quiet(text: str) -> str:
    begin, dash, end = text.replace("–", "-").partition("-")
    try:
        if not dash or time_of_day(begin) == time_of_day(end):
            raise ValueError(text)
    except ValueError:
        raise wrong(f'免打扰要写成 "22:00-08:00"；这里是 {text!r}', f'write quiet hours as "22:00-08:00"; this is {text!r}') from None
    return text


class Limit(Rules):
    """At most `max` pushes per follower in each window."""

    max: Annotated[int, Field(ge=0, le=10_000)] = Field(description="最多几条")
    per: Annotated[str, AfterValidator(_check_per), Looks(r"^\s*(day|week|month|[0-9]{1,4}[mhdw])\s*$", ("week", "day", "7d"))] = Field(
        description="day 自然日、week 自然周（周一起）、month 自然月，或 7d 这样的滚动时间"
    )

    def since(self, now: datetime, zone: ZoneInfo) -> datetime:
        """The beginning of the window that `now` lies in: calendar windows in the account's zone, rolling ones with a margin."""
        today = business_day(now, zone)
        if self.per == "day":
            return start_of_day(today, zone)
        if self.per == "week":
            return start_of_week(today, zone)
        if self.per == "month":
            return start_of_day(today.replace(day=1), zone)
        return now - span(self.per) - ROLLING_MARGIN

    @property
    def weekly(self) -> bool:
        """Whether the reserve for urgent pushes is taken from this limit."""
        return self.per in ("week", "7d", "1w")


class PushSection(Rules):
    """推送规则：每位粉丝最多收几条、免打扰时间、发送速度。"""

    key: ClassVar[str] = "push"

    limits: list[Limit] = Field(default_factory=list, description="每位粉丝的上限，可以同时有几条")
    quiet_hours: Annotated[str, AfterValidator(_check_quiet), Looks(_QUIET, ("22:00-08:00",))] | None = Field(
        None, description='免打扰，例如 "22:00-08:00"'
    )
    reserve: Annotated[int, Field(ge=0)] = Field(0, description="每周上限里留给 priority: urgent 的条数")
    pace: Annotated[int, Field(ge=1, le=100_000)] = Field(2000, description="每个 serve 进程每秒最多发几条")

    def allowed(self, limit: Limit, urgent: bool) -> int:
        """How many pushes the limit allows a broadcast of this priority."""
        return max(0, limit.max - (self.reserve if limit.weekly and not urgent else 0))

    def quiet_until(self, now: datetime, zone: ZoneInfo) -> datetime | None:
        """When the quiet hours that `now` lies in are over; None outside them."""
        if self.quiet_hours is None:
            return None
        begin, end = (time_of_day(part) for part in self.quiet_hours.replace("–", "-").split("-"))
        local = now.astimezone(zone)
        if not within(local.time(), begin, end):
            return None
        day = local.date() if local.time() < end else local.date() + timedelta(days=1)
        return datetime.combine(day, end, zone).astimezone(now.tzinfo)


_new = insert(quota_stops).values({name: bindparam(name) for name in ("channel", "until", "errcode")})
_STOP = _new.on_conflict_do_update(
    index_elements=[quota_stops.c.channel],
    set_={"until": _new.excluded.until, "errcode": _new.excluded.errcode},
    where=quota_stops.c.until < _new.excluded.until,
)
_STOPPED = select(quota_stops.c.until, quota_stops.c.errcode).where(
    quota_stops.c.channel == bindparam("channel"), quota_stops.c.until > bindparam("now")
)


def stop_channel(db: Connection, channel: str, errcode: int, until: datetime) -> None:
    """The platform's quota for a channel is used up: afterwards no process calls it before `until`, restarted or not."""
    db.execute(_STOP, {"channel": channel, "until": until, "errcode": errcode})


def channel_stopped(db: Connection, channel: str, now: datetime) -> tuple[datetime, int] | None:
    """Until when, and for which errcode, the channel is stopped."""
    row = db.execute(_STOPPED, {"channel": channel, "now": now}).one_or_none()
    return row and (row.until, row.errcode)
