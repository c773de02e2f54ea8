"""Questions and answers: what is sure enough is answered, what is not quite is asked back, anything else is left to the fallback."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, Field, model_validator

from handlers import replies
from handlers.replies import ReplyText, ReplyWith
from handlers.routing import Answer, Context, Feature, Hearing
from models import conversation
from models.config import Config, Location, Problem, Rules, says, wrong
from models.miss import OFFERED
from models.relevance import Found, Index, form
from wechat.reply import Reply, Text

FEATURE = "faq"
FILL_IN = "（请填写）"  # stands for an answer in what `yizhan misses` suggests

_TAP = "faq-"  # and the key of an entry: what a tap on a line comes back with
_Question = Annotated[str, Field(min_length=1, max_length=50)]
_EXPLAINED = 3  # entries that an explanation names, and those near enough to be named
_NEAR = 0.1


def _filled_in(answer: str | ReplyWith) -> str | ReplyWith:
    if isinstance(answer, str) and FILL_IN in answer:
        raise wrong(f"回答还没有写：把“{FILL_IN}”换成真正的回答", f"the answer is not written yet: put it in place of {FILL_IN}")
    return answer


class Entry(Rules):
    """One question, the ways it is asked, and its answer."""

    ask: _Question = Field(description="问题，粉丝在“你是不是想问”里看到的就是它；最多 50 个字")
    variants: list[Annotated[str, Field(min_length=1, max_length=100)]] = Field(
        default_factory=list, description="别的问法，越像粉丝真的会打的字越好"
    )
    answer: Annotated[ReplyText | ReplyWith, AfterValidator(_filled_in)] = Field(
        description="回答：文字，或和关键词规则的 reply 一样的写法"
    )

    @cached_property
    def key(self) -> str:
        """The same for as long as the question reads the same: what was offered under it never leads to another one."""
        return hashlib.sha256(self.ask.encode()).hexdigest()[:12]

    @model_validator(mode="after")
    def _has_words(self) -> Self:
        for text in (self.ask, *self.variants):
            if not form(text):
                raise wrong(f"“{text}”里没有字，谁也问不到", f"{text!r} has no words in it: nobody can ask it")
        return self


class FaqWording(Rules):
    """The words of the questions and answers."""

    perhaps: Annotated[str, says(), Field(min_length=1)] = Field("你是不是想问：", description="没有十足把握时，选项上面的话")
    end: Annotated[str, says()] = Field("", description="选项下面的话；不写就没有")


class FaqSection(Rules):
    """问答：关键词规则没有接住的话，找最像的问题来回答。"""

    key: ClassVar[str] = FEATURE

    entries: list[Entry] = Field(default_factory=list, max_length=20_000, description="问题和回答；一样像的时候写在前面的优先")
    sure: float = Field(0.45, gt=0, le=1, description="像到多少就直接回答：1 是一模一样，0 是毫不相干")
    perhaps: float = Field(0.25, gt=0, le=1, description="像到多少才拿出来问“你是不是想问”；再低就交给 fallback")
    ahead: float = Field(0.15, ge=0, le=1, description="比第二像的高出多少才直接回答，否则一起拿出来问")
    most: int = Field(3, ge=1, le=5, description="“你是不是想问”最多列几个")
    replies: FaqWording = Field(default_factory=FaqWording, description="文案")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.perhaps > self.sure:
            raise wrong("perhaps 不能比 sure 大", "perhaps must not be greater than sure")
        return self

    @cached_property
    def index(self) -> Index:
        """Every way of asking, by which the nearest entry is found."""
        return Index([[one.ask, *one.variants] for one in self.entries])

    @cached_property
    def by_key(self) -> dict[str, int]:
        """Where each entry stands, by its key."""
        return {one.key: number for number, one in reversed(list(enumerate(self.entries)))}

    def nearest(self, said: str, least: float = 1.0) -> list[Found]:
        """The entries that could be meant, best first, and every other one that stands in the way of being sure; or all of `least`."""
        return self.index.ask(said, max(0.01, min(least, self.perhaps, self.sure - self.ahead)), max(self.most, _EXPLAINED))

    def is_sure(self, found: Sequence[Found]) -> bool:
        """Whether the first of the nearest is the answer, rather than one of several to choose from."""
        if not found or found[0].score < self.sure:
            return False
        second = found[1].score if len(found) > 1 else 0.0
        return found[0].score == 1 > second or found[0].score - second >= self.ahead


def _listens(section: FaqSection) -> Answer:
    if section.entries:
        section.index.ask(section.entries[0].ask)  # made when the file is read, and not when the first follower asks
    return lambda ctx: answer(ctx, section)


def answer(ctx: Context, section: FaqSection) -> Reply | None:
    """The answer to the question that is meant, or a choice of those that may be."""
    if not ctx.text or not section.entries:
        return None
    found = section.nearest(ctx.text, _NEAR if ctx.trace is not None else 1)
    if ctx.trace is not None:
        _explain(ctx, section, found)
    if section.is_sure(found):
        return _said(ctx, section.entries[found[0].entry])
    near = [section.entries[one.entry] for one in found[: section.most] if one.score >= section.perhaps]
    return _offered(ctx, section, near) if near else None


def _said(ctx: Context, entry: Entry) -> Reply:
    ctx.answered_by = f"{FEATURE}:{entry.ask}"
    return replies.say(entry.answer, ctx)


def _offered(ctx: Context, section: FaqSection, entries: Sequence[Entry]) -> Text:
    """They are asked which of these they mean; the floor waits for a number, unless somebody else has it."""
    ctx.answered_by = OFFERED
    if replies.may_take_the_floor(ctx):
        conversation.take_floor(ctx.db, ctx.follower.id, FEATURE, ",".join(one.key for one in entries), ctx.now)
    words = section.replies
    return Text(replies.shown(words.perhaps, [(_TAP + one.key, one.ask) for one in entries], words.end))


def _explain(ctx: Context, section: FaqSection, found: Sequence[Found]) -> None:
    """The nearest entries with their scores, and what follows from them."""
    for one in found[:_EXPLAINED]:
        like = "" if one.phrase == section.entries[one.entry].ask else f"，像它的“{one.phrase}”"
        ctx.explain(f"问答“{section.entries[one.entry].ask}”：{one.score:.2f}{like}", (FEATURE, "entries", one.entry))
    best = found[0].score if found else 0.0
    if best < section.perhaps:
        ctx.explain(f"问答里没有像的：最高 {best:.2f}，不到 perhaps {section.perhaps}")
        return
    second, where = found[1].score if len(found) > 1 else 0.0, (FEATURE, "entries", found[0].entry)
    if section.is_sure(found):
        ctx.explain(f"直接回答：{best:.2f} 够 sure {section.sure}，比第二名高 {best - second:.2f}（ahead {section.ahead}）", where)
    elif best >= section.sure:
        ctx.explain(f"问“你是不是想问”：{best:.2f} 够 sure，但只比第二名高 {best - second:.2f}，不到 ahead {section.ahead}", where)
    else:
        ctx.explain(f"问“你是不是想问”：{best:.2f} 在 perhaps {section.perhaps} 和 sure {section.sure} 之间", where)


def chosen(ctx: Context, section: FaqSection, subject: str) -> Reply | None:
    """The answer to the question that they chose by its number or its words; anything else they say is nobody's answer to it."""
    if not ctx.text:
        return None
    in_time = replies.still_listens(ctx)
    conversation.leave_floor(ctx.db, ctx.follower.id)
    if not in_time:
        ctx.explain("“你是不是想问”已经过时：不再等序号")
        return None
    offered = [section.by_key.get(key) for key in subject.split(",")]
    number = replies.meant(ctx.text, ["" if place is None else section.entries[place].ask for place in offered])
    place = offered[number - 1] if number else None
    if place is None:
        return None
    ctx.explain(f"选了第 {number} 个：问答“{section.entries[place].ask}”", (FEATURE, "entries", place))
    return _said(ctx, section.entries[place])


