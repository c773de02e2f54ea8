"""The matcher as one would write it on a blackboard: rule by rule, word by word, every piece of the text. Slow, and plainly right.

It shares nothing with the real one but the dictionaries (OpenCC, pypinyin) and the list of syllables.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence

import opencc
import pypinyin

from handlers.matching import When
from models.wording import SYLLABLES

_T2S = opencc.OpenCC("t2s")
_WHOLE_SYLLABLES = re.compile(f"(?:{'|'.join(sorted(SYLLABLES, key=len, reverse=True))})*")

Hit = Callable[[str, str, str], bool]  # (how, word, text)


def candidates(whens: Sequence[When], text: str) -> list[int]:
    return [number for number, when in enumerate(whens) if matches(when, text)]


def matches(when: When, text: str) -> bool:
    plain = text.strip().casefold()
    if any(word.casefold() in plain for word in when.contains_none or ()):
        return False
    if not words_of(when) and not when.contains_all and not when.regex:
        return "text" in (when.type or ())
    if when.contains_all and all(word.casefold() in plain for word in when.contains_all):
        return True
    if any(re.search(pattern, text) for pattern in when.regex or ()):
        return True
    return any(hit(how, word, plain) for how, word in words_of(when) for hit in hits(when))


def words_of(when: When) -> list[tuple[str, str]]:
    kinds = (("exact", when.exact), ("prefix", when.prefix), ("contains", when.contains))
    return [(how, word) for how, words in kinds for word in words or ()]


def hits(when: When) -> Iterator[Hit]:
    fuzzy: set[str] = set(when.fuzzy or ())

    def form(text: str) -> str:
        return formed(text, fuzzy)

    yield lambda how, word, text: literally(how, word.strip().casefold() if how == "exact" else word.casefold(), text)
    if fuzzy & {"width", "script"}:
        yield lambda how, word, text: form(word) != "" and literally(how, form(word), form(text))
    if "typo" in fuzzy:
        yield lambda how, word, text: nearly(how, form(word), form(text))
    if "pinyin" in fuzzy:
        yield lambda how, word, text: sounds(how, word, text, "width" in fuzzy)


def literally(how: str, word: str, text: str) -> bool:
    return {"exact": text == word, "prefix": text.startswith(word), "contains": word in text}[how]


# Loose forms


def formed(text: str, fuzzy: set[str]) -> str:
    plain = text.strip().casefold()
    if "width" in fuzzy:
        plain = "".join(one for one in wide(plain) if not dropped(one))
        plain = wide(plain)
    return _T2S.convert(plain) if "script" in fuzzy else plain


def wide(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def dropped(character: str) -> bool:
    return unicodedata.category(character)[0] in "PZC" or character in "~\ufe0e\ufe0f"


# Typing errors


def nearly(how: str, word: str, text: str) -> bool:
    allowed = slips(word)
    if not allowed:
        return False
    if how == "exact":
        pieces = [text]
    elif how == "prefix":
        pieces = [text[:end] for end in range(len(text) + 1)]
    else:
        pieces = [text[start:end] for start in range(len(text)) for end in range(start + 1, len(text) + 1)]
    return any(abs(len(piece) - len(word)) <= allowed and distance(piece, word) <= allowed for piece in pieces)


def slips(word: str) -> int:
    letters = [one for one in word if one.isalpha()]
    if not letters:
        return 0
    shortest = 4 if all(ord(one) < 128 for one in word) else 3
    return 0 if len(word) < shortest else 1 if len(word) <= 6 else 2


def distance(one: str, other: str) -> int:
    """Damerau and Levenshtein's, no piece changed twice, by its recurrence."""
    table = [[max(row, column) for column in range(len(other) + 1)] for row in range(len(one) + 1)]
    for row in range(1, len(one) + 1):
        for column in range(1, len(other) + 1):
            change = one[row - 1] != other[column - 1]
            best = min(table[row - 1][column] + 1, table[row][column - 1] + 1, table[row - 1][column - 1] + change)
            if row > 1 and column > 1 and one[row - 1] == other[column - 2] and one[row - 2] == other[column - 1]:
                best = min(best, table[row - 2][column - 2] + 1)
            table[row][column] = best
    return table[-1][-1]


# Sounds: a text is a list of units: ("han", syllable), ("letter", a), ("other", ?), ("gap", "")

Unit = tuple[str, str]


def units(text: str, loose: bool) -> list[Unit]:
    plain = _T2S.convert(wide(text.strip().casefold()) if loose else text.strip().casefold())
    return [_unit(one, sound, loose) for one, sound in zip(plain, _syllables(plain), strict=True)]


def _syllables(plain: str) -> list[str]:
    runs = re.findall(r"[\u4e00-\u9fff]+|[^\u4e00-\u9fff]", plain)
    return [sound for run in runs for sound in pypinyin.lazy_pinyin(run)]


def _unit(character: str, sound: str, loose: bool) -> Unit:
    if "\u4e00" <= character <= "\u9fff" and sound != character:
        return "han", sound
    if "a" <= character <= "z" or character == "ü":
        return "letter", character.replace("ü", "v")
    gap = dropped(character) if loose else character.isspace() or character in "'’"
    return ("gap", "") if gap else ("other", character)


def sounds(how: str, word: str, text: str, loose: bool) -> bool:
    wanted, said = tokens(units(word, loose)), units(text, loose)
    if sum(kind == "han" for kind, _ in units(word, loose)) < 2:
        return False
    starts = [at for at in range(len(said) + 1) if _may_begin(said, at)]
    if how != "contains":
        starts = [at for at in starts if all(kind == "gap" for kind, _ in said[:at])]
    for start in starts:
        for end in _ends(wanted, said, start):
            if how != "exact" or all(kind == "gap" for kind, _ in said[end:]):
                return True
    return False


def tokens(word: list[Unit]) -> list[str]:
    """A syllable, a run of letters, or another character each."""
    found: list[str] = []
    before = ""
    for kind, unit in word:
        if kind == "letter" and before == "letter":
            found[-1] += unit
        elif kind != "gap":
            found.append(unit)
        before = kind
    return found


def _may_begin(said: list[Unit], at: int) -> bool:
    before = at
    while before > 0 and at < len(said) and said[at][0] == "letter" and said[before - 1][0] == "letter":
        before -= 1
    return bool(_WHOLE_SYLLABLES.fullmatch("".join(unit for _, unit in said[before:at])))


def _may_end(said: list[Unit], at: int) -> bool:
    after = at
    while after < len(said) and at > 0 and said[at - 1][0] == "letter" and said[after][0] == "letter":
        after += 1
    return bool(_WHOLE_SYLLABLES.fullmatch("".join(unit for _, unit in said[at:after])))


def _ends(wanted: list[str], said: list[Unit], at: int) -> Iterator[int]:
    """Where the tokens end that are read from here on."""
    if not wanted:
        if _may_end(said, at):
            yield at
        return
    while at < len(said) and said[at][0] == "gap":
        at += 1
    token = wanted[0]
    if at < len(said) and said[at][0] in ("han", "other") and said[at][1] == token:
        yield from _ends(wanted[1:], said, at + 1)
    letters = said[at : at + len(token)]
    if all(kind == "letter" for kind, _ in letters) and "".join(unit for _, unit in letters) == token:
        yield from _ends(wanted[1:], said, at + len(token))
