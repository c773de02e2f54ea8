"""The house rules of the architecture, checked by reading the code and the database."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from pydantic import AfterValidator
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

import handlers  # noqa: F401
import models.migrations.tables  # noqa: F401
from models.base import metadata
from models.config import Rules
from models.database import Database
from tests.people import ROOT, World

OURS = ("app", "handlers", "models", "scheduler", "wechat", "simulator")
FILES = [path for package in OURS for path in sorted((ROOT / package).rglob("*.py"))]
BELOW_APP = [path for path in FILES if path.relative_to(ROOT).parts[0] in ("handlers", "models", "scheduler", "wechat")]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def calls(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func)


def test_the_clock_is_read_at_the_edges_only() -> None:
    # Below app the instant comes in as a value; monotonic time (deadlines) and the one definition of utc_now are no instants of the business.
    for path in BELOW_APP:
        for line, call in calls(path):
            allowed = name_of(path) == "models/clock.py" and call == "datetime.now"
            assert allowed or call not in ("utc_now", "datetime.now", "datetime.utcnow", "time.time", "date.today"), (
                f"{name_of(path)}:{line}"
            )


def test_only_the_database_commits() -> None:
    for path in FILES:
        if name_of(path) != "models/database.py" and not name_of(path).startswith("simulator/"):
            assert not [line for line, call in calls(path) if call.endswith((".commit", ".begin_nested"))], name_of(path)


def test_nobody_below_app_reads_files_or_the_environment() -> None:
    for path in BELOW_APP:
        for line, call in calls(path):
            # A database is a folder on SQLite, and Alembic finds its versions beside itself.
            if name_of(path) not in ("models/database.py", "models/migrations/__init__.py"):
                assert call not in ("open", "os.environ.get", "os.getenv", "Path"), f"{name_of(path)}:{line}"


def test_whatever_can_go_wrong_is_caught_at_the_outermost_frames_only() -> None:
    allowed = {
        "app/webhook.py",
        "app/main.py",
        "app/live.py",
        "app/rehearsal.py",
        "app/versions.py",
        "scheduler/sender.py",
        "scheduler/timetable.py",
    }
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ExceptHandler) and node.type is not None and ast.unparse(node.type) == "Exception":
                assert name_of(path) in allowed or name_of(path).startswith("simulator/"), f"{name_of(path)}:{node.lineno}"


def test_no_file_outgrows_its_room_and_none_is_called_utils() -> None:
    for path in FILES:
        assert path.stem not in ("utils", "helpers", "common", "core", "lib", "services"), name_of(path)
        if "migrations" not in path.parts:
            assert len(path.read_text("utf-8").splitlines()) <= 400, f"{name_of(path)} has outgrown its room"


def test_every_module_says_what_it_holds() -> None:
    for path in FILES:
        assert ast.get_docstring(ast.parse(path.read_text("utf-8"))), name_of(path)


def test_every_public_verb_of_the_nouns_says_what_is_true_afterwards() -> None:
    for path in sorted((ROOT / "models").glob("*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{name_of(path)}: {node.name}"


def test_nothing_is_left_for_later() -> None:
    for path in FILES:
        found = re.search(r"\b(TODO|FIXME|XXX|NotImplementedError)\b", path.read_text("utf-8"))
        assert not found, f"{name_of(path)}: {found and found[0]}"


def test_the_lock_pins_with_hashes_and_names_no_host() -> None:
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    assert "://" not in lock
    pins = re.findall(r"^[a-z0-9_.-]+==\S+", lock, re.MULTILINE)
    assert len(pins) > 40
    assert lock.count("--hash=sha256:") >= len(pins)


def test_no_tracked_file_names_a_registry_or_a_path_of_one_machine() -> None:
    hosts = "|".join(["pypi" + r"\.org", "python" + r"hosted\.org", "npmjs" + r"\.org"])
    try:
        done = subprocess.run(["git", "grep", "-nIE", hosts], cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("no git here")
    assert not done.stdout


WITHOUT_KEYS = {"delivery"}  # docs/decisions/0021-deliveries-have-no-foreign-keys.md


def test_every_reference_to_a_follower_has_one_name() -> None:
    """Whoever takes a follower's data out, or deletes it, finds it by this name."""
    for table in metadata.tables.values():
        for column in table.columns:
            refers = any(key.column.table.name == "follower" for key in column.foreign_keys)
            assert (column.name == "follower_id") == (refers or (column.name == "follower_id" and table.name in WITHOUT_KEYS)), (
                f"{table.name}.{column.name}"
            )


def test_the_migrations_lead_to_the_tables_of_the_code(database_url: str) -> None:
    database = Database(database_url)
    try:
        with database.snapshot() as db:
            assert compare_metadata(MigrationContext.configure(db), metadata) == []
    finally:
        database.close()


def test_a_placeholder_that_a_text_for_followers_does_not_know_is_refused_when_the_file_is_read() -> None:
    """A text without `says` would be filled all the same, and a `{balance}` that nobody fills is a bug in front of a follower."""
    kinds = [kind for kind in _kinds(Rules) if kind.__name__.endswith(("Wording", "Notices"))]
    assert len(kinds) > 15
    texts = ((kind, name, field) for kind in kinds for name, field in kind.model_fields.items() if field.annotation is str)
    assert [
        f"{kind.__name__}.{name}" for kind, name, field in texts if not any(isinstance(one, AfterValidator) for one in field.metadata)
    ] == []


def _kinds(kind: type[Rules]) -> Iterator[type[Rules]]:
    for one in kind.__subclasses__():
        yield one
        yield from _kinds(one)


WRONG = [
    ("a balance below zero", "UPDATE balance SET amount = -1"),
    ("a changed ledger entry", "UPDATE ledger_entry SET amount = 7"),
    ("a deleted ledger entry", "DELETE FROM ledger_entry"),
    (
        "an entry of nothing",
        "INSERT INTO ledger_entry (follower_id, account, amount, cause, at) SELECT id, 'x', 0, 'x', first_seen_at FROM follower",
    ),
    (
        "a second entry for one cause",
        "INSERT INTO ledger_entry (follower_id, account, amount, cause, at) SELECT follower_id, account, 5, cause, at FROM ledger_entry",
    ),
    (
        "a second check-in of a day",
        "INSERT INTO checkin (follower_id, day, streak, earned, at) SELECT follower_id, day, 1, 5, at FROM checkin",
    ),
    (
        "an entry of nobody",
        "INSERT INTO ledger_entry (follower_id, account, amount, cause, at) SELECT 999999, 'x', 5, 'y', at FROM ledger_entry",
    ),
]


@pytest.mark.parametrize("statement", [statement for _, statement in WRONG], ids=[what for what, _ in WRONG])
def test_the_database_itself_refuses(world: World, statement: str) -> None:
    world.person("小王").says("签到")
    with pytest.raises(DBAPIError), world.service.database.transaction() as db:
        db.execute(text(statement))
    assert world.person("小王").points == 5
