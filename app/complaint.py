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
    code: str = ""  # YZ104: a warning, the file is taken all the same

    @property
    def where(self) -> str:
        """`config.yaml:42:7`."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    def said(self, lang: str = "zh") -> str:
        """What is wrong and what to write; a warning with its code and its page."""
        if not self.code:
            return self.en if lang == "en" else self.zh
        page = f"docs/handbook/lint.md#{self.code.lower()}"
        return f"warning {self.code}: {self.en} ({page})" if lang == "en" else f"警告 {self.code}: {self.zh}（{page}）"

    def render(self, lang: str = "zh", caret: bool = False) -> str:
        """`config.yaml:42:7: what is wrong, and what to write`, below it the line and a caret where asked for."""
        return "\n".join((f"{self.where}: {self.said(lang)}", *(f"  {line}" for line in self.excerpt() if caret)))

    def excerpt(self) -> tuple[str, ...]:
        """The line and the caret below it; of a long line what stands around the caret. Nothing where there is nothing to show."""
        if not self.line_text.strip():
            return ()
        before = self.line_text[: self.column - 1].ljust(self.column - 1)  # the line may have been cut short to hide a secret
        after = self.line_text[self.column - 1 :]
        if len(before) + len(after) > _SHOWN:
            before = f"…{before[-_SHOWN // 2 :]}" if len(before) > _SHOWN // 2 else before
            after = after if len(after) <= _SHOWN - len(before) else f"{after[: _SHOWN - len(before)]}…"
        return before + after, f"{''.join(map(_blank, before))}^"


_SHOWN = 100  # characters of a line


def _blank(character: str) -> str:
    """As wide as the character is on a terminal, so that the caret stands below Chinese text too."""
    if character == "\t":
        return "\t"
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return ""
    return "  " if unicodedata.east_asian_width(character) in "WF" else " "


class BadConfig(Exception):
    """The operator's input is wrong. `complaints` are all of them, in the order of files and lines; `warnings` what else may be.

    `files`, `globs` and `seen` are what was read on the way to them: what a watcher must look at to see the repair.
    """

    def __init__(
        self,
        complaints: Iterable[Complaint],
        files: Sequence[Path] = (),
        globs: Sequence[str] = (),
        seen: Seen = frozenset(),
        warnings: Sequence[Complaint] = (),
    ) -> None:
        self.complaints, self.warnings = sorted(set(complaints)), tuple(warnings)
        self.files, self.globs, self.seen = tuple(files), tuple(globs), seen
        super().__init__("\n".join(complaint.render() for complaint in self.complaints))

    def render(self, lang: str = "zh", caret: bool = False) -> str:
        """All complaints in one language, one a line (three with carets)."""
        return "\n".join(complaint.render(lang, caret) for complaint in self.complaints)
