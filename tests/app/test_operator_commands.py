"""The commands about operators, and what they do to the console of a running program."""

from __future__ import annotations

import getpass
import json
import re
import sys
from pathlib import Path

import pytest

from app import cli
from models.database import Database
from tests.app.browser import Browser, signed_in
from tests.people import World, account


class Desk:
    """Where an operator's commands are typed: beside a running program, at a terminal or not."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.world, self._monkeypatch, self._capsys = world, monkeypatch, capsys
        monkeypatch.setenv("YIZHAN_DATABASE_URL", world.service.database.url.render_as_string(hide_password=False))

    def yizhan(self, *words: str, expect: int = 0) -> str:
        """Types a command. Returns what it printed."""
        self._monkeypatch.setattr(sys, "argv", ["yizhan", *words, "--config", str(self.world.path)])
        with pytest.raises(SystemExit) as done:
            cli.main()
        out, err = self._capsys.readouterr()
        assert done.value.code == expect, out + err
        return out + err

    def types(self, *passwords: str) -> None:
        """They sit at a terminal and type these when they are asked."""
        answers = iter(passwords)
        self._monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
        self._monkeypatch.setattr(getpass, "getpass", lambda prompt: next(answers))


@pytest.fixture
def desk(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(world, monkeypatch, capsys)


def code_in(said: str) -> str:
    found = re.search(r"(?:[0-9A-Z]{4}-){4}[0-9A-Z]{4}", said)
    assert found, said
    return found[0]


def test_there_is_no_operator_that_nobody_has_made(desk: Desk) -> None:
    assert json.loads(desk.yizhan("operator", "list", "--json")) == []
    for name in ("admin", "root", "demo", ""):
        assert Browser(desk.world).signs_in(name, name).status_code in (403, 429)


def test_a_new_operator_gets_a_code_and_sets_a_password_with_it(desk: Desk) -> None:
    code = code_in(desk.yizhan("operator", "add", "小王", "--role", "editor"))
    (listed,) = json.loads(desk.yizhan("operator", "list", "--json"))
    assert (listed["name"], listed["role"], listed["state"], listed["sessions"]) == ("小王", "editor", "invited", 0)
    assert "code" not in listed
    browser = Browser(desk.world)
    assert browser.signs_in("小王", code).headers["location"] == "/console/password"
    assert browser.send("/password", new="a long walk by the sea", again="a long walk by the sea").headers["location"] == "/console"
    assert json.loads(desk.yizhan("operator", "list", "--json"))[0]["state"] == "active"


def test_a_password_is_typed_at_the_terminal_and_stands_in_no_command(desk: Desk) -> None:
    desk.types("a long walk by the sea", "a long walk by the sea")
    desk.yizhan("operator", "add", "小王", "--role", "admin")
    browser = Browser(desk.world)
    assert browser.signs_in("小王", "a long walk by the sea").headers["location"] == "/console"
    assert browser.get("/audit").status_code == 200


@pytest.mark.parametrize(("typed", "said"), [(("12345678",), "太常见"), (("short",), "至少 8"), (("a long walk", "a long talk"), "不一样")])
def test_a_password_that_will_not_do_makes_no_operator(desk: Desk, typed: tuple[str, ...], said: str) -> None:
    desk.types(*typed)
    assert said in desk.yizhan("operator", "add", "小王", "--role", "admin", expect=1)
    assert json.loads(desk.yizhan("operator", "list", "--json")) == []


@pytest.mark.parametrize("name", ["", "a b", "名" * 41, "x\ty", "x\u200bprintable", "\u3000"])
def test_a_name_that_cannot_be_typed_again_is_refused(desk: Desk, name: str) -> None:
    desk.yizhan("operator", "add", name, "--role", "admin", expect=1)


def test_a_name_is_taken_however_it_is_spelt(desk: Desk) -> None:
    desk.yizhan("operator", "add", "Wang", "--role", "viewer")
    for name in ("Wang", "WANG", "ｗａｎｇ"):
        assert "已经有了" in desk.yizhan("operator", "add", name, "--role", "admin", expect=1)


def test_a_role_that_does_not_exist_is_refused(desk: Desk) -> None:
    desk.yizhan("operator", "add", "小王", "--role", "root", expect=1)
    desk.yizhan("operator", "add", "小王", expect=1)


def test_a_disabled_operator_is_out_at_once_and_a_reset_lets_them_in_again(desk: Desk) -> None:
    browser = signed_in(desk.world, "admin", "小王")
    desk.yizhan("operator", "disable", "小王")
    assert browser.get().status_code == 303
    assert json.loads(desk.yizhan("operator", "list", "--json"))[0]["state"] == "disabled"
    code = code_in(desk.yizhan("operator", "reset", "小王"))
    assert browser.signs_in("小王").status_code == 403
    assert browser.signs_in("小王", code).headers["location"] == "/console/password"
    by = [tuple(row) for row in desk.world.sql("SELECT audit_entry.by, action FROM audit_entry ORDER BY id")]
    assert by[1:3] == [(f"cli:{getpass.getuser()}", "operator_disabled"), (f"cli:{getpass.getuser()}", "operator_reset")]


@pytest.mark.parametrize("command", ["disable", "reset"])
def test_an_operator_who_does_not_exist_is_named(desk: Desk, command: str) -> None:
    assert "没有账号“小王”" in desk.yizhan("operator", command, "小王", expect=1)


def test_a_list_for_people_names_states_in_their_words(desk: Desk) -> None:
    signed_in(desk.world, "admin", "小王")
    desk.yizhan("operator", "add", "小李", "--role", "viewer")
    said = desk.yizhan("operator", "list")
    assert re.search(r"小王 +管理员 +正常 .* 1", said)
    assert re.search(r"小李 +只看 +等他设密码", said)


def test_the_first_operator_is_made_before_the_program_ever_ran(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(account() + f"database: sqlite:///{tmp_path}/new.db\n", "utf-8")
    monkeypatch.delenv("YIZHAN_DATABASE_URL", raising=False)
    monkeypatch.setattr(sys, "argv", ["yizhan", "operator", "add", "小王", "--role", "admin", "--config", str(config)])
    with pytest.raises(SystemExit) as done:
        cli.main()
    assert done.value.code == 0
    assert code_in(capsys.readouterr().out)
    database = Database(f"sqlite:///{tmp_path}/new.db")
    with database.snapshot() as db:
        assert db.exec_driver_sql("SELECT name, role FROM operator").all() == [("小王", "admin")]
    database.close()
