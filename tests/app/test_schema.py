"""The JSON Schema that editors complete and check by: every key explained, and the same verdict as the program's, at the same place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from app import live
from app.config_schema import schema
from app.source import Source
from app.yaml_source import parse
from tests.app.conftest import Typed
from tests.app.test_broken import FILES, expected
from tests.people import SHIPPED
from tests.test_docs import ACCOUNT, _good

SCHEMA = schema(live.SECTIONS)
JUDGE = Draft202012Validator(SCHEMA)

# What no schema can say: what YAML itself forbids, what one place says of another, what a validator works out.
BEYOND = {
    *("key-twice", "section-twice", "tag", "two-documents", "time-without-quotes", "leading-zero", "merge-key"),
    *("regex-lookahead", "regex-open-group", "regex-group", "placeholder", "segment-condition"),
    *("trigger-twice", "level", "segment", "button-says-nothing", "medium", "medium-file", "channel-and-scene", "database-password"),
    *("survey-choice", "survey-later-question", "survey-question-twice", "survey-two-kinds", "button-name-too-long"),
    *("button-does-two-things", "reply-of-two-kinds", "when-without-words", "from-without-to", "chat-menu", "chat-menu-says-nothing"),
    *("included-against-others", "include-nothing", "full-width-colon"),
    *("lottery-odds", "rewards-of-nothing", "twice"),
}
PARTLY = {  # and that, beside what it can
    *("account", "times", "when-new-keys", "sensitive", "file-tests", "many-at-once", "anchor-and-alias", "timezone-and-database"),
    *("included", "included-no-yaml", "points-rules", "coupons", "shop", "lotteries", "boards-and-polls", "times-and-spans"),
    "budgets-and-broadcasts",
}


def as_json(value: Any) -> Any:
    """The value as an editor hands it to a schema: keys are texts."""
    if isinstance(value, dict):
        return {str(key): as_json(item) for key, item in value.items()}
    return [as_json(item) for item in value] if isinstance(value, list) else value


def leaves(error: ValidationError) -> Iterator[ValidationError]:
    """What an editor underlines: of alternatives the one whose kind fits what is there."""
    branches: dict[object, list[ValidationError]] = {}
    for one in error.context or ():
        branches.setdefault(one.schema_path[0], []).append(one)
    fitting = [branch for branch in branches.values() if not any(e.validator == "type" and not e.relative_path for e in branch)]
    if not fitting:
        yield error
        return
    for one in min(fitting, key=len):
        yield from leaves(one)


def lines_of(source: Source, error: ValidationError) -> Iterator[int]:
    at: Any = source.value
    found: list[Any] = []
    for part in error.absolute_path:
        part = part if isinstance(at, list) or part in at else int(part)
        at, found = at[part], [*found, part]
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
        yield from (source.places[(*found, key)][0][0] for key in at if str(key) not in known)
    elif found:
        key, value = source.places[tuple(found)]
        yield key[0] if error.validator in ("required", "minItems", "maxItems") else value[0]
    else:
        yield 1 if isinstance(at, dict) else source.beginning()[0]


def refused(path: Path) -> set[int]:
    """The lines on which the schema finds something wrong."""
    source = parse(path.read_bytes(), path.name)
    found = [leaf for error in JUDGE.iter_errors(as_json(source.value)) for leaf in leaves(error)]
    return {line for error in found for line in lines_of(source, error)}


def properties(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, list):
        for number, item in enumerate(node):
            yield from properties(item, f"{path}/{number}")
    elif isinstance(node, dict):
        for name, told in (node.get("properties") or {}).items():
            yield f"{path}.{name}", told
        for key, item in node.items():
            yield from properties(item, f"{path}/{key}")


def test_every_key_at_every_level_is_explained_in_chinese() -> None:
    found = dict(properties(SCHEMA))
    assert len(found) > 200
    assert [path for path, told in found.items() if not re.search("[一-鿿]", told.get("description", ""))] == []


def test_nothing_in_it_is_for_programmers() -> None:
    text = str(SCHEMA)
    assert "'title': 'A" not in text
    assert "'default': None" not in text
    assert not re.search(r"'(gt|ge|lt|le)':", text)


def test_a_format_comes_with_a_pattern_and_an_example() -> None:
    found = dict(properties(SCHEMA))
    for end in ("When.from", "When.to", "Broadcast.cron", "PushSection.quiet_hours", "Limit.per", "Account.app_id", "Account.api_base"):
        told = str(next(told for path, told in found.items() if path.replace("/$defs/", "") == end))
        assert "'pattern'" in told, end
        assert "'examples'" in told, end


def test_the_shipped_file_is_accepted() -> None:
    assert [error.message for error in JUDGE.iter_errors(as_json(parse(SHIPPED.encode(), "x").value))] == []


@pytest.mark.parametrize("body", _good())
def test_what_the_documents_show_is_accepted(body: str) -> None:
    text = body if re.search(r"^account:", body, re.MULTILINE) else body + ACCOUNT
    source = parse(text.encode(), "x")
    assert [f"{error.json_path}: {error.message}" for error in JUDGE.iter_errors(as_json(source.value))] == []


@pytest.mark.parametrize("path", [file for file in FILES if parse(file.read_bytes(), file.name).parsed], ids=lambda path: path.stem)
def test_what_the_program_refuses_and_a_schema_can_know_the_schema_refuses_on_the_same_lines(path: Path) -> None:
    name = path.stem[3:]
    lines, told = refused(path), {line for file, line, *_ in expected(path) if file == path.name}
    assert lines <= told
    if name not in BEYOND | PARTLY:
        assert lines == told
    if name in PARTLY:
        assert lines
    if name in BEYOND:
        assert not lines


def test_the_schema_for_included_files_asks_for_no_account(typed: Typed) -> None:
    code, out, _ = typed("schema", "--included")
    judge = Draft202012Validator(json.loads(out))
    assert code == 0
    assert list(judge.iter_errors({"points": {"levels": {}}})) == []
    assert list(judge.iter_errors({"pionts": {}})) != []
