"""Edits and poison while a sender is at work: what it has reserved keeps its content, and a suspect is called for with nothing else."""

from __future__ import annotations

from itertools import pairwise

from models import broadcast
from models.broadcast import Broadcast
from tests.scheduler.stage import Platform, Stage, play


def test_an_edit_reaches_a_sender_at_work_and_everybody_gets_one_of_the_contents(stage: Stage) -> None:
    stage.crowd(120)
    run = stage.run(data={"thing1": "old"})
    new = Broadcast.model_validate({"key": "digest", "template": "T", "data": {"thing1": "new"}})

    def answers(platform: Platform, openid: str, key: str) -> object:
        if len(platform.asked) == 5:  # the first batch is on its way, the next one not reserved
            stage.verb(broadcast.edit, run, new, "wang", stage.at)
        return -1 if len(platform.asked) == 6 else None

    platform = Platform(stage, answers)
    play(stage, platform, 6, seconds=5)
    assert set(platform.delivered.values()) == {1}
    assert len(platform.delivered) == 120
    said = {openid: body["data"]["thing1"]["value"] for openid, body in platform.texts.items()}
    revisions = dict(stage.sql("SELECT f.openid, d.revision FROM delivery d JOIN follower f ON f.id = d.follower_id"))
    assert {openid: ("old", "new")[revision] for openid, revision in revisions.items()} == said
    assert set(said.values()) == {"old", "new"}
    assert stage.of(run).state == "done"


def test_a_suspect_is_called_for_with_nothing_else_under_way(stage: Stage) -> None:
    stage.crowd(12)
    run = stage.run()
    stage.reserve(run)
    stage.do("UPDATE delivery SET unsettled = CASE WHEN id <= 3 THEN 4 ELSE 1 END")
    stage.later(seconds=41)
    platform = Platform(stage, seconds=0.1)
    play(stage, platform, 6)
    assert len(platform.delivered) == 12
    asked = sorted(zip(platform.times, (openid for openid, _ in platform.asked), strict=True))
    suspects = {f"o{number:027d}" for number in range(3)}
    for (earlier, one), (later, other) in pairwise(asked):
        assert later - earlier > 0.09 or not suspects & {one, other}
    assert stage.sql("SELECT max(unsettled) FROM delivery") == [(0,)]
