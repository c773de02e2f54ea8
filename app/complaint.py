"""What is wrong with the operator's input: a Complaint for each thing to change, and BadConfig that carries them all."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

Mark = tuple[int, int]  # line and column, both counted from 1; columns count characters
Seen = frozenset[tuple[str, tuple[int, ...] | None]]  # files and what stat said of them when they were read; None: not there


@dataclass(frozen=True, order=True)
class Complaint:
    """One thing to change in one file. Line 0: about the file (or the environment variable) as a whole."""

    file: str
    line: int
    column: int
    zh: str
    en: str
    line_text: str = ""

    def render(self, lang: str = "zh", caret: bool = False) -> str:
        """`config.yaml:42:7: what is wrong, and what to write`, below it the line and a caret where asked for."""
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        said = f"{where}: {self.en if lang == 'en' else self.zh}"
        if not (caret and self.line_text.strip()):
            return said
        before = self.line_text[: self.column - 1].ljust(self.column - 1)  # the line may have been cut short to hide a secret
        return f"{said}\n  {self.line_text}\n  {''.join(map(_blank, before))}^"


def _blank(character: str) -> str:
    """As wide as the character is on a terminal, so that the caret stands below Chinese text too."""
    if character == "\t":
        return "\t"
    return "" if unicodedata.combining(character) else "  " if unicodedata.east_asian_width(character) in "WF" else " "


class BadConfig(Exception):
    """The operator's input is wrong. `complaints` are all of them, in the order of files and lines.

    `files`, `globs` and `seen` are what was read on the way to them: what a watcher must look at to see the repair.
    """

    def __init__(
        self, complaints: Iterable[Complaint], files: Sequence[Path] = (), globs: Sequence[str] = (), seen: Seen = frozenset()
    ) -> None:
        self.complaints = sorted(set(complaints))
        self.files, self.globs, self.seen = tuple(files), tuple(globs), seen
        super().__init__("\n".join(complaint.render() for complaint in self.complaints))

    def render(self, lang: str = "zh", caret: bool = False) -> str:
        """All complaints in one language, one a line (three with carets)."""
        return "\n".join(complaint.render(lang, caret) for complaint in self.complaints)
