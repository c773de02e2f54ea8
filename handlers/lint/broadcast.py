"""YZ401, YZ402, YZ901: broadcasts that their limits or the quiet hours never let through as planned; YZ951: drafts with a schedule."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial
from itertools import islice, pairwise, takewhile
from zoneinfo import ZoneInfo

from models.broadcast import Broadcast, BroadcastsSection
from models.budget import GAP_MARGIN
from models.clock import span, start_of_week
from models.config import Config, Location, Problem
from models.push import Limit, PushSection
from models.schedule import due_between

_AHEAD = timedelta(days=400)  # so far the runs of a schedule are looked at
_MOST = 600  # and so many of them


def unsent(config: Config, today: date) -> Iterator[Problem]:
    """Broadcasts that reach nobody, or fewer people than their schedule promises, and those that always wait for the quiet hours to end."""
    section, push = config.get(BroadcastsSection), config.get(PushSection)
    for number, planned in enumerate(section.root if section and push else ()):
        assert push is not None
        where = ("broadcasts", number)
        limits = _limits(planned, push)
        closed = next((limit for limit in limits if push.allowed(limit, planned.priority == "urgent") == 0), None)
        if closed is not None:
            yield _never(planned, closed, push, where)
        elif planned.cron is not None:
            due = _due(planned.cron, config.zone, today)
            yield from _too_often(planned, push, limits, config.zone, due, where)
            yield from _too_close(planned, push, config.zone, due, where)
            yield from _always_quiet(planned, push, config.zone, due, where)


def drafts(config: Config) -> Iterator[Problem]:
    """Drafts with a schedule: the time comes, and nothing is sent."""
    section = config.get(BroadcastsSection)
    for number, planned in enumerate(section.root if section else ()):
        if planned.state == "draft" and planned.cron is not None:
            yield Problem(
                ("broadcasts", number, "state"),
                f"群发“{planned.key}”还是草稿，到了 cron 的时间也不会发；定稿了写 approved，要人审就写 review",
                f"{planned.key!r} is a draft: it is not sent when its time comes; write approved, or review",
                "YZ951",
            )


def _limits(planned: Broadcast, push: PushSection) -> list[Limit]:
    """Those that every push of this broadcast counts in."""
    if planned.is_exempt:
        return []
    return [limit for limit in push.limits if limit.channel is None or planned.ways == (limit.channel,)]


def _due(cron: str, zone: ZoneInfo, today: date) -> list[datetime]:
    begin = start_of_week(today, zone)
    return list(islice(due_between(cron, zone, begin - timedelta(minutes=1), begin + _AHEAD), _MOST))


def _never(planned: Broadcast, limit: Limit, push: PushSection, where: Location) -> Problem:
    upper = f"上限 {limit.max} 条 per {limit.per}"
    if limit.max == 0:
        zh, en = f"{upper}，谁也收不到", f"the limit of 0 per {limit.per} lets nobody have it"
    else:
        zh = f"{upper}，reserve 又留出 {push.reserve} 条给 urgent，普通群发一条也不剩；把 reserve 写小，或者写 priority: urgent"
        en = f"of {limit.max} per {limit.per}, {push.reserve} are reserved for urgent ones: nothing is left for this one"
    return Problem((*where, "key"), f"群发“{planned.key}”永远发不出去：{zh}", f"{planned.key!r} is never sent: {en}", "YZ401")


def _too_often(
    planned: Broadcast, push: PushSection, limits: list[Limit], zone: ZoneInfo, due: list[datetime], where: Location
) -> Iterator[Problem]:
    """The limit that is exceeded most, if any: everybody misses some of the runs."""
    sent = sorted(push.quiet_until(at, zone) or at for at in due)
    found = []
    for limit in limits:
        most, allowed = _most_at_once(limit, sent, zone), push.allowed(limit, planned.priority == "urgent")
        if most > allowed:
            found.append((allowed / most, limit, most, allowed))
    if found:
        _, limit, most, allowed = min(found, key=lambda one: one[0])
        per = _PER.get(limit.per, (f"每 {limit.per}", f"in {limit.per}"))
        yield Problem(
            (*where, "cron"),
            f"群发“{planned.key}”{per[0]}要发 {most} 次，上限只让每位粉丝收 {allowed} 条，其余 {most - allowed} 次谁也收不到",
            f"{planned.key!r} runs {most} times {per[1]}, the limits let each follower have {allowed}: {most - allowed} of them reach nobody",
            "YZ401",
        )


def _too_close(planned: Broadcast, push: PushSection, zone: ZoneInfo, due: list[datetime], where: Location) -> Iterator[Problem]:
    """A schedule whose runs follow each other faster than two pushes of one follower may."""
    sent = sorted(push.quiet_until(at, zone) or at for at in due)
    if push.gap is None or planned.is_exempt or planned.wait or len(sent) < 2:
        return
    least = min(later - earlier for earlier, later in pairwise(sent))
    if least < span(push.gap) + GAP_MARGIN:
        yield Problem(
            (*where, "cron"),
            f"群发“{planned.key}”最近的两次只隔 {_said(least)}，不到 gap 的 {push.gap} 加 40 秒：前一次收到的人，后一次收不到",
            f"two runs of {planned.key!r} are {_said(least)} apart, less than the gap of {push.gap} and 40 seconds: who has the first misses the second",
            "YZ901",
        )


def _said(length: timedelta) -> str:
    """A length of time as it is written in the file, rounded to minutes."""
    minutes = round(length.total_seconds() / 60)
    return f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m"


_PER = {"day": ("每天", "a day"), "week": ("每周", "a week"), "month": ("每月", "a month")}


def _most_at_once(limit: Limit, sent: list[datetime], zone: ZoneInfo) -> int:
    """How many of these times lie in one window of the limit at most."""
    most = first = 0
    for number, at in enumerate(sent):
        since = limit.since(at, zone)
        while sent[first] < since:
            first += 1
        most = max(most, number - first + 1)
    return most


def _always_quiet(planned: Broadcast, push: PushSection, zone: ZoneInfo, due: list[datetime], where: Location) -> Iterator[Problem]:
    waiting = list(takewhile(partial(_is_quiet, push, zone), due))
    if due and len(waiting) == len(due):
        until = push.quiet_until(due[0], zone)
        assert until is not None
        over = f"{until.astimezone(zone):%H:%M}"
        yield Problem(
            (*where, "cron"),
            f"群发“{planned.key}”每次都在免打扰 {push.quiet_hours} 里，要等到 {over} 才发；直接写 {over} 以后的时间",
            f"every run of {planned.key!r} falls into the quiet hours {push.quiet_hours} and waits until {over}; write a time after it",
            "YZ402",
        )


def _is_quiet(push: PushSection, zone: ZoneInfo, at: datetime) -> bool:
    return push.quiet_until(at, zone) is not None
