"""版本: every version of the rules that was in force, how two of them differ, and the way back to one."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.responses import Response

from app import versions
from app.complaint import BadConfig
from app.console.desk import Visit
from models import audit, rule_version
from models.rule_version import Listed

_MOST_LISTED = 200
_MOST_LINES = 2000  # of the part that differs: comparing takes the square of it
_AROUND = 3


class Line(NamedTuple):
    """A line of a comparison: `+`, `-`, ` ` or `@` for the name of a file or a gap."""

    sign: str
    text: str


async def listed(visit: Visit) -> Response:
    """All versions."""
    found = await _listed(visit)
    return visit.page(
        "versions.html", versions=found[:_MOST_LISTED], current=visit.desk.live.config.version, more=len(found) > _MOST_LISTED
    )


async def _listed(visit: Visit) -> list[Listed]:
    now = visit.now
    return await visit.desk.database.read(lambda db: rule_version.listed(db, now))


async def compared(visit: Visit) -> Response:
    """What would change if this version took the place of another: of the one in force, where none is named."""
    version, current = visit.request.path_params["version"], visit.desk.live.config.version
    other = visit.request.query_params.get("with", "").replace("\0", "")[:64] or current
    found = await _listed(visit)
    texts = await visit.desk.database.read(lambda db: (rule_version.texts(db, other), rule_version.texts(db, version)))
    if not all(texts):
        raise HTTPException(404)
    lines = await asyncio.to_thread(lambda: list(_difference(*texts)))
    return visit.page("version.html", version=version, other=other, current=current, versions=found[:_MOST_LISTED], lines=lines, errors="")


async def back(visit: Visit) -> Response:
    """The files say what this version said, and it is in force here and, within two seconds, in every process that reads these files."""
    version, desk, now = visit.request.path_params["version"], visit.desk, visit.now
    texts = await desk.database.read(lambda db: rule_version.texts(db, version))
    if not texts:
        raise HTTPException(404)
    before = desk.live.config.version
    try:
        _, aside = await asyncio.to_thread(versions.back, desk.live.path, texts, now)
    except (BadConfig, OSError) as refused:
        why = refused.render() if isinstance(refused, BadConfig) else f"写不了文件：{type(refused).__name__}"
        return visit.page(
            "version.html", 409, version=version, other=before, current=before, versions=await _listed(visit), lines=[], errors=why
        )
    detail = f"{before} → {version}; {aside}"
    await desk.database.run(
        lambda db: audit.note(db, visit.operator.name, "went_back", now, subject=version, detail=detail, address=visit.address)
    )
    await asyncio.to_thread(desk.live.hurry)
    return visit.go("/versions")


def _difference(old: Sequence[tuple[str, str]], new: Sequence[tuple[str, str]]) -> Iterator[Line]:
    before, after = dict(old), dict(new)
    for name in dict.fromkeys([*before, *after]):
        if before.get(name) == after.get(name):
            continue
        what = "（新文件）" if name not in before else "（删掉）" if name not in after else ""
        yield Line("@", f"{name}{what}")
        yield from _lines(before.get(name, "").splitlines(), after.get(name, "").splitlines())


def _lines(old: Sequence[str], new: Sequence[str]) -> Iterator[Line]:
    """What differs and a little around it. The same beginning and end are left out before the comparison."""
    head = _alike(old, new)
    tail = min(_alike(old[::-1], new[::-1]), min(len(old), len(new)) - head)
    first, last = max(0, head - _AROUND), max(0, tail - _AROUND)
    old, new = old[first : len(old) - last], new[first : len(new) - last]
    if max(len(old), len(new)) > _MOST_LINES:
        yield Line("@", f"改动太大，这里不逐行显示（{len(old)} 行 → {len(new)} 行）；请用命令行 yizhan history diff")
        return
    for line in list(difflib.unified_diff(old, new, n=_AROUND, lineterm=""))[2:]:
        if line.startswith("@@"):
            begin = int(line.split()[2].split(",")[0].lstrip("+") or 0)
            yield Line("@", f"第 {first + max(1, begin)} 行起")
        else:
            yield Line(line[:1], line[1:])


def _alike(one: Sequence[str], other: Sequence[str]) -> int:
    """How many lines at the beginning are the same."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
