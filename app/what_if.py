"""What if: broadcasts that are not saved yet, as an operator writes them, read and checked against the file in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from app.complaint import Complaint
from app.nearest import unknown_key
from app.source import Source
from app.yaml_source import parse
from models import broadcast
from models.broadcast import Broadcast, BroadcastsSection
from models.config import Config, Location

MOST_BYTES = 64 * 1024


class Unclear(Exception):
    """What was written cannot be planned; each complaint has its line."""

    def __init__(self, complaints: Sequence[Complaint]) -> None:
        super().__init__("\n".join(complaint.render(caret=True) for complaint in complaints))
        self.complaints = complaints


def read(data: bytes, name: str, config: Config) -> list[Broadcast]:
    """The broadcasts written there: one, a list of them, or a file with `broadcasts:`. Raises Unclear."""
    if len(data) > MOST_BYTES:
        raise Unclear([Complaint(name, 0, 0, "太长了：一次最多 64 KB", "too long: 64 KB at most")])
    source = parse(data, name)
    if not source.parsed or source.complaints:
        raise Unclear(source.sealed())
    value, above = _listed(source.value)
    try:
        section = BroadcastsSection.model_validate(value)
    except ValidationError as wrong:
        for error in wrong.errors(include_url=False):
            _complain(source, above, value, error["loc"], error["type"], error["msg"], error.get("ctx") or {})
        raise Unclear(source.sealed()) from None
    merged = together(config[BroadcastsSection].root, section.root)
    for problem in broadcast.check(Config(config.zone, "", {**config.sections, BroadcastsSection: BroadcastsSection(merged)})):
        number = problem.where[1] if len(problem.where) > 1 else None
        if not problem.code and isinstance(number, int) and any(merged[number] is one for one in section.root):
            at = next(place for place, one in enumerate(section.root) if one is merged[number])
            source.complain(_mark(source, (*above(at), *problem.where[2:])), problem.zh, problem.en)
    if source.complaints:
        raise Unclear(source.sealed())
    return section.root


def together(planned: Sequence[Broadcast], more: Sequence[Broadcast]) -> list[Broadcast]:
    """The broadcasts of the file with these: one whose key is there already takes its place."""
    instead = {one.key: one for one in more}
    return [instead.pop(one.key, one) for one in planned] + [one for one in more if one.key in instead]


def _listed(value: Any) -> tuple[list[Any], Any]:
    """The broadcasts as a list, and where each stands in what was written."""
    if isinstance(value, Mapping) and isinstance(value.get("broadcasts"), list):
        return value["broadcasts"], lambda at: ("broadcasts", at)
    if isinstance(value, list):
        return value, lambda at: (at,)
    return [value], lambda at: ()


def _mark(source: Source, where: Location) -> tuple[int, int]:
    return next((marks[0] for end in range(len(where), 0, -1) if (marks := source.places.get(where[:end]))), source.beginning())


def _complain(source: Source, above: Any, value: list[Any], loc: Location, kind: str, said: str, ctx: Mapping[str, Any]) -> None:
    at = loc[0] if loc and isinstance(loc[0], int) else 0
    mark, last = _mark(source, (*above(at), *loc[1:])), str(loc[-1]) if loc else ""
    if kind == "yizhan":
        source.complain(mark, str(ctx["zh"]), str(ctx["en"]))
    elif kind == "missing":
        source.complain(mark, f"少了 {last}", f"{last} is missing")
    elif kind == "extra_forbidden":
        source.complain(mark, *unknown_key(last, list(Broadcast.model_fields)))
    elif len(loc) <= 1:
        source.complain(mark, "一个群发要写成“键: 值”，例如 key: digest", "a broadcast is made of `key: value`")
    else:
        source.complain(mark, f"{last} 写得不对：{said}", said)
