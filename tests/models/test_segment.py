"""Segments: the sentence means whom it says."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError
from sqlalchemy import select

from models.follower import followers
from models.segment import Segment, understand
from tests.scheduler.stage import Stage


@pytest.fixture
def crowd(stage: Stage) -> Stage:
    """Six followers: 1 and 2 are 员工, 2 and 3 are VIP; 3 checked in yesterday, 4 eight days ago; 5 wrote an hour ago; 6 is new.

    2 and 5 came by the code store_01, 6 by expo.
    """
    stage.crowd(6)
    stage.do("UPDATE follower SET first_seen_at = :then WHERE id < 6", then=stage.at - timedelta(days=90))
    stage.do("INSERT INTO tag (id, name) VALUES (100, '员工'), (101, 'VIP')")
    stage.do("INSERT INTO follower_tag (follower_id, tag_id) VALUES (1, 100), (2, 100), (2, 101), (3, 101)")
    for person, days in ((3, 1), (4, 8)):
        at = stage.at - timedelta(days=days)
        stage.do("INSERT INTO checkin (follower_id, day, at, streak, earned) VALUES (:p, :day, :at, 1, 5)", p=person, day=at.date(), at=at)
    stage.do("UPDATE follower SET last_seen_at = :at WHERE id = 5", at=stage.at - timedelta(hours=1))
    stage.do("UPDATE follower SET channel = 'store_01' WHERE id IN (2, 5)")
    stage.do("UPDATE follower SET channel = 'expo' WHERE id = 6")
    return stage


@pytest.mark.parametrize(
    ("where", "meant"),
    [
        ("all", [1, 2, 3, 4, 5, 6]),
        ("not all", []),
        ("tag('员工')", [1, 2]),
        ('tag("VIP")', [2, 3]),
        ("tag('nobody has it')", []),
        ("tag('x'' or 1=1 --')", None),
        ("tag('员工') and tag('VIP')", [2]),
        ("tag('员工') or tag('VIP')", [1, 2, 3]),
        ("not tag('员工') and tag('VIP')", [3]),
        ("not (tag('员工') and tag('VIP'))", [1, 3, 4, 5, 6]),
        ("tag('VIP') or tag('员工') and not all", [2, 3]),
        ("(tag('VIP') or tag('员工')) and not tag('VIP')", [1]),
        ("checked_in_within(7d)", [3]),
        ("checked_in_within(2w) and not tag('VIP')", [4]),
        ("checked_in_within(23h)", []),
        ("active_within(61m)", [5]),
        ("not active_within(61m)", [1, 2, 3, 4, 6]),
        ("followed_within(30d)", [6]),
        ("channel('store_01')", [2, 5]),
        ("not channel('store_01')", [1, 3, 4, 6]),
        ("channel('expo') or channel('store_01') and active_within(61m)", [5, 6]),
        ("  not\nnot\tall ", [1, 2, 3, 4, 5, 6]),
    ],
)
def test_a_sentence_means_whom_it_says(crowd: Stage, where: str, meant: list[int] | None) -> None:
    if meant is None:
        with pytest.raises(ValidationError):
            Segment(key="x", where=where)
        return
    with crowd.database.snapshot() as db:
        found = db.execute(select(followers.c.id).where(understand(where)(crowd.at)).order_by(followers.c.id)).scalars().all()
    assert found == meant


@pytest.mark.parametrize(
    ("where", "at"),
    [
        ("", "（句尾）"),
        ("everyone", "everyone"),
        ("all and", "（句尾）"),
        ("all all", "all"),
        ("tag(员工)", "员工)"),
        ("tag('员工'", "（句尾）"),
        ("checked_in_within(7)", "7)"),
        ("checked_in_within('7d')", "'7d')"),
        ("(all", "（句尾）"),
        ("all)", ")"),
        ("all & all", "& all"),
        ("(" * 300 + "all" + ")" * 300, "("),
        ("not " * 200 + "all", "not"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_place(where: str, at: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Segment(key="x", where=where)
    assert f"“{at}" in refused.value.errors()[0]["ctx"]["zh"]


def test_a_long_chain_is_no_deep_one(crowd: Stage) -> None:
    where = " or ".join(["all"] * 140)
    Segment(key="x", where=where)
    with crowd.database.snapshot() as db:
        assert len(db.execute(select(followers.c.id).where(understand(where)(crowd.at))).all()) == 6
    with pytest.raises(ValidationError):
        Segment(key="x", where=" or ".join(["all"] * 200))
