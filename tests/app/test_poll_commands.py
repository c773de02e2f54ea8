"""`yizhan poll`, as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

from tests.app.conftest import Typed
from tests.handlers.test_poll import POLL
from tests.people import World, account


def test_the_votes_are_listed_also_those_for_choices_that_are_gone(typed: Typed, sqlite_url: str, tmp_path: Path) -> None:
    world = World(tmp_path, sqlite_url, POLL)
    for name, choice in (("小王", "1"), ("小李", "3"), ("小赵", "3")):
        world.person(name).says("投票")
        world.person(name).says(choice)
    world.close()
    Path("config.yaml").write_text(account() + f"database: {sqlite_url}\n" + POLL.replace(", 海盐]\n", "]\n"), "utf-8")
    code, out, _ = typed("poll", "results", "flavour", "--json")
    assert (code, json.loads(out)["votes"]) == (0, {"草莓": 1, "抹茶": 0, "海盐": 2})
    assert "67%" in typed("poll", "results", "flavour")[1]
    assert json.loads(typed("poll", "list", "--json")[1]) == [{"key": "flavour", "title": "下一款出什么口味", "votes": 3}]


def test_a_poll_that_is_not_there_is_named_with_those_that_are(typed: Typed) -> None:
    Path("config.yaml").write_text(account() + POLL, "utf-8")
    code, _, err = typed("poll", "results", "flavor")
    assert code == 1
    assert "没有投票 flavor；有：flavour" in err
