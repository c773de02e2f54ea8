"""The log of everything accepted: what went in, what went out, and what a follower saw. Tests judge by it."""

from collections import Counter, deque
from itertools import islice
from typing import Any, NamedTuple

import orjson

CAPACITY = 300_000
MOST_BYTES = 500 << 20
"""All entries together, whatever their number: a few hundred MB hold a week of 100,000 followers."""


class Entry(NamedTuple):
    """One line of the journal, kept as the JSON it is served as: a snapshot nobody can change, and a fifth of a dict's memory."""

    seq: int
    kind: str
    openid: str | None
    json: bytes


class Journal:
    """The last `capacity` entries; `seq` starts at 1 and has no gaps."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._entries: deque[Entry] = deque(maxlen=capacity)
        self._bytes = 0
        self.last = 0
        self.counts: Counter[str] = Counter()

    def write(self, kind: str, at: float, openid: str | None, facts: dict[str, Any]) -> int:
        """The entry is kept and its seq returned. Kinds: api, push, message, alarm."""
        self.last += 1
        self.counts[kind] += 1
        whole = {"seq": self.last, "at": at, "kind": kind, "openid": openid, **facts}
        if len(self._entries) == self._entries.maxlen:
            self._forget()
        # orjson's bytes keep the whole buffer they were written into, 4 to 8 kB; a copy is as long as its text.
        self._entries.append(Entry(self.last, kind, openid, bytes(memoryview(orjson.dumps(whole, default=str)))))
        self._bytes += len(self._entries[-1].json)
        while self._bytes > MOST_BYTES and len(self._entries) > 1:
            self._forget()
        return self.last

    def _forget(self) -> None:
        self._bytes -= len(self._entries.popleft().json)

    def page(self, since: int = 0, kind: str | None = None, openid: str | None = None, limit: int = 10_000) -> bytes:
        """JSON `{"entries": […], "next": N}`: at most `limit` entries after `since`; ask again with since=next until there are none."""
        chosen: list[Entry] = []
        reached = since
        for entry in islice(self._entries, self._position(since), None):
            reached = entry.seq
            if (kind is None or entry.kind == kind) and (openid is None or entry.openid == openid):
                chosen.append(entry)
                if len(chosen) >= limit:
                    break
        return b'{"entries":[' + b",".join(entry.json for entry in chosen) + b'],"next":' + str(reached).encode() + b"}"

    def latest(self, kind: str, text: str) -> bytes | None:
        """The newest entry of the kind that holds the text, as JSON; None when the journal has none (any more)."""
        wanted = text.encode()
        return next((entry.json for entry in reversed(self._entries) if entry.kind == kind and wanted in entry.json), None)

    def _position(self, since: int) -> int:
        first = self.last - len(self._entries) + 1
        return max(0, since + 1 - first)
