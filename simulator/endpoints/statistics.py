"""Statistics of followers, of what they write, and of the account's server (datacube): true numbers of what happened here.

Spans are the official pages' own, each its own wording; yesterday's numbers are there from eight in the morning.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

from simulator.call import Answer, Call, Endpoint, Table
from simulator.errors import Refused
from simulator.statistics import Calls, Day
from simulator.world import World

DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
FIRST_DAY = date(2014, 12, 1)
INTERVALS = ((5, 1), (10, 2))
"""Messages of one writer a day, and the number of the interval they fall into; more are interval 3."""

Row = dict[str, Any]
Rows = Callable[[World, date, date], list[Row]]


def asked_range(world: World, call: Call, most: int, first: date = FIRST_DAY) -> tuple[date, date]:
    """The days asked for. Raises 61500 for what is no date, 61501 for a range that is none or too long, 61503 before it is ready."""
    begin, end = _date(call.body.get("begin_date")), _date(call.body.get("end_date"))
    moment = world.clock.moment()
    if not first <= begin <= end < moment.date() or (end - begin).days >= most:
        raise Refused(61501)
    if end == moment.date() - timedelta(1) and moment.hour < world.settings.statistics_ready:
        raise Refused(61503)
    return begin, end


def days_of(world: World, begin: date, end: date) -> Iterator[tuple[date, Day]]:
    """Each day of the range with its numbers; a day without any has empty ones."""
    for number in range((end - begin).days + 1):
        when = begin + timedelta(number)
        yield when, world.statistics.days.get(when) or Day()


def _changes(world: World, begin: date, end: date) -> list[Row]:
    return [
        {"ref_date": f"{when}", "user_source": source, "new_user": day.came[source], "cancel_user": day.left[source]}
        for when, day in days_of(world, begin, end)
        for source in sorted({0, *day.came, *day.left})
    ]


def _totals(world: World, begin: date, end: date) -> list[Row]:
    return [
        {"ref_date": f"{when}", "user_source": 0, "cumulate_user": world.statistics.following_at_the_end_of(when)}
        for when, _ in days_of(world, begin, end)
    ]


def _messages(world: World, begin: date, end: date) -> list[Row]:
    return [row for when, day in days_of(world, begin, end) for row in _by_type(when, [day])]


def _messages_by_hour(world: World, begin: date, end: date) -> list[Row]:
    return [
        {"ref_date": f"{when}", "ref_hour": hour * 100, "msg_type": kind, "msg_user": len(writers), "msg_count": writers.total()}
        for when, day in days_of(world, begin, end)
        for (hour, kind), writers in sorted(day.written.items())
    ]


def _messages_of_week(world: World, begin: date, end: date) -> list[Row]:
    monday = begin - timedelta(begin.weekday())
    return _by_type(monday, [day for _, day in days_of(world, monday, monday + timedelta(6))])


def _messages_of_month(world: World, begin: date, end: date) -> list[Row]:
    return _by_type(begin.replace(day=1), [day for _, day in days_of(world, begin.replace(day=1), _last_of_month(begin))])


def _spread(world: World, begin: date, end: date) -> list[Row]:
    return [row for when, day in days_of(world, begin, end) for row in _by_interval(when, [day])]


def _spread_by_week(world: World, begin: date, end: date) -> list[Row]:
    mondays = sorted({when - timedelta(when.weekday()) for when, _ in days_of(world, begin, end)})
    return [row for monday in mondays for row in _by_interval(monday, [day for _, day in days_of(world, monday, monday + timedelta(6))])]


def _spread_by_month(world: World, begin: date, end: date) -> list[Row]:
    firsts = sorted({when.replace(day=1) for when, _ in days_of(world, begin, end)})
    return [row for first in firsts for row in _by_interval(first, [day for _, day in days_of(world, first, _last_of_month(first))])]


def _calls(world: World, begin: date, end: date) -> list[Row]:
    return [{"ref_date": f"{when}", **_of_calls(list(day.calls.values()))} for when, day in days_of(world, begin, end)]


def _calls_by_hour(world: World, begin: date, end: date) -> list[Row]:
    return [
        {"ref_date": f"{when}", "ref_hour": hour * 100, **_of_calls([calls])}
        for when, day in days_of(world, begin, end)
        for hour, calls in sorted(day.calls.items())
    ]


def _by_type(when: date, days: list[Day]) -> list[Row]:
    writers: dict[int, Counter[str]] = {}
    for day in days:
        for (_, kind), written in day.written.items():
            writers.setdefault(kind, Counter()).update(written)
    return [
        {"ref_date": f"{when}", "msg_type": kind, "msg_user": len(written), "msg_count": written.total()}
        for kind, written in sorted(writers.items())
    ]


def _by_interval(when: date, days: list[Day]) -> list[Row]:
    """How many wrote 1 to 5, 6 to 10, more than 10 messages. Nobody is said to have written none: the platform does not list those."""
    writers: Counter[str] = Counter()
    for day in days:
        for written in day.written.values():
            writers.update(written)
    intervals = Counter(next((number for most, number in INTERVALS if count <= most), 3) for count in writers.values())
    return [{"ref_date": f"{when}", "count_interval": number, "msg_user": users} for number, users in sorted(intervals.items())]


def _of_calls(calls: list[Calls]) -> Row:
    return {
        "callback_count": sum(one.count for one in calls),
        "fail_count": sum(one.failed for one in calls),
        "total_time_cost": sum(one.total for one in calls),
        "max_time_cost": max((one.longest for one in calls), default=0),
    }


def _last_of_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(4)).replace(day=1) - timedelta(1)


def _date(given: object) -> date:
    try:
        return date.fromisoformat(given if isinstance(given, str) and DATE.fullmatch(given) else "")
    except ValueError as error:
        raise Refused(61500) from error


def _endpoint(rows: Rows, most: int) -> Endpoint:
    def answer(world: World, call: Call) -> Answer:
        return {"list": rows(world, *asked_range(world, call, most))}

    return Endpoint(answer, "POST")


TABLE: Table = {
    "/datacube/getusersummary": _endpoint(_changes, 7),
    "/datacube/getusercumulate": _endpoint(_totals, 7),
    "/datacube/getupstreammsg": _endpoint(_messages, 7),
    "/datacube/getupstreammsghour": _endpoint(_messages_by_hour, 1),
    "/datacube/getupstreammsgweek": _endpoint(_messages_of_week, 1),
    "/datacube/getupstreammsgmonth": _endpoint(_messages_of_month, 1),
    "/datacube/getupstreammsgdist": _endpoint(_spread, 15),
    "/datacube/getupstreammsgdistweek": _endpoint(_spread_by_week, 15),
    "/datacube/getupstreammsgdistmonth": _endpoint(_spread_by_month, 15),
    "/datacube/getinterfacesummary": _endpoint(_calls, 30),
    "/datacube/getinterfacesummaryhour": _endpoint(_calls_by_hour, 1),
}
