"""Relevance: which of many short texts a short text is most like, by an index in memory: no network, no model.

A text is cut into its words (rjieba) and the character n-grams of what is left of it without politeness (Chinese has no spaces, and
n-grams survive a wrong cut and a wrong character). A term weighs what BM25 gives it (Robertson & Spärck Jones 1976; Robertson & Zaragoza,
"The Probabilistic Relevance Framework: BM25 and Beyond", 2009), times a weight for its kind:

    idf(t) = ln(1 + (N + B - n(t) + 0.5) / (n(t) + 0.5))      N entries, n(t) of them with the term, and B that stand for all that
                                                             is not asked here, so that three entries score like three hundred

Texts of ten characters hardly repeat a term, so BM25's saturation (k1) cancels out, and its length normalisation gives way to one with a
meaning: the BM25 of question and phrase, divided by what each has with itself,

    score(q, p) = BM25(q, p) / (A * BM25(q, q) + (1 - A) * BM25(p, p))

which is 1 for the same words and 0 where nothing is shared (Tversky 1977; with A = 0.5 it is the weighted Dice coefficient). A is below
a half because people say more than they ask. An entry's score is that of its best phrase.

The weights here, and the thresholds of handlers/faq.py, were chosen on one part of tests/handlers/faq_questions.yaml and are judged on
another in tests/handlers/test_faq_answers.py: 95% of the answers are right, 93% of those who ask get to theirs.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache
from importlib import import_module
from typing import NamedTuple

from models import wording

LONGEST = 120  # characters of a text that are looked at: who writes more is not asking one thing

_POLITE = """
    吗 呢 啊 呀 吧 嘛 哦 噢 哈 啦 呗 呐 么 诶 哎 唉 呃 嗯 喂 的 了 着 过 地 得 亲 亲们 老板 请问 请 您好 你好 麻烦 谢谢 一下 下 你们 您 您们 你 我们 我 咱 咱们 自己
    是不是 有没有 那个 这个 这款 这件 这 那 就 想问 想 问 咨询 帮 帮忙 帮我 给 给我 还 还是 啥 个 一个 也 都 在 到 把 被 和 跟 与 是 我要 我想 来 去 先 再 又
"""
_COMMON = """
    怎么 怎样 如何 什么 为什么 多少 多久 多长 多长时间 几 几天 几年 哪 哪里 哪儿 哪个 哪家 可以 可 能 能不能 可不可以 可否 不能 会 会不会 要 要不要 想要 需要 有 没有 没 不
    不了 不到 还没 好不好 行 行不行 怎么办 办 弄 怎么弄 用 做 买 时候 什么时候 啥时候 什么地方 什么样 谁 谁的 怎么样 怎么着 干嘛 为啥 东西 现在 一直 今天 明天 昨天 时间
    说 知道 的话
