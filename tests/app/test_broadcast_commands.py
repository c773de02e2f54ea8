"""The commands about broadcasts, where they wait for somebody: tests to staff, drafts, approvals, edits, the time to undo."""

from __future__ import annotations

from typing import Any

import pytest

from app.cli.broadcast import decide, start
from models import broadcast
from tests.app.browser import hire
from tests.people import BASIC, World
from tests.test_journeys_broadcast import yizhan

RULES = f"""{BASIC}
push: {{approval: {{above: 0.5}}}}
broadcasts:
  - {{key: digest, template: TEMPLATE_ID, data: {{thing1: %s}}}}
  - {{key: idea, state: draft, template: TEMPLATE_ID, data: {{thing1: 还没想好}}}}
"""


class Office(World):
    """A world whose operator types commands, by this login name."""

    login = "wang"

    @property
    def config(self) -> Any:
        return self.path

    @property
    def environ(self) -> dict[str, str]:
        return {"YIZHAN_DATABASE_URL": self.service.database.url.render_as_string(hide_password=False)}

    def types(self, *words: str, expect: int = 0) -> Any:
        """What the command printed."""
        return yizhan(self, "broadcast", *words, expect=expect)  # type: ignore[arg-type]


@pytest.fixture
def office(sqlite_url: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    made = Office(tmp_path, sqlite_url, RULES % "一")
    for number in range(3):
        made.person(f"粉丝{number}").does("subscribe")
    for module in (start, decide):
        monkeypatch.setattr(module, "who", lambda: f"cli:{made.login}")
    yield made
    made.close()


def row(office: Office, run: int) -> tuple[Any, ...]:
    return tuple(office.sql(f"SELECT state, test, broadcast_run.by, revision FROM broadcast_run WHERE id = {run}")[0])


def test_a_run_waits_where_it_must_and_the_commands_say_what_for(office: Office) -> None:
    run = office.types("run", "digest", "--json")
    assert list(run) == ["id"], "who is alone needs nobody"
    assert row(office, run["id"]) == ("planning", False, "cli:wang", 0)
    assert "草稿" in office.types("run", "idea", expect=1)
    assert "没有关注着的店员" in office.types("test", "idea", expect=1)
    with office.service.database.transaction() as db:
        db.exec_driver_sql(
            "INSERT INTO staff (follower_id, name, store, added_by, added_at) VALUES (1, '店员', '', 'x', '2026-11-01 00:00:00.000000')"
        )
    assert row(office, office.types("test", "idea", "--json")["id"])[:2] == ("planning", True)

    hire(office, "wang", "editor")
    hire(office, "li", "admin")
    big = office.types("run", "digest", "--json", "--request", "once")
    assert big["state"] == "asked"
    assert "3 人，超过粉丝的 50%" in big["reason"]
    assert office.types("run", "digest", "--json", "--request", "once") == big
    assert "还没有批准" in office.types("resume", str(big["id"]), expect=1)
    assert "自己发起的" in office.types("approve", str(big["id"]), expect=1)
    office.login = "LI"
    office.types("approve", str(big["id"]))
    assert row(office, big["id"])[0] == "planning"
    assert "现在是 准备中" in office.types("approve", str(big["id"]), expect=1)

    office.configure(RULES % "二")
    office.types("edit", str(big["id"]))
    assert row(office, big["id"])[::3] == ("asked", 1), "what is new is approved anew"
    assert "自己发起的" in office.types("approve", str(big["id"]), expect=1)
    office.login = "wang"
    office.types("approve", str(big["id"]))
    office.types("cancel", str(big["id"]))
    noted = [action for (action,) in office.sql(f"SELECT action FROM audit_entry WHERE subject = 'run:{big['id']}' ORDER BY id")]
    assert noted == [f"broadcast_{what}" for what in ("started", "approved", "edited", "approved", "cancelled")]


def test_a_run_with_undo_is_not_begun_before(office: Office) -> None:
    run = office.types("run", "digest", "--undo", "5m", "--json")["id"]
    assert "写成 60s" in office.types("run", "digest", "--undo", "soon", expect=1)
    with office.service.database.snapshot() as db:
        status = broadcast.glance(db, run)
        assert status.held_until is not None
        assert status.created_at is not None
        assert (status.held_until - status.created_at).total_seconds() == 300
        assert broadcast.active(db, status.created_at) == []
        assert broadcast.active(db, status.held_until) == [run]