def tapped(ctx: Context, section: FaqSection, choice: str) -> Reply | None:
    """The answer to the question whose line they tapped, however long ago it was shown, while the question is still there."""
    place = section.by_key.get(choice.removeprefix(_TAP)) if choice.startswith(_TAP) else None
    if place is None:
        return None
    ctx.explain(f"点了问答“{section.entries[place].ask}”", (FEATURE, "entries", place))
    floor = conversation.floor(ctx.db, ctx.follower.id)
    if floor is not None and floor.feature == FEATURE:
        conversation.leave_floor(ctx.db, ctx.follower.id)
    return _said(ctx, section.entries[place])


def _hearing(section: FaqSection) -> Hearing:
    """A question is heard where it is answered for sure: a button must not lead to a choice of guesses."""
    words = [words for one in section.entries for words in (one.ask, *one.variants)]
    return Hearing(lambda said: section.is_sure(section.nearest(said)), words)


def _check(config: Config) -> Iterator[Problem]:
    first: dict[str, tuple[Location, int]] = {}
    for number, one in enumerate(config[FaqSection].entries):
        for place, text in enumerate((one.ask, *one.variants)):
            where = (FEATURE, "entries", number, *(("variants", place - 1) if place else ("ask",)))
            there, before = first.setdefault(form(text), (where, number))
            if before != number:
                yield Problem(
                    where,
                    f"“{text}”在前面的问题里已经有了：两边一样像，粉丝总要被反问；留一个就好",
                    f"{text!r} is asked in a question before: followers who say it are always asked back; keep one",
                    "YZ701",
                    there,
                )


feature = Feature(
    name=FEATURE,
    section=FaqSection,
    floor=chosen,
    taps=tapped,
    listens=_listens,
    hears=_hearing,
    checks=_check,
)