"""
_NOTHING, _LITTLE = frozenset(_POLITE.split()), frozenset(_COMMON.split())  # say nothing of what is asked, or say little
_LITTLE_CHARACTERS = frozenset("怎么什多少几哪可以能会要有没不谁啥时候我你了吗")
_LITTLE_WEIGHS = 0.35
_WORD, _GRAMS = 0.5, {1: 1.5, 2: 1.0, 3: 0.5}
_B, A = 50, 0.4
_UNKNOWN = 0.6  # of its weight counts for a term that no entry has: it is a detail or a courtesy, more often than another question

_AS_WORD = " "  # before a word that is a term; no form has a space

_NEARLY = 1 - 1e-9  # sums of the same weights in another order


class Found(NamedTuple):
    """An entry that may be meant, its score in (0, 1], and the phrase of it that is most like what was said."""

    entry: int
    score: float
    phrase: str


def form(text: str) -> str:
    """What texts are compared by: without width, case, punctuation and script."""
    return wording.simplified(wording.width(text[:LONGEST]))


def terms(text: str) -> dict[str, float]:
    """What the text is made of, and what each kind of term weighs; empty where it says nothing."""
    words = [word for word in _cut()(form(text)) if word not in _NOTHING]
    return {term: _weighs(term) for term in (*map(_AS_WORD.__add__, words), *grams("".join(words)))}


def grams(characters: str) -> Iterator[str]:
    """All runs of one, two and three characters."""
    for length in _GRAMS:
        for at in range(len(characters) - length + 1):
            yield characters[at : at + length]


@lru_cache(100_000)
def _weighs(term: str) -> float:
    """What a term of this kind weighs, however rare it is."""
    if term[0] == _AS_WORD:
        return _WORD * (_LITTLE_WEIGHS if term[1:] in _LITTLE else 1)
    return _GRAMS[len(term)] * sum(_LITTLE_WEIGHS if character in _LITTLE_CHARACTERS else 1 for character in term) / len(term)


@cache
def _cut() -> Callable[[str], list[str]]:
    # 120 ms and 30 MB of dictionary: only where somebody asks for words.
    cut: Callable[[str], list[str]] = import_module("rjieba").cut
    return cut


class Index:
    """Entries, each with its phrases, and where every term occurs. Never changed after it was made."""

    def __init__(self, entries: Sequence[Sequence[str]]) -> None:
        self._phrases = [(number, phrase) for number, phrases in enumerate(entries) for phrase in phrases]
        self._same: dict[str, list[int]] = {}
        self._where: defaultdict[str, array[int]] = defaultdict(lambda: array("i"))
        for place, (_, phrase) in enumerate(self._phrases):
            self._same.setdefault(form(phrase), []).append(place)
            for term in terms(phrase):
                self._where[term].append(place)
        self._all = len(entries) + _B
        self._idf = {term: self._weighs(len({self._phrases[place][0] for place in places})) for term, places in self._where.items()}
        self._idf_of_new = _UNKNOWN * self._weighs(0)
        self._own = [0.0] * len(self._phrases)
        for term, places in self._where.items():
            for place in places:
                self._own[place] += _weighs(term) * self._idf[term]

    def rarity(self, term: str) -> float:
        """What BM25 gives this term; less where no entry has it."""
        return self._idf.get(term, self._idf_of_new)

    def _weighs(self, entries: int) -> float:
        return math.log(1 + (self._all - entries + 0.5) / (entries + 0.5))

    def ask(self, text: str, least: float = 0.01, most: int = 10) -> list[Found]:
        """The entries that score at least so much, best first, in the order of the file where they score the same."""
        asked = terms(text)
        weights = {term: weight * self.rarity(term) for term, weight in asked.items()}
        whole = sum(weights.values())
        best: dict[int, tuple[float, int]] = {}
        for place, shared in self._shared(weights, whole, least).items():
            score = shared / (A * whole + (1 - A) * self._own[place])
            entry = self._phrases[place][0]
            if score >= least and score > best.get(entry, (0.0, 0))[0]:
                best[entry] = (1.0 if score > _NEARLY else score, place)
        for place in self._same.get(form(text), ()):  # even where a phrase is nothing but politeness
            if best.get(entry := self._phrases[place][0], (0.0, 0))[0] < 1:
                best[entry] = (1.0, place)
        ranked = sorted(best.items(), key=lambda one: (-one[1][0], one[0]))[:most]
        return [Found(entry, score, self._phrases[place][1]) for entry, (score, place) in ranked]

    def _shared(self, weights: dict[str, float], whole: float, least: float) -> dict[int, float]:
        """The weight that each phrase shares with the question, for all that can come to score `least`.

        Rare terms first. As soon as the terms to come cannot lift a phrase over `least` that has none of those before, no further phrase
        is taken up, and the long lists of common terms are only looked up in (exact: nothing that could score is left out).
        """
        shared: dict[int, float] = {}
        left = whole
        for term, weight in sorted(weights.items(), key=lambda one: len(self._where.get(one[0], ()))):
            places = self._where.get(term, ())
            # A phrase that has nothing but the terms left weighs at least what it shares with the question.
            if left < least * (A * whole + (1 - A) * left):
                _add(shared, places, weight)
            else:
                for place in places:
                    shared[place] = shared.get(place, 0.0) + weight
            left -= weight
        return shared


def _add(shared: dict[int, float], places: Sequence[int], weight: float) -> None:
    """The weight goes to those of the phrases that are there already."""
    if len(places) < 4 * len(shared):
        for place in places:
            if place in shared:
                shared[place] += weight
        return
    for place in shared:
        at = bisect_left(places, place)
        if at < len(places) and places[at] == place:
            shared[place] += weight
