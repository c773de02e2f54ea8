"""One file as it was read: its plain value, the place of everything in it, and what is wrong with it; no secret is ever shown."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from app.complaint import Complaint, Mark
from models.config import Location

_MOST_TOLD = 1000  # complaints of one file
_LONGEST_LINE = 1000  # that is shown below a complaint
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
    places: dict[Location, tuple[Mark, Mark]] = field(default_factory=dict)
    complaints: list[Complaint] = field(default_factory=list)
    parsed: bool = False
    hidden: dict[int, int] = field(default_factory=dict)  # lines that hold a secret, and the column where it begins
    flawed: set[Mark] = field(default_factory=set)  # where there is a complaint already

    def complain(self, mark: Mark, zh: str, en: str) -> None:
        """The complaint is added. No secret may be in its words; its line is cleaned when it is sealed."""
        self.complaints.append(Complaint(self.name, *mark, zh, en))
        self.flawed.add(mark)

    def sealed(self) -> list[Complaint]:
        """The complaints in the order of the file, each with its line, no secret in any of them."""
        found = sorted(set(self.complaints))
        told = [replace(complaint, line_text=self._shown(complaint.line)) for complaint in found[:_MOST_TOLD]]
        if more := found[_MOST_TOLD:]:
            zh, en = f"从这里起还有 {len(more)} 处错误没有列出", f"{len(more)} more errors from here on are not listed"
            told.append(Complaint(self.name, more[0].line, more[0].column, zh, en))
        return told

    def hide(self, event: Any) -> None:
        """The lines of this scalar are never shown, from where it begins."""
        line, column = mark_of(event)
        self.hidden[line] = min(column, self.hidden.get(line, column))
        self.hidden.update(dict.fromkeys(range(line + 1, event.end_mark.line + 2), 1))

    def _shown(self, line: int) -> str:
        text = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        if len(text) > _LONGEST_LINE:
            return ""
        if line in self.hidden:
            text = text[: self.hidden[line] - 1] + "***"
        return _URL_PASSWORD.sub("://***@", _SECRET_LINE.sub(r"\1 ***", text))
