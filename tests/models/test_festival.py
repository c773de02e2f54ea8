"""The lunar calendar against known days and another's tables, and multipliers as properties."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_FLOOR, Decimal
from fractions import Fraction
from importlib import import_module

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from models import lunar
from models.earning import multiplied
from models.festival import Multiplier, highest
from models.lunar import MonthDay
from models.points import MOST

# 除夕, 春节, 端午, 中秋, as the calendars on the wall have them.
KNOWN = {
    2024: ("02-09", "02-10", "06-10", "09-17"),
    2025: ("01-28", "01-29", "05-31", "10-06"),
    2026: ("02-16", "02-17", "06-19", "09-25"),
    2027: ("02-05", "02-06", "06-09", "09-15"),
    2028: ("01-25", "01-26", "05-28", "10-03"),
    2029: ("02-12", "02-13", "06-16", "09-22"),
    2030: ("02-02", "02-03", "06-05", "09-12"),
}
FESTIVALS = (MonthDay(12, 30), MonthDay(1, 1), MonthDay(5, 5), MonthDay(8, 15))


def days_of(year: int) -> list[date]:
    return [date(year, 1, 1) + timedelta(days=number) for number in range(366)][: 366 if year % 4 == 0 else 365]


def multiplier(**given: object) -> Multiplier:
    return Multiplier.model_validate({"name": "节", "times": 2, **given})


@pytest.mark.parametrize("year", KNOWN)
def test_festivals_are_on_the_days_of_the_calendar_on_the_wall_and_on_no_others(year: int) -> None:
    for festival, expected in zip(FESTIVALS, KNOWN[year], strict=True):
        assert [f"{day:%m-%d}" for day in days_of(year) if lunar.is_on(festival, day)] == [expected]


def test_festivals_are_where_the_tables_of_another_library_have_them_for_a_hundred_years() -> None:
    others = import_module("holidays.calendars")._ChineseLunisolar()
    for year in range(1950, 2089):  # in September 2089 the moon is new so near midnight that tables differ by a day
        named = (others.lunar_new_year_date(year), others.dragon_boat_date(year), others.mid_autumn_date(year))
        for festival, found in zip(FESTIVALS[1:], named, strict=True):
            day = found[0] if isinstance(found, tuple) else found
            assert day is not None
            assert lunar.is_on(festival, day), (year, festival)
        assert lunar.is_on(FESTIVALS[0], others.lunar_new_year_date(year)[0] - timedelta(days=1))


def test_a_range_over_the_lunar_new_year_and_a_leap_month() -> None:
    festival = multiplier(lunar={"from": "12-23", "to": "01-15"})
    inside = [day for year in (2025, 2026) for day in days_of(year) if day in festival]
    stretches = [day for day in inside if day - timedelta(days=1) not in inside]
    # 2025-01-01 is 腊月初二; 腊月廿三 was 2025-01-22 and 2026-02-10, 元宵 2025-02-12 and 2026-03-03.
    assert stretches == [date(2025, 1, 22), date(2026, 2, 10)]
    assert [day for day in inside if day + timedelta(days=1) not in inside] == [date(2025, 2, 12), date(2026, 3, 3)]
    # 2025 has a leap sixth month, 07-25 to 08-22: no festival of the sixth month is kept in it, and a stretch over it has it whole.
    assert [day for day in days_of(2025) if lunar.is_on(MonthDay(6, 1), day)] == [date(2025, 6, 25)]
    over_it = [day for day in days_of(2025) if day in multiplier(lunar={"from": "六月廿九", "to": "七月初一"})]
    assert over_it == [date(2025, 7, 23) + timedelta(days=number) for number in range(32)]
    assert [day for day in days_of(2026) if day in multiplier(lunar="除夕")] == [date(2026, 2, 16)]


def test_what_a_multiplier_is_made_of() -> None:
    both = multiplier(dates={"from": "2026-11-01", "to": "2026-11-11"}, days=["sat", "sun"])
    assert [day.day for day in days_of(2026) if day in both] == [1, 7, 8]
    assert date(2026, 10, 1) in multiplier(holiday=["国庆节"])
    assert date(2026, 10, 1) not in multiplier(holiday=["春节"])
    assert date(2026, 10, 10) in multiplier(workday=True), "the Saturday that is worked for the national holiday"
    wrongs: list[dict[str, object]] = [
        {},
        {"lunar": "13-01"},
        {"lunar": "12-31"},
        {"days": []},
        {"times": 0.5, "days": ["sat"]},
        {"holiday": ["双十一"]},
    ]
    for wrong in wrongs:
        with pytest.raises(ValidationError):
            multiplier(**wrong)


def test_of_several_the_highest_counts_for_the_kinds_it_is_for() -> None:
    day = date(2026, 11, 21)
    given = ((2, ["vote", "checkin"]), (3, ["vote"]), (2.5, ["vote"]), (1.5, ["checkin"]))
    some = [multiplier(times=times, days=["sat"], **{"for": kinds}) for times, kinds in given]
    assert [found and found.times for kind in ("checkin", "vote", "message") for found in [highest(some, kind, day)]] == [2, 3, None]
    assert highest(some, "checkin", date(2026, 11, 20)) is None


TIMES = st.decimals(1, 100, places=2, allow_nan=False)


@settings(max_examples=300, deadline=None)
@given(base=st.integers(1, MOST), times=TIMES, privilege=TIMES)
def test_gains_are_the_exact_products_rounded_down_and_never_less_than_the_base(base: int, times: Decimal, privilege: Decimal) -> None:
    written = multiplier(times=float(times), days=["sat"]).exactly
    assert written == Fraction(times), "1.1 is 11/10, whatever a float makes of it"
    gained, growth = multiplied(base, written, Fraction(privilege))
    assert growth == min(int((base * times).to_integral_value(ROUND_FLOOR)), MOST)
    assert gained == min(int((base * times * privilege).to_integral_value(ROUND_FLOOR)), MOST)
    assert base <= growth <= gained
