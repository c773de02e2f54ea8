"""A menu in the chat as the follower reads it: numbered lines that can be tapped, and which choice is meant by what they say.

A tap on `<a href="weixin://bizmsgmenu?msgmenucontent=…&msgmenuid=…">` comes back as a text with these words and this id.
"""

from __future__ import annotations

import hashlib
import re
import string
import unicodedata
from collections.abc import Sequence

from wechat.reply import LONGEST_TEXT, cut

_PLAIN = frozenset(string.ascii_letters + string.digits + "-._~")
_NUMBERED = re.compile(r"(\d{1,2})\s*[.、。)]?\s*(.*)", re.DOTALL)
_ID = re.compile(r"([0-9a-f]{12})-(\d{1,2})")


def plain(text: str) -> str:
    """What is compared: full-width forms and circled numbers are their plain ones, upper and lower case alike."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def link(choice: str, words: str, label: str) -> str:
    """A tap on this label says these words, with the id of the choice."""
    # Phones decode what is percent-encoded; what is not ASCII needs it nowhere and would take three times the bytes.
    content = "".join(c if c in _PLAIN or not c.isascii() else f"%{ord(c):02X}" for c in words)
    return f'<a href="weixin://bizmsgmenu?msgmenucontent={content}&msgmenuid={choice}">{label}</a>'


def shown(title: str, options: Sequence[tuple[str, str]], end: str = "", back: tuple[str, str] | None = None) -> str:
    """The text of a menu: its title, a numbered line to tap for each option (id, name), the way back, and the end.

    A title that grew too long when its variables were filled is cut, never a line.
    """
    lines = [link(choice, name, f"{number}. {name}") for number, (choice, name) in enumerate(options, 1)]
    rest = "\n".join([*lines, *([link(*back, back[1])] if back else []), *([end] if end else [])])
    head = cut(title, LONGEST_TEXT - len(rest.encode()) - 1)
    return f"{head}\n{rest}" if head else rest


def meant(said: str, names: Sequence[str]) -> int | None:
    """Which of the names, from 1, is meant by a number (`2`, `２．`, `②`), the name, or both as they are shown; None for none of them."""
    text = plain(said)
    known = [plain(name) for name in names]
    if text and text in known:
        return known.index(text) + 1
    found = _NUMBERED.fullmatch(text)
    number = int(found[1]) if found else 0
    return number if found and 1 <= number <= len(known) and found[2] in ("", known[number - 1]) else None


def id_of(parent: str, title: str, names: Sequence[str]) -> str:
    """The menu's id: the same for as long as it looks the same and is reached the same way, whatever its choices lead to."""
    return hashlib.sha256("\n".join([parent, title, *names]).encode()).hexdigest()[:12]


def choice_id(menu: str, number: int) -> str:
    """The id of one choice of a menu; number 0 is the way back."""
    return f"{menu}-{number}"


def read_id(choice: str) -> tuple[str, int] | None:
    """The menu and the number in such an id; None for an id that is not ours."""
    found = _ID.fullmatch(choice)
    return (found[1], int(found[2])) if found else None
