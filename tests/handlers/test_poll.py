"""投票, through the webhook."""

from __future__ import annotations

import re

import pytest

from tests.conftest import Founded
from tests.people import World

POLL = """
polls:
  - key: flavour
    title: 下一款出什么口味
    triggers: [投票, 选口味]
    choices: [草莓, 抹茶, 海盐]
    open: {from: 2026-11-20, to: 2026-11-22}
    reward: {points: 3}
keywords: {rules: [{name: 海盐是什么, when: {exact: [海盐是什么]}, reply: 海里的盐}], fallback: 没听懂}
"""


@pytest.fixture
def world(found: Founded) -> World:
    return found(POLL)


def test_a_ballot_counts_once_by_number_word_or_tap_and_pays_once(world: World) -> None:
    wang, li, zhao = world.person("小王"), world.person("小李"), world.person("小赵")
    shown = wang.says("投票")
    assert shown is not None
    assert ">1. 草莓</a>" in shown
    said = wang.says("2", copies=4)
    assert said is not None
    assert said.startswith("收到，您投给了「抹茶」，送您 3 积分")
    assert "100% 抹茶（1 票）" in said
    assert wang.says("投票") == "您已经投给「抹茶」了，每人一票" + said[said.index("\n") :]
    assert li.says("选口味") == shown
    assert "抹茶（2 票）" in str(li.says("抹茶"))
    choice = re.findall(r"msgmenuid=([^\"]+)", shown)[0]
    assert "草莓（1 票）" in str(zhao.sends("text", Content="1. 草莓", bizmsgmenuid=choice).text)
    assert "已经投给「草莓」" in str(zhao.sends("text", Content="1. 草莓", bizmsgmenuid=choice).text)
    assert [one.points for one in (wang, li, zhao)] == [3, 3, 3]
    assert world.sql("SELECT choice, count(*) FROM ballot GROUP BY choice ORDER BY choice") == [("抹茶", 2), ("草莓", 1)]


def test_what_is_no_choice_is_answered_by_others_and_the_poll_goes_on_waiting(world: World) -> None:
    wang = world.person("小王")
    wang.says("投票")
    assert wang.says("海盐是什么") == "海里的盐"
    assert "海盐" in str(wang.says("３"))


def test_leaving_and_coming_back_gives_no_second_ballot(world: World) -> None:
    wang = world.person("小王")
    wang.says("投票")
    wang.says("1")
    wang.does("unsubscribe")
    wang.does("subscribe")
    wang.says("投票")
    assert wang.says("2") == "没听懂"
    assert wang.points == 3


def test_it_opens_and_closes_with_the_business_day(world: World) -> None:
    wang = world.person("小王")
    world.moment("2026-11-19 23:59:59")
    assert wang.says("投票") == "「下一款出什么口味」2026-11-20 开始，到时候再来"
    world.moment("2026-11-20 00:00:00")
    assert "1. 草莓" in str(wang.says("投票"))
    world.moment("2026-11-22 23:59:58")
    assert "1. 草莓" in str(wang.says("投票"))
    world.moment("2026-11-23 00:00:00")
    assert str(wang.says("1")).startswith("「下一款出什么口味」已经结束")
    assert "0% 草莓（0 票）" in str(wang.says("投票"))


def test_votes_for_a_choice_that_was_taken_out_still_count(world: World) -> None:
    wang = world.person("小王")
    wang.says("投票")
    wang.says("3")
    world.configure(POLL.replace(", 海盐]\n", "]\n").replace("key: flavour", "key: flavour\n    show: always"))
    assert "海盐（1 票）" in str(world.person("小李").says("投票"))
