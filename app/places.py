"""Where every key and value of a file stands: a tree as the file's own, a fifth of a table of whole locations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.complaint import Mark
from models.config import Location

# Key, its line and column, the value's line and column, all from 0, and what is below it. A list's item has its number for a key, and one mark.
Leaf = tuple[Any, int, int, int, int, "Branch | None"]
Branch = list[Leaf] | dict[Any, Leaf]
_FEW = 16  # keys: they are looked through faster than a dict is made


class Places:
    """The marks (of the key, of the value) of every location in a file, as lines and columns from 1."""

    __slots__ = ("root",)

    def __init__(self) -> None:
        self.root: Branch = []

    def get(self, location: Location) -> tuple[Mark, Mark] | None:
        """The marks of the location; None where the file has no such location."""
        leaf: Leaf | None = None
        branch: Branch | None = self.root
        for part in location:
            leaf = _leaf(branch, part) if branch else None
            if leaf is None:
                return None
            branch = leaf[5]
        return _marks(leaf) if leaf else None

    def __getitem__(self, location: Location) -> tuple[Mark, Mark]:
        found = self.get(location)
        if found is None:
            raise KeyError(location)
        return found

    def tops(self) -> Iterator[tuple[Any, Mark]]:
        """The keys at the top, and where each stands."""
        leaves = self.root.values() if isinstance(self.root, dict) else self.root
        return ((leaf[0], _marks(leaf)[0]) for leaf in leaves)


def branch_of(leaves: list[Leaf]) -> Branch:
    """The branch of these leaves; of two with one key the last counts."""
    return leaves if len(leaves) <= _FEW else {leaf[0]: leaf for leaf in leaves}


def _leaf(branch: Branch, part: str | int) -> Leaf | None:
    if isinstance(branch, dict):
        return branch.get(part)
    if isinstance(part, int) and 0 <= part < len(branch) and branch[part][0] == part:
        return branch[part]
    return next((leaf for leaf in reversed(branch) if leaf[0] == part), None)


def _marks(leaf: Leaf) -> tuple[Mark, Mark]:
    return (leaf[1] + 1, leaf[2] + 1), (leaf[3] + 1, leaf[4] + 1)
