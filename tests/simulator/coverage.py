"""The table of docs/platform.md: every endpoint the simulator has, whether our service calls it, and whose clients were served there."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import httpx

PAGE = Path(__file__).parents[2] / "docs" / "platform.md"
_ROW = re.compile(r"^\| `(/\S+)` \| (✓?) ?\| ([^|]*?) ?\| ([^|]*?) ?\|$", re.MULTILINE)


@dataclass(frozen=True)
class Row:
    """What the page says of one endpoint."""

    service: bool
    simulator: str
    clients: frozenset[str]


def table() -> dict[str, Row]:
    """The page's rows by path."""
    found = _ROW.findall(PAGE.read_text("utf-8"))
    return {
        path: Row(bool(service), simulator, frozenset(filter(None, clients.split(", ")))) for path, service, simulator, clients in found
    }


def checked_by(client: str) -> set[str]:
    """The paths of which the page says that this client was served there."""
    return {path for path, row in table().items() if client in row.clients}


def accepted(platform: httpx.Client) -> Counter[str]:
    """How often each path was called and answered with errcode 0."""
    stats = platform.get("/_sim/stats").json()["api"]
    return Counter({path: codes["0"] for path, codes in stats.items() if "0" in codes})
