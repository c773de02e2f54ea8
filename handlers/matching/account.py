"""Why a keyword rule was passed over, and by which word another was found: for those who ask, at leisure, one rule at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rapidfuzz import fuzz, process

from handlers.matching.index import Index
from handlers.matching.when import LOOSE, Loose, When
from handlers.routing import normal
from models.wording import pinyin, simplified, width

MOST_TOLD = 50  # rules, one by one; of more only the nearest
NEAREST = 5
_MOST_WORDS = 5  # of a rule
_LEAST_ALIKE = 50  # of 100
_WAYS: dict[Loose, str] = {"width": "全角半角和标点不计", "script": "繁简不计", "pinyin": "读音相同", "typo": "错一两个字"}

Told = tuple[str, int | None]  # a step, and the number of the rule that it is about


class Account:
    """What is told of the rules that did not answer a text, in the order of the file."""

    def __init__(self, rules: Sequence[tuple[str, When]], text: str, kind: str, candidates: Sequence[int]) -> None:
        self._rules, self._text, self._kind = rules, text, kind
        self._candidates = set(candidates)
        self._at = 0

    def begin(self) -> Iterator[Told]:
        """The text as the rules compare it; and where there are many rules, those whose words are nearest."""
        if self._text:
            yield f"关键词规则比较的文字：“{normal(self._text)}”{self._forms()}", None
        if len(self._rules) > MOST_TOLD:
            yield from self._nearest()
            self._at = len(self._rules)

    def until(self, number: int) -> Iterator[Told]:
        """The rules before this one that were not told of yet."""
        for at in range(self._at, number):
            if at not in self._candidates:
                yield self._passed_over(at)
        self._at = max(self._at, number)

    def found_by(self, number: int) -> str:
        """What of the rule was found: （contains“营业时间”）."""
        when = self._rules[number][1]
        if not self._text or not when.words:
            return f"（{self._kind} 消息）" if when.type else ""
        for how, word in _words(when):
            if _found(how, [word], self._text):
                return f"（{how}“{word}”）"
        if when.contains_all and _found("contains_all", when.contains_all, self._text):
            return f"（contains_all“{'”“'.join(when.contains_all)}”）"
        return self._found_loosely(when)

    def _found_loosely(self, when: When) -> str:
        for how, word in _words(when):
            for way in when.fuzzy or ():
                if how != "regex" and _found(how, [word], self._text, [way]):
                    return f"（{how}“{word}”，{_WAYS[way]}）"
        for how, word in _words(when):
            if how != "regex" and _found(how, [word], self._text, when.fuzzy):
                return f"（{how}“{word}”，{'、'.join(_WAYS[way] for way in when.fuzzy or ())}）"
        return ""

    def _forms(self) -> str:
        used = {way for _, when in self._rules for way in when.fuzzy or ()}
        forms: tuple[tuple[Loose, str, Callable[[str], str]], ...] = (
            ("width", "不计全角半角和标点", width),
            ("script", "简体", simplified),
            ("pinyin", "拼音", lambda text: pinyin(simplified(text))),
        )
        plain = normal(self._text)
        # Pinyin is slow to load: only where it is used.
        told = [f"{name}“{said}”" for way, name, form in forms if way in used and (said := form(self._text)) != plain]
        return f"；{'；'.join(told)}" if told else ""

    def _nearest(self) -> Iterator[Told]:
        words = [(word, number) for number, (_, when) in enumerate(self._rules) for how, word in _words(when) if how != "regex"]
        near = process.extract(self._text, [word for word, _ in words], scorer=fuzz.ratio, limit=4 * NEAREST, score_cutoff=_LEAST_ALIKE)
        numbers = list(dict.fromkeys(words[at][1] for _, _, at in near if words[at][1] not in self._candidates))[:NEAREST]
        for number in numbers:
            yield self._passed_over(number)
        others = len(self._rules) - len(numbers) - len(self._candidates)
        if others:
            yield f"另有 {others} 条规则的词都没出现", None

    def _passed_over(self, number: int) -> Told:
        name, when = self._rules[number]
        return f"关键词规则“{name}” 不匹配：{self._why_not(when)}", number

    def _why_not(self, when: When) -> str:
        if when.event or when.menu_key:
            return f"它只回答事件 {'、'.join(when.event or ())}" if when.event else f"它只回答菜单按钮 {'、'.join(when.menu_key or ())}"
        if not self._text or not when.words:
            if when.type and self._kind not in when.type:
                return f"它只回答 {'、'.join(when.type)} 消息，这是 {self._kind} 消息"
            if not self._text:
                return "消息里没有文字"
        unwanted = [word for word in when.contains_none or () if _found("contains", [word], self._text)]
        if unwanted:
            return f"句子里有“{unwanted[0]}”，contains_none 排除了它"
        return "，".join(self._missing(when))

    def _missing(self, when: When) -> Iterator[str]:
        if when.exact:
            yield f"整句不是 {_listed(when.exact)}"
        if when.prefix:
            yield f"句子不以 {_listed(when.prefix)} 开头"
        if when.contains:
            yield f"句子里没有 {_listed(when.contains)}"
        if when.contains_all:
            yield f"句子里缺 {_listed([word for word in when.contains_all if not _found('contains', [word], self._text)])}"
        if when.regex:
            yield f"正则 {_listed(when.regex)} 没找到"


def _words(when: When) -> Iterator[tuple[str, str]]:
    for how, words in (("exact", when.exact), ("prefix", when.prefix), ("contains", when.contains), ("regex", when.regex)):
        for word in words or ():
            yield how, word


def _found(how: str, words: Sequence[str], text: str, fuzzy: Sequence[Loose] | None = None) -> bool:
    """Whether a rule of these words alone would be found."""
    when = When.model_validate({how: list(words), "fuzzy": [way for way in LOOSE if way in fuzzy] if fuzzy else None})
    return bool(Index([when]).find(text))


def _listed(words: Sequence[str]) -> str:
    shown = "、".join(words[:_MOST_WORDS])
    return shown if len(words) <= _MOST_WORDS else f"{shown} 等 {len(words)} 个"
