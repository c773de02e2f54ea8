"""One file as it was read: its plain value, the place of everything in it, and what is wrong with it; no secret is ever shown."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from app.complaint import Complaint, Mark
from app.places import Places

_MOST_TOLD = 1000  # complaints of one file
_LONGEST_LINE = 1000  # that may hold a secret and yet be shown below a complaint
_MOST_LINES = 100  # of a text that is searched for a word
_SECRET = re.compile(r"secret|token|passw|aes_?key|密钥|密码|口令|令牌", re.IGNORECASE)
_SECRET_NAMES = ("app_secret", "appsecret", "secret", "token", "encoding_aes_key", "encodingaeskey", "aes_key", "password")
_SECRET_LINE = re.compile(rf"((?:^|[{{,])[\s-]*[\"']?[\w.-]*(?:{_SECRET.pattern})[\w.-]*[\"']?\s*[:：=]).*$", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"://\S*@")


@lru_cache(maxsize=4096)
def secret_name(key: object) -> bool:
    """Whether a key is named like something that must not stand in a file, misspelt names too."""
    if not isinstance(key, str) or len(key) > 40:
        return False
    return _SECRET.search(key) is not None or bool(get_close_matches(key.lower(), _SECRET_NAMES, 1, 0.8))


def mark_of(event: Any) -> Mark:
    """Where an event of the parser's begins."""
    mark = event.start_mark
    return mark.line + 1, mark.column + 1


@dataclass
class Source:
    """One file: its plain value, the place of every key and value in it, and what is wrong with it as YAML.

    `places` maps a location to (key mark, value mark); a list item has no key, both marks are its own. `parsed` is False where the
    file is no YAML at all: then `value` is None. Otherwise the value is there beside the complaints, for further checks.
    """

    name: str
    lines: list[str] = field(default_factory=list)
    value: Any = None
    places: Places = field(default_factory=Places)
    complaints: list[Complaint] = field(default_factory=list)
    warnings: list[Complaint] = field(default_factory=list)
    parsed: bool = False
    whole: bool = True  # False: what stands behind a second `---` was not read
    hidden: dict[int, int] = field(default_factory=dict)  # lines that hold a secret, and the column where it begins
    flawed: set[Mark] = field(default_factory=set)  # where there is a complaint already
    texts: list[tuple[Mark, Mark]] | None = None  # from where to where each scalar goes; kept only where a comment may silence something

    def complain(self, mark: Mark, zh: str, en: str) -> None:
        """The complaint is added. No secret may be in its words; its line is cleaned when it is sealed."""
        self.complaints.append(Complaint(self.name, *mark, zh, en))
        self.flawed.add(mark)

    def warn(self, mark: Mark, zh: str, en: str, code: str) -> None:
        """The warning is added; for the rest like `complain`."""
        self.warnings.append(Complaint(self.name, *mark, zh, en, code=code))

    def sealed(self) -> list[Complaint]:
        """The complaints in the order of the file, each with its line, no secret in any of them."""
        return self._told(self.complaints, ("错误", "errors"))

    def warned(self) -> list[Complaint]:
        """The warnings likewise."""
        return self._told(self.warnings, ("警告", "warnings"))

    def _told(self, all_of_them: list[Complaint], kind: tuple[str, str]) -> list[Complaint]:
        found = sorted(set(all_of_them))
        told = [replace(complaint, line_text=self._shown(complaint.line)) for complaint in found[:_MOST_TOLD]]
        if more := found[_MOST_TOLD:]:
            zh, en = f"从这里起还有 {len(more)} 处{kind[0]}没有列出", f"{len(more)} more {kind[1]} from here on are not listed"
            told.append(Complaint(self.name, more[0].line, more[0].column, zh, en, code=more[0].code))
        return told

    def beginning(self) -> Mark:
        """Where the first line that says something begins."""
        said = ((row, line) for row, line in enumerate(self.lines, 1) if line.strip() and not line.lstrip().startswith(("#", "---")))
        return next(((row, len(line) - len(line.lstrip()) + 1) for row, line in said), (1, 1))

    def find(self, word: str, mark: Mark) -> Mark:
        """Where this word stands in the text that begins at the mark; the mark itself where it does not stand there as it is."""
        for row in range(mark[0], min(mark[0] + _MOST_LINES, len(self.lines) + 1)):
            column = self.lines[row - 1].find(word, mark[1] - 1 if row == mark[0] else 0)
            if column >= 0:
                return row, column + 1
        return mark

    def tops(self, complaints: Sequence[Complaint]) -> set[str]:
        """The keys at the top of this file that these complaints are about or inside of."""
        tops = sorted((mark, str(key)) for key, mark in self.places.tops()) if complaints else []
        at = [bisect([mark for mark, _ in tops], (complaint.line, complaint.column)) for complaint in complaints]
        return {tops[number - 1][1] for number in at if number}

    def hide(self, event: Any) -> None:
        """The lines of this scalar are never shown, from where it begins."""
        line, column = mark_of(event)
        self.hidden[line] = min(column, self.hidden.get(line, column))
        self.hidden.update(dict.fromkeys(range(line + 1, event.end_mark.line + 2), 1))

    def _shown(self, line: int) -> str:
        text = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        if len(text) > _LONGEST_LINE:  # too long to be looked through with the patterns below in no time
            return "" if line in self.hidden or "@" in text or _SECRET.search(text) else text
        if line in self.hidden:
            text = text[: self.hidden[line] - 1] + "***"
        return _URL_PASSWORD.sub("://***@", _SECRET_LINE.sub(r"\1 ***", text))
