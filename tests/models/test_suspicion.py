"""What makes an operator look twice at somebody's newcomers: each check alone, at its limit and just below, and with real people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.suspicion import Facts, HoldRules, chained, most_within, reasons

NOON = datetime(2026, 11, 21, 4, tzinfo=UTC)
RULES = HoldRules()


def minutes(*numbers: float) -> list[datetime]:
    return [NOON + timedelta(minutes=number) for number in numbers]


def test_a_burst_is_more_than_ten_within_an_hour_wherever_in_it_they_came() -> None:
    eleven = minutes(*range(0, 55, 5))
    for came in (eleven[0], eleven[5], eleven[-1]):
        assert reasons(Facts(came, others_at=eleven), RULES) == ["60 分钟内来了 11 位（界线 10）"]
        assert reasons(Facts(came, others_at=eleven[:-1] if came != eleven[-1] else eleven[1:]), RULES) == []
    spread = minutes(*range(0, 700, 7))
    assert reasons(Facts(spread[50], others_at=spread), RULES) == []
    beside = [*eleven, NOON + timedelta(hours=3)]
    assert reasons(Facts(beside[-1], others_at=beside), RULES) == [], "who came at another time is not of the burst"


@given(st.lists(st.integers(0, 300), min_size=1, max_size=30), st.integers(1, 120))
def test_the_fullest_span_is_that_of_a_plain_count(numbers: list[int], span: int) -> None:
    instants, length = minutes(*numbers), timedelta(minutes=span)
    for number, at in zip(numbers, instants, strict=True):
        plain = max(sum(begin <= one <= begin + span for one in numbers) for begin in range(number - span, number + 1))
        assert most_within(instants, at, length) == plain


@pytest.mark.parametrize(("brought", "left", "seen"), [(10, 5, True), (10, 4, False), (5, 5, True), (4, 4, False), (100, 49, False)])
def test_a_code_whose_newcomers_mostly_leave_is_looked_at(brought: int, left: int, seen: bool) -> None:
    found = reasons(Facts(NOON, brought=brought, left=left), RULES)
    assert found == ([f"最近带来的 {brought} 位里，走了 {left} 位（界线 50%）"] if seen else [])


@pytest.mark.parametrize(("settled", "idle", "seen"), [(10, 8, True), (10, 7, False), (8, 8, True), (7, 7, False), (100, 79, False)])
def test_a_code_whose_newcomers_do_what_is_asked_and_nothing_else_is_looked_at(settled: int, idle: int, seen: bool) -> None:
    found = reasons(Facts(NOON, settled=settled, idle=idle), RULES)
    assert found == ([f"带来的 {settled} 位里，{idle} 位除了要求的事什么都没做（界线 80%）"] if seen else [])


def test_a_chain_of_newcomers_who_bring_newcomers_within_a_day_is_looked_at() -> None:
    def facts(*hours_before: float) -> Facts:
        return Facts(NOON, ancestors_at=[NOON - timedelta(hours=hours) for hours in hours_before])

    assert reasons(facts(1, 2, 3), RULES) == ["24 小时内一个带一个连了 4 环（界线 3）"]
    assert reasons(facts(1, 2), RULES) == []
    assert reasons(facts(1, 2, 25, 26, 27), RULES) == [], "the rest of the chain is old"
    assert chained([], timedelta(1)) == 0


def test_a_check_can_be_turned_off_and_several_reasons_are_all_told() -> None:
    bad = Facts(NOON, minutes(*range(20)), 20, 15, 20, 20, [NOON] * 5)
    assert len(reasons(bad, RULES)) == 4
    assert reasons(bad, HoldRules(burst=None, leavers=None, idle=None, chain=None)) == []
    assert reasons(Facts(NOON), RULES) == []
