"""What is published of a lottery, as data: for the pages, the files to download, and the command."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from models.lottery import Listed, Published
from models.prize import as_published

FORMAT = "yizhan-draws-1"


def document(found: Published) -> dict[str, Any]:
    """What is published of a lottery, as JSON, but for the list of its draws."""
    names = (
        *("key", "rules_hash", "commitment", "announced_at", "changed_at", "begins_at", "ends_at"),
        *("draws", "first_draw_at", "revealed_at", "seed"),
    )
    facts = {name: value.isoformat() if isinstance(value := getattr(found, name), datetime) else value for name in names}
    return {"format": FORMAT, **facts, "rules": as_published(found.text)}


def row(one: Listed) -> list[object]:
    """A draw in that list: number, time, ticket, the prize its number fell on, the prize that was won."""
    return [one.number, one.at.isoformat(), one.ticket, one.fell_on, one.prize]
