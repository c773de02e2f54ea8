"""Mass lists on both databases: formed by many at once, reported on in any order; and edits of a run under way."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from models import broadcast, mass
from models.broadcast import Broadcast, EditedMeanwhile, NotEditable, Unlawful, WrongState
from models.delivery import Outcome
from models.mass import MassList
from tests.scheduler.stage import ZONE, Stage

Staged = Callable[..., Stage]
TEXT: dict[str, Any] = {"template": None, "data": {}, "mass": {"text": "各位好"}}
GOOD = "send success"


def form(stage: Stage, run: int, size: int = 10) -> MassList | None:
    """A list, formed now."""
    found: MassList | None = stage.verb(lambda db: mass.form(db, broadcast.load(db, run), stage.push, ZONE, stage.at, size))
    return found


def of(stage: Stage, which: MassList) -> Any:
    """The list's row."""
    return stage.sql("SELECT * FROM mass_list WHERE id = :id", id=which.id)[0]


def test_lists_that_many_processes_form_at_once_hold_nobody_twice_and_nobody_over_a_limit(staged: Staged) -> None:
    stage = staged(limits=[{"max": 1, "per": "day"}])
    stage.crowd(60)
    runs = [stage.run(key, **TEXT) for key in ("morning", "noon", "evening")]

    def work(number: int) -> None:
        mine = random.Random(number).sample(runs, 3)
        for run in mine:
            for _ in range(5):
                form(stage, run, 7)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))
    charged = Counter(row[0] for row in stage.sql("SELECT follower_id FROM delivery WHERE charged_at IS NOT NULL"))
    assert set(charged.values()) == {1}
    listed = stage.sql("SELECT l.size, count(*) FROM mass_list l JOIN delivery d ON d.mass_list_id = l.id GROUP BY l.id, l.size")
    assert all(size == many >= 2 for size, many in listed)
    assert sum(many for _, many in listed) == len(charged) >= 57  # of a rest of one, nobody can be called for
    assert {state for run in runs for state in stage.states(run)} == {"sending", "skipped"}


def test_the_capped_wait_for_their_next_slot_and_then_go_together(staged: Staged) -> None:
    stage = staged(gap="2h")
    stage.crowd(6)
    first = stage.run("first", template="T")
    stage.do("DELETE FROM delivery WHERE follower_id > 3")
    assert stage.send(first) == 3
    run = stage.run("second", wait="1d", **TEXT)
    formed = form(stage, run)
    assert formed is not None
    assert formed.size == 3
    assert stage.states(run) == {"sending": 3, "pending": 3}
    stage.verb(mass.sent, formed, "77", stage.at)
    stage.later(hours=2, minutes=5)
    assert stage.verb(mass.wanted, stage.at) is None  # their turn has come; ten minutes more, for those whose turn comes meanwhile
    stage.later(minutes=6)
    assert stage.verb(mass.wanted, stage.at).run == run
    assert form(stage, run).size == 3  # type: ignore[union-attr]


def test_a_report_settles_its_list_whenever_and_however_often_it_comes(stage: Stage) -> None:
    stage.crowd(60)
    run = stage.run(**TEXT)
    lists = [form(stage, run) for _ in range(6)]
    early, late, filtered, refused, nameless, unknown = (one for one in lists if one is not None)
    stage.verb(mass.receive, "1", GOOD, (10, 10, 10, 0), stage.at)  # before the answer to our call
    for number, one in enumerate((early, late, filtered, refused), 1):
        assert stage.verb(mass.sent, one, str(number), stage.at)
    stage.verb(mass.sent, nameless, None, stage.at)  # 45065 without the number
    for _ in range(2):
        stage.verb(mass.receive, "2", GOOD, (10, 10, 10, 0), stage.at)
        stage.verb(mass.receive, "3", GOOD, (10, 9, 8, 1), stage.at)
        stage.verb(mass.receive, "4", "err(10001)", (0, 0, 0, 0), stage.at)
        stage.verb(mass.receive, "9999", GOOD, (3, 3, 3, 0), stage.at)  # the account's own page sent it
        stage.verb(mass.receive, "5", GOOD, (10, 10, 10, 0), stage.at)
        stage.verb(mass.receive, "1" * 99, GOOD, (10, 10, 10, 0), stage.at)
        stage.later(minutes=2)
        stage.verb(mass.reconcile, stage.at)
    assert [of(stage, one).state for one in (early, late, filtered, refused, nameless, unknown)] == [
        *("finished", "finished", "finished", "failed", "finished", "sending")
    ]
    told = of(stage, filtered)
    assert (told.total_count, told.filter_count, told.sent_count, told.error_count) == (10, 9, 8, 1)
    assert stage.states(run) == {"delivered": 30, "sent": 10, "failed": 10, "sending": 10}
    assert "平台说送达 8/10 人，没说是谁" in stage.reasons(run)
    assert "涉嫌广告 err(10001)" in stage.reasons(run)
    assert stage.sql("SELECT count(*) FROM delivery WHERE state = 'failed' AND charged_at IS NULL") == [(10,)]  # nobody got it
    assert stage.sql("SELECT msg_id FROM mass_report") == [("9999",)]
    stage.later(days=2)
    stage.verb(mass.reconcile, stage.at)
    assert stage.sql("SELECT msg_id FROM mass_report") == []


