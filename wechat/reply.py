"""What can be said to a follower in answer to a push, and how long and of which characters a text may be."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

LONGEST_TEXT = 2048  # bytes of UTF-8: above it the platform refuses the text (45002) or shows the follower a failure
LONGEST_CLUSTER = 64  # code points we step back for one visible character; Unicode's stream-safe format allows 30 marks

_ILLEGAL = re.compile("[^\t\n\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ZERO_WIDTH_JOINER = "\u200d"


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Image:
    media_id: str


@dataclass(frozen=True, slots=True)
class Voice:
    media_id: str


@dataclass(frozen=True, slots=True)
class Video:
    media_id: str
    title: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Music:
    title: str
    description: str
    url: str
    hq_url: str
    thumb_media_id: str


@dataclass(frozen=True, slots=True)
class Article:
    title: str
    description: str
    picture: str
    url: str


@dataclass(frozen=True, slots=True)
class News:
    articles: tuple[Article, ...]


@dataclass(frozen=True, slots=True)
class Handoff:
    """The platform hands the follower's message to a human in the customer-service console; `account` names which one."""

    account: str = ""


Reply = Text | Image | Voice | Video | Music | News | Handoff


def clean(text: str) -> str:
    """`text` without what XML 1.0 cannot carry: controls, lone surrogates, U+FFFE, U+FFFF; line ends become \\n as any parser makes them."""
    return _ILLEGAL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def cut(text: str, limit: int = LONGEST_TEXT) -> str:
    """At most `limit` bytes of UTF-8, ending in "…" if anything was cut; no visible character (accent, emoji family, flag) is torn.

    Only where 64 and more marks are piled upon one letter is the pile itself cut: dropping it whole could drop everything.
    """
    raw = text.encode("utf-8", "surrogatepass")
    if len(raw) <= limit:
        return text
    room = limit - len("…".encode())
    if room < 0:
        return ""
    while raw[room] & 0xC0 == 0x80:  # a continuation byte: not the start of a character
        room -= 1
    longest = len(raw[:room].decode("utf-8", "surrogatepass"))
    return text[: _boundary(text, longest)] + "…"


def _boundary(text: str, longest: int) -> int:
    for end in range(longest, max(-1, longest - LONGEST_CLUSTER), -1):
        if end == 0 or not _joined(text, end):
            return end
    return longest


def _joined(text: str, at: int) -> bool:
    """Whether text[at] belongs to the visible character before it (the parts of Unicode annex 29 that chat texts meet)."""
    after = text[at]
    if text[at - 1] == _ZERO_WIDTH_JOINER or after == _ZERO_WIDTH_JOINER or unicodedata.category(after)[0] == "M":
        return True
    if "\U0001f3fb" <= after <= "\U0001f3ff" or "\U000e0020" <= after <= "\U000e007f" or "\u1160" <= after <= "\u11ff":
        return True  # skin tones, the tags of regional flags, the later letters of a Hangul syllable
    return _regional(after) and _regionals_before(text, at) % 2 == 1


def _regionals_before(text: str, at: int) -> int:
    start = at
    while start and _regional(text[start - 1]):
        start -= 1
    return at - start


def _regional(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"
