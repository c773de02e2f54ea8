"""What may be pushed when: limits per follower, quiet hours, and the platform's own stops."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from functools import cached_property
from typing import Annotated, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field
from sqlalchemy import Column, Connection, Integer, String, Table, bindparam, select

from models.approval import ApprovalRules
from models.base import Instant, insert, metadata
from models.clock import Span, business_day, span, start_of_day, start_of_week, time_of_day, within
from models.config import Config, Looks, Rules, wrong
from models.link import Links
from models.share import Part, Share

# The ways a message may go, the cheapest for the account first.
Way = Literal["customer_message", "subscription", "template", "mass"]
WAYS: tuple[Way, ...] = ("customer_message", "subscription", "template", "mass")
SERVICE_WAYS: frozenset[Way] = frozenset({"template", "subscription"})  # for service notices only: never marketing
# What operators call them.
WAY_NAMES: Mapping[str, str] = {"customer_message": "客服消息", "subscription": "订阅通知", "template": "模板消息", "mass": "群发消息"}

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


def window(per: str, now: datetime, zone: ZoneInfo, margin: timedelta) -> tuple[datetime, datetime | None]:
    """Where the window begins that `now` lies in, and where the next one does; a rolling one begins anew at every instant.

    Calendar windows are those of the zone; rolling ones are longer by the margin. The database counts in microseconds.
    """
    today = business_day(now, zone)
    if per == "day":
        return start_of_day(today, zone), start_of_day(today + timedelta(days=1), zone)
    if per == "week":
        return start_of_week(today, zone), start_of_week(today + timedelta(days=7), zone)
    if per == "month":
        first = today.replace(day=1)
        return start_of_day(first, zone), start_of_day((first + timedelta(days=31)).replace(day=1), zone)
    return now - span(per) - margin, None


class Limit(Rules):
    """At most `max` pushes per follower in each window, of one way or of all."""

    max: Annotated[int, Field(ge=0, le=10_000)] = Field(description="最多几条")
    per: Annotated[str, AfterValidator(_check_per), Looks(r"^\s*(day|week|month|[0-9]{1,4}[mhdw])\s*$", ("week", "day", "7d"))] = Field(
        description="day 自然日、week 自然周（周一起）、month 自然月，或 7d 这样的滚动时间"
    )

    channel: Way | None = Field(None, description="只数这一种：customer_message、subscription、template、mass；不写就是全部加起来")

    def since(self, now: datetime, zone: ZoneInfo) -> datetime:
        """The beginning of the window that `now` lies in: calendar windows in the account's zone, rolling ones with a margin."""
        return window(self.per, now, zone, ROLLING_MARGIN)[0]

    @property
    def weekly(self) -> bool:
        """Whether the reserve for urgent pushes is taken from this limit: one of the week, over all ways."""
        return self.channel is None and self.per.strip() in ("week", "7d", "1w")


PerDay = Annotated[int, Field(ge=0, le=1_000_000_000)]


class Quotas(Rules):
    """The platform's own limits, counted here so that we stop before it refuses. The defaults are those of a new, verified account."""

    template_per_day: PerDay = Field(100_000, description="模板消息每天几次；粉丝多的号更多")
    customer_message_per_day: PerDay = Field(500_000, description="客服消息每天几次")
    subscription_per_day: PerDay = Field(100_000, description="订阅通知每天几次")
    mass_calls_per_day: PerDay = Field(100, description="群发接口每天几次；一次最多一万人")
    mass_calls_per_minute: PerDay = Field(60, description="群发接口每分钟几次")
    mass_per_month: Annotated[int, Field(ge=0, le=100)] = Field(4, description="每位粉丝每个自然月收几条群发消息")
    reserve: Share = Field(0.05, description="每天的次数里留给 priority: urgent 的部分")


class PushSection(Rules):
    """推送规则：每位粉丝最多收几条、免打扰时间、发送速度。"""

    key: ClassVar[str] = "push"

    limits: list[Limit] = Field(default_factory=list, description="每位粉丝的上限，可以同时有几条")
    quiet_hours: Annotated[str, AfterValidator(_check_quiet), Looks(_QUIET, ("22:00-08:00",))] | None = Field(
        None, description='免打扰，例如 "22:00-08:00"'
    )
    gap: Span | None = Field(None, description="同一位粉丝两条推送之间至少隔多久，例如 12h")
    control: Part = Field(0.0, description="总对照组：这么多粉丝（例如 2%）永远不收营销，看所有推送加在一起有没有用；服务通知照发")
    reserve: Annotated[int, Field(ge=0)] = Field(0, description="每周上限里留给 priority: urgent 的条数")
    quotas: Quotas = Field(
        default_factory=lambda: Quotas.model_validate({}), description="平台给这个号的配额；和公众平台里看到的不一样就改"
    )
    approval: ApprovalRules = Field(default_factory=ApprovalRules, description="多大的群发要另一位运营批准")
    links: Links | None = Field(None, description="数一数群发里的链接有多少人点开；不写就不数，链接原样发出")
    pace: Annotated[int, Field(ge=1, le=100_000)] = Field(
        2000, description="每秒最多发几条，全部进程合起来算；平台忙时自动减半，再慢慢恢复"
    )

    def allowed(self, limit: Limit, urgent: bool) -> int:
        """How many pushes the limit allows a broadcast of this priority."""
        return max(0, limit.max - (self.reserve if limit.weekly and not urgent else 0))

    @cached_property
    def _quiet(self) -> tuple[time, time] | None:
        if self.quiet_hours is None:
            return None
        begin, end = self.quiet_hours.replace("–", "-").split("-")
        return time_of_day(begin), time_of_day(end)

    def quiet_from(self, now: datetime, zone: ZoneInfo) -> datetime | None:
        """When quiet hours begin next; None where there are none."""
        if self._quiet is None:
            return None
        begin, local = self._quiet[0], now.astimezone(zone)
        day = local.date() if local.time() < begin else local.date() + timedelta(days=1)
        return datetime.combine(day, begin, zone).astimezone(UTC)

    def quiet_until(self, now: datetime, zone: ZoneInfo) -> datetime | None:
        """When the quiet hours that `now` lies in are over; None outside them."""
        if self._quiet is None:
            return None
        (begin, end), local = self._quiet, now.astimezone(zone)
        if not within(local.time(), begin, end):
            return None
        day = local.date() if local.time() < end else local.date() + timedelta(days=1)
        over = datetime.combine(day, end, zone).astimezone(UTC)
        # Where the clock is put back within them, the end comes twice.
        return over if over > now else datetime.combine(day, end.replace(fold=1), zone).astimezone(UTC)


_NO_RULES = PushSection.model_validate({})


def rules_of(config: Config) -> PushSection:
    """What the file says may be pushed when; without such a section, nothing but the platform's own limits."""
    return config.get(PushSection) or _NO_RULES


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