def test_a_list_of_a_cancelled_run_is_not_repeated_and_one_that_kills_its_processes_is_set_aside(stage: Stage) -> None:
    stage.crowd(20)
    run, poisoned = stage.run("a", **TEXT), stage.run("b", **TEXT)
    form(stage, run)
    stage.verb(broadcast.cancel, run, stage.at)
    form(stage, poisoned, 20)
    for died in range(1, 7):
        stage.later(minutes=1)
        wanted = stage.verb(mass.wanted, stage.at)
        assert wanted.run == poisoned
        taken = stage.verb(
            lambda db, wanted=wanted: mass.take_over(db, wanted.list, broadcast.load(db, poisoned), stage.push, ZONE, stage.at)
        )
        assert (taken is None) == (died == 6)
    stage.verb(mass.give_up, stage.at)
    assert stage.states(run) == {"unknown": 10, "cancelled": 10}
    assert stage.states(poisoned) == {"unknown": 20}
    assert stage.reasons(poisoned) == {"程序 6 次停在它上面 poison"}


# Edits


def plan(**more: Any) -> Broadcast:
    return Broadcast.model_validate({"key": "digest", "template": "T", "data": {"thing1": "hi {name}"}} | more)


def test_an_edit_gives_the_new_content_to_what_is_not_begun_and_repeats_the_rest_with_its_own(stage: Stage) -> None:
    stage.crowd(4)
    run = stage.run()
    begun = stage.reserve(run, 2)
    assert stage.verb(broadcast.edit, run, plan(data={"thing1": "new"}), "wang", stage.at) == 1
    assert stage.verb(broadcast.edit, run, plan(data={"thing1": "new"}), "wang", stage.at) == 1  # nothing differs
    after = stage.reserve(run, 2)
    assert [one.revision for one in begun + after] == [0, 0, 1, 1]
    stage.later(seconds=41)  # the process died with the first two
    assert [one.revision for one in stage.reserve(run)] == [0, 0, 1, 1]
    with stage.database.snapshot() as db:
        assert broadcast.load(db, run, 0).plan.data == {"thing1": "hi {name}"}
        assert broadcast.load(db, run, 1).plan.data == broadcast.load(db, run).plan.data == {"thing1": "new"}
    assert stage.sql('SELECT revision, "by" FROM run_revision') == [(0, "wang")]
    given_back = stage.reserve(stage.run("other"), 1)[0]
    stage.settle(Outcome(given_back.id, given_back.fence, "pending", proved=True))
    other = stage.sql("SELECT run_id FROM delivery WHERE id = :id", id=given_back.id)[0][0]
    assert stage.verb(broadcast.edit, other, plan(key="other", data={"thing1": "new"}), "wang", stage.at) == 1
    assert [one.revision for one in stage.reserve(other)] == [1] * 4  # what nobody took is not begun


def test_an_edit_may_not_change_to_whom_or_how_it_goes_nor_a_run_that_is_over(stage: Stage) -> None:
    stage.crowd(1)
    run = stage.run()
    variants = [{"key": key, "data": {"thing1": key}} for key in ("A", "B")]
    for other in ({"segment": "active"}, {"text": "客服"}, {"key": "another"}, {"variants": variants}):
        with pytest.raises(NotEditable):
            stage.verb(broadcast.edit, run, plan(**other), "wang", stage.at)
    with pytest.raises(Unlawful):
        stage.verb(broadcast.edit, run, plan(data={"thing1": "限时五折优惠"}), "wang", stage.at)
    stage.verb(broadcast.cancel, run, stage.at)
    with pytest.raises(WrongState):
        stage.verb(broadcast.edit, run, plan(data={"thing1": "new"}), "wang", stage.at)


def test_of_two_edits_at_once_one_is_told_of_the_other(stage: Stage) -> None:
    stage.crowd(1)
    run = stage.run()

    def edit(number: int) -> int | None:
        try:
            revision: int = stage.verb(broadcast.edit, run, plan(data={"thing1": f"{number}"}), f"{number}", stage.at)
        except EditedMeanwhile:
            return None
        return revision

    with ThreadPoolExecutor(4) as pool:
        revisions = [revision for revision in pool.map(edit, range(4)) if revision is not None]
    assert sorted(revisions) == list(range(1, len(revisions) + 1))
    assert stage.of(run).revision == len(revisions)
    assert len(stage.sql("SELECT 1 FROM run_revision")) == len(revisions)


# Poison


def test_a_delivery_that_kills_its_process_is_tried_alone_and_then_set_aside_and_the_others_go_on(stage: Stage) -> None:
    stage.crowd(8)
    run = stage.run()
    poison, deaths, sent = 5, 0, 0
    for _ in range(30):
        batch = stage.reserve(run)
        if any(one.id == poison for one in batch):
            deaths += 1
            assert deaths <= 3 or len(batch) == 1
            stage.later(seconds=41)  # killed: nobody settles any of them
            continue
        sent += len(batch)
        stage.settle(*(Outcome(one.id, one.fence, "sent") for one in batch))
    assert deaths == 6
    assert sent == 7
    assert stage.states(run) == {"sent": 7, "unknown": 1}
    assert "程序 6 次停在它上面 poison" in stage.reasons(run)
