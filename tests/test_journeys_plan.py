"""The plan with real processes: what `yizhan plan` foresees, the simulator then takes, follower by follower. The judge is its log."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from tests.people import BASIC, Town
from tests.test_journeys_broadcast import SEND, calls, done, restart, start, yizhan

RULES = (
    BASIC
    + """
segments: [{key: few, where: "followed_within(1d)"}]
push: {limits: [{max: 1, per: day}], pace: 500}
broadcasts:
  - {key: first, segment: few, template: TEMPLATE_ID, data: {thing1: 第一条, time2: "{date}"}, url: "https://x.example/first", goal: {}, holdout: 0.4}
  - {key: second, segment: all, template: TEMPLATE_ID, data: {thing1: 第二条, time2: "{date}"}, url: "https://x.example/second"}
"""
)


def test_the_simulator_takes_what_was_foreseen_follower_by_follower(town: Callable[..., Town]) -> None:
    made = town(RULES, 40)
    yizhan(made, "follower", "sync")
    made.bot.stop()  # nothing is sent while it is foreseen
    runs = {"first": start(made, "first"), "second": start(made, "second")}
    told = yizhan(made, "plan", "--json", "--ids")
    restart(made)
    for run in runs.values():
        done(made, run, 20)
    with sqlite3.connect(f"file:{made.folder}/town.db?mode=ro", uri=True) as db:
        openids = dict(db.execute("SELECT id, openid FROM follower").fetchall())
    foreseen = {one["broadcast"]: {openids[who] for who in one["followers"]} for one in told["sendings"]}
    unsure = sum(one["contested"] for one in told["sendings"])
    taken = {key: {call["openid"] for call in calls(made, SEND) if call["delivered"] and key in str(call)} for key in runs}
    assert foreseen["first"] | foreseen["second"] == taken["first"] | taken["second"]
    assert len(taken["first"]) + len(taken["second"]) == len(foreseen["first"]) + len(foreseen["second"])
    assert len(foreseen["first"] ^ taken["first"]) <= unsure
