"""What an operator writes about a broadcast: to whom, when, what, which ways it may go, how its effect is measured."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cached_property
from itertools import accumulate
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, RootModel, field_serializer, model_validator

from models import condition
from models.clock import Span, span
from models.condition import Conditions
from models.config import Config, Location, Looks, Problem, Rules, placeholders, says, wrong
from models.facts import VARIABLES
from models.media import MediaSection
from models.push import WAYS, Way
from models.schedule import Cron
from models.segment import SegmentsSection
from models.share import Part, Probability
from models.survey import Key

Text_ = Annotated[str, says(*VARIABLES)]
ENDS = ".,;:!?)"  # of a sentence, and not of an address
ADDRESS = re.compile(r"https?://[^\s\"'<>，。；：！？、（）【】「」《》]+", re.IGNORECASE)
# A run that could not begin within this time of its due time counts as missed.
GRACE = timedelta(minutes=15)


def addresses(text: str) -> Iterator[str]:
    """The web addresses in a text, without the punctuation that follows them."""
    return (found[0].rstrip(ENDS) for found in ADDRESS.finditer(text))


def _check_late(text: str) -> str:
    if text not in ("skip", "ask"):
        try:
            span(text)
        except ValueError:
            raise wrong(
                f"late 可以写 skip、ask 或 2h 这样的时长；这里是 {text!r}", f"late is skip, ask or a span such as 2h; this is {text!r}"
            ) from None
    return text


class Subscription(Rules):
    """The message as a subscription notice: one for each permission the follower gave."""

    template: str = Field(min_length=1, max_length=100, description="订阅通知的模板 ID")
    data: Mapping[str, Text_] = Field(default_factory=dict, description="模板里各项的内容")
    page: str | None = Field(None, description="点开后的网址")


LONGEST_MASS = 2048  # bytes of UTF-8: above it the platform refuses the list (45002)


def _check_mass(text: str) -> str:
    if (size := len(text.encode())) > LONGEST_MASS:
        raise wrong(f"文字有 {size} 字节，群发最多 {LONGEST_MASS}", f"the text has {size} bytes; a mass message takes {LONGEST_MASS}")
    return text


class Mass(Rules):
    """The message as a mass message: the same for everybody, at most four a month and follower."""

    text: Annotated[str, Field(min_length=1), says(), AfterValidator(_check_mass)] | None = Field(
        None, description="文字（人人一样，没有变量）"
    )
    image: str | None = Field(None, description="media 里一张图片的名字")
    draft: str | None = Field(None, description="草稿箱里图文的 media_id")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(part is not None for part in (self.text, self.image, self.draft)) != 1:
            raise wrong("mass 要写 text、image、draft 里的一个", "mass takes exactly one of text, image, draft")
        return self


class Goal(Rules):
    """What the broadcast is meant to lead to. Whoever has a goal is measured against followers who do not get it."""

    do: Literal["checkin", "survey", "vote", "order", "message", "click"] = Field(
        "checkin", description="盼粉丝做什么：checkin 签到、survey 填完问卷、vote 投票、order 换东西、message 来说话、click 点开链接"
    )
    within: Span = Field("3d", description="多久之内算数")


class Line(Rules):
    """A line of the text that some followers get, or that there is at some times."""

    when: Conditions = Field(description="对谁、什么时候有这一行：tags、level、segment、days、dates、probability 等等；没有 nth")
    text: Annotated[Text_, Field(min_length=1)] = Field(description="这一行的文字")
    otherwise: Annotated[Text_, Field(min_length=1)] | None = Field(None, description="条件不符合时换成这一行；不写就没有这一行")

    @model_validator(mode="after")
    def _asks_nothing_that_counts(self) -> Self:
        if self.when.nth is not None:
            raise wrong("群发没有“第几次”，这里不能用 nth", "a broadcast has no how manieth time: no nth here", "when", "nth")
        return self

    @field_serializer("when")
    def _as_in_the_file(self, when: Conditions) -> dict[str, Any]:
        return when.model_dump(mode="json", by_alias=True, exclude_none=True)  # a run keeps its plan as JSON and reads it again


def _check_lines(lines: list[str | Line]) -> list[str | Line]:
    if all(isinstance(line, Line) and line.otherwise is None for line in lines):
        raise wrong(
            "lines 里至少要有一行是人人都有的（不带 when，或者写了 otherwise），不然有人会收到空消息",
            "at least one of the lines is for everybody (without when, or with otherwise), or some would get an empty message",
        )
    return lines


Lines = Annotated[list[Annotated[Text_, Field(min_length=1)] | Line], Field(min_length=1, max_length=50), AfterValidator(_check_lines)]


class Variant(Rules):
    """One of several contents; each follower gets the same one whenever they are asked."""

    key: Key = Field(description="版本代号，例如 A")
    share: Probability | None = Field(None, description="占多少；都不写就平分")
    data: Mapping[str, Text_] | None = Field(None, description="和正文不同的 data")
    text: Text_ | None = Field(None, description="和正文不同的 text")
    lines: Lines | None = Field(None, description="和正文不同的 lines")
    url: Text_ | None = Field(None, description="和正文不同的网址")

    @model_validator(mode="after")
    def _says_one_text(self) -> Self:
        if self.text is not None and self.lines is not None:
            raise wrong("text 和 lines 写一个就够了", "write either text or lines", "lines")
        return self


class Broadcast(
    Rules, json_schema_extra={"anyOf": [{"required": [name]} for name in ("template", "text", "lines", "subscription", "mass")]}
):
    """A planned message to a segment."""

    key: Key = Field(description="群发代号")
    title: str | None = Field(None, max_length=60, description="给运营看的标题")
    column: str | None = Field(None, max_length=40, description="栏目，内容日历按它排")
    owner: str | None = Field(None, max_length=40, description="谁负责")
    state: Literal["draft", "review", "approved"] | None = Field(
        None, description="draft 草稿、review 待审：都不会发；approved 定稿；不写就是定稿"
    )
    cron: Cron | None = Field(None, description="什么时候发：分 时 日 月 周（周一是 1）；不写就只能手动发")
    segment: str = Field("all", description="发给哪个人群")
    purpose: Literal["notice", "marketing"] | None = Field(
        None, description="notice 服务通知、marketing 营销；不写时有 template 就是服务通知。营销不能走模板消息"
    )
    topic: str | None = Field(None, description="只发给订阅了这个主题（topics）的粉丝")
    exempt: bool = Field(False, description="true：粉丝自己订阅的主题，不占每位粉丝的上限")
    priority: Literal["low", "normal", "urgent"] = Field("normal", description="urgent 可以用每周预留的条数；low 让别的先发")
    late: Annotated[str, AfterValidator(_check_late), Looks(r"^(skip|ask|\s*[0-9]{1,4}[mhdw]\s*)$", ("skip", "2h", "ask"))] = Field(
        "skip", description="错过时间怎么办：skip 跳过、2h 两小时内补发、ask 等人确认"
    )
    wait: Span | None = Field(None, description="到了上限的粉丝最多等多久再发；不写就跳过")
    template: str | None = Field(None, min_length=1, max_length=100, description="模板消息：模板 ID")
    data: Mapping[str, Text_] = Field(default_factory=dict, description="模板里各项的内容，可用 {name} {points} {level} {streak} 等变量")
    url: Text_ | None = Field(None, description="点开后的网址")
    text: Text_ | None = Field(None, description="客服消息：48 小时内来说过话的粉丝，不占模板和群发的额度")
    lines: Lines | None = Field(None, description="和 text 一样，一行一项；{when: …, text: …, otherwise: …} 的一行只给条件符合的粉丝")
    passive: Span | None = Field(None, description="先等这么久：粉丝这段时间来说话，就跟在回复后面说（免费），过了再走别的通道")
    subscription: Subscription | None = Field(None, description="订阅通知：发给授权过的粉丝")
    mass: Mass | None = Field(None, description="群发消息：每人每月最多 4 条")
    variants: list[Variant] = Field(default_factory=list, description="A/B 测试的几个版本")
    goal: Goal | None = Field(None, description="盼粉丝做什么；写了才有对照组和效果")
    holdout: Part = Field(0.05, description="有 goal 时，留多少人不发，用来比较")

    @model_validator(mode="after")
    def _has_content(self) -> Self:
        if not self.ways:
            raise wrong(
                "没有写发什么：template、text、subscription、mass 至少写一个", "nothing to send: write template, text, subscription or mass"
            )
        if self.text is not None and self.lines is not None:
            raise wrong("text 和 lines 写一个就够了", "write either text or lines", "lines")
        if self.passive is not None and "customer_message" not in self.ways:
            raise wrong("passive 说的是 text，这里没有写 text", "what passive says is the text, and there is none", "passive")
        return self

    @model_validator(mode="after")
    def _has_variants_that_differ(self) -> Self:
        keys = [one.key for one in self.variants]
        if len(keys) == 1:
            raise wrong(
                "只有一个版本，没有什么可比：再写一个，或者去掉 variants", "one variant is none: write another, or none", "variants"
            )
        if twice := next((place for place, key in enumerate(keys) if key in keys[:place]), None):
            raise wrong(f"版本 {keys[twice]} 写了两次", f"there are two variants {keys[twice]}", "variants", twice, "key")
        shares = [one.share for one in self.variants]
        given = sum(share for share in shares if share is not None)
        if None in shares and 1 - 1e-9 <= given <= 1 + 1e-9:
            raise wrong(
                "写了 share 的版本已经占满 100%，没写 share 的一个人也分不到：写小一点，或者去掉没写 share 的版本",
                "the variants with a share take 100%: nothing is left for those without one",
                "variants",
            )
        if given > 1 + 1e-9 or (shares and None not in shares and given < 1 - 1e-9):
            raise wrong(
                f"各版本的 share 加起来要正好是 100%，这里是 {given:.0%}；不写 share 的版本平分剩下的",
                f"the variants' shares make 100% together, these make {given:.0%}; variants without a share divide the rest",
                "variants",
            )
        for place, one in enumerate(self.variants):
            said = next((name for name in ("text", "lines") if getattr(one, name) is not None), None)
            if said and self.text is None and self.lines is None:
                raise wrong(
                    f"版本里有 {said}，正文也要有 text", f"a variant has {said}, the broadcast has no text", "variants", place, said
                )
            if one.data is not None and self.template is None:
                raise wrong(
                    "版本里有 data，正文没有 template", "a variant has data, the broadcast has no template", "variants", place, "data"
                )
        return self

    @cached_property
    def cuts(self) -> tuple[tuple[str, float], ...]:
        """Each variant's key, and the part of the followers up to which it goes: (A, 0.3), (B, 1.0)."""
        shares = [one.share for one in self.variants]
        rest = (1 - sum(share for share in shares if share is not None)) / max(1, shares.count(None))
        upto = list(accumulate(rest if share is None else share for share in shares))
        return tuple((one.key, part) for one, part in zip(self.variants, [*upto[:-1], 1.0], strict=False))

    @cached_property
    def contents(self) -> Mapping[str | None, Broadcast]:
        """What whoever has this variant gets; under None, what is written for all."""
        return {None: self, **{one.key: self._with(one) for one in self.variants}}

    def _with(self, one: Variant) -> Broadcast:
        said = {"text": one.text, "lines": one.lines} if one.text is not None or one.lines is not None else {}
        data = {"data": {**self.data, **one.data}} if one.data is not None else {}
        return self.model_copy(update={**said, **data, **({"url": one.url} if one.url is not None else {}), "variants": []})

    @property
    def texts(self) -> tuple[str, ...]:
        """What it says by customer-service message, every line that anybody may get."""
        given = self.lines or (() if self.text is None else (self.text,))
        every = [(line,) if isinstance(line, str) else (line.text, line.otherwise) for line in given]
        return tuple(text for texts in every for text in texts if text is not None)

    @cached_property
    def conditions(self) -> Mapping[int, Conditions]:
        """The conditions of its lines, by their position."""
        return {place: line.when for place, line in enumerate(self.lines or ()) if isinstance(line, Line)}

    @cached_property
    def asks(self) -> frozenset[str]:
        """The variables that it, or any variant of it, has in its texts."""
        return frozenset(name for text in self._said() for name in placeholders(text))

    @cached_property
    def urls(self) -> tuple[str, ...]:
        """The addresses it leads to, in any variant, that are the same for everybody."""
        every = [one for text in self._said() for one in addresses(text)]
        return tuple(sorted({url for url in every if not any(placeholders(url))}))

    def _said(self) -> Iterator[str]:
        for one in self.contents.values():
            yield from (*one.data.values(), *one.texts, one.url or "")
        if self.subscription is not None:
            yield from (*self.subscription.data.values(), self.subscription.page or "")

    @property
    def ways(self) -> tuple[Way, ...]:
        """The ways there is content for, the cheapest for the account first."""
        has = (
            self.text is not None or self.lines is not None,
            self.subscription is not None,
            self.template is not None,
            self.mass is not None,
        )
        return tuple(way for way, there in zip(WAYS, has, strict=True) if there)

    @property
    def is_marketing(self) -> bool:
        """Whether it advertises: then it may not go by template."""
        return self.purpose == "marketing" if self.purpose else self.template is None and self.subscription is None

    @property
    def held_out(self) -> float:
        """The share of followers who do not get it, so that its effect can be measured. Who does not get a link cannot click it."""
        return self.holdout if self.goal and self.goal.do != "click" else 0.0

    @property
    def held_out_in_vain(self) -> bool:
        """Whether a share was written that is held out of nothing, as there is no goal."""
        return self.goal is None and "holdout" in self.model_fields_set and self.holdout > 0

    @property
    def is_exempt(self) -> bool:
        """Whether it is outside the limits per follower, and not counted in them: only what they asked for themselves may be."""
        return self.exempt and self.topic is not None

    @property
    def is_ready(self) -> bool:
        """Whether it may be sent: neither a draft nor waiting for review."""
        return self.state in (None, "approved")


class BroadcastsSection(RootModel[list[Broadcast]]):
    """群发计划。"""

    key: ClassVar[str] = "broadcasts"

    def named(self, key: str) -> Broadcast | None:
        """The broadcast of this key."""
        return next((broadcast for broadcast in self.root if broadcast.key == key), None)


def check(config: Config) -> Iterator[Problem]:
    """What no single section can see: segments that do not exist, two broadcasts or segments of one name."""
    segments, broadcasts = config[SegmentsSection], config[BroadcastsSection]
    for section, items in (("segments", segments.root), ("broadcasts", broadcasts.root)):
        keys = [item.key for item in items]
        for number, key in enumerate(keys):
            if key in keys[:number]:
                yield Problem((section, number, "key"), f"{key} 已经有了，换一个代号", f"{key} is there already; choose another key")
    for number, planned in enumerate(broadcasts.root):
        if segments.named(planned.segment) is None:
            known = "、".join(["all", *(segment.key for segment in segments.root)])
            yield Problem(
                ("broadcasts", number, "segment"),
                f"没有人群 {planned.segment}；可用：{known}",
                f"there is no segment {planned.segment}; known: {known}",
            )
        if planned.mass and planned.mass.image is not None:
            yield from _no_picture(config, planned.mass.image, ("broadcasts", number, "mass", "image"))
        for place, where, line in _conditional(planned):
            yield from condition.check(line.when, ("broadcasts", number, *where, "lines", place, "when"), config)


def _no_picture(config: Config, name: str, where: Location) -> Iterator[Problem]:
    media = config.get(MediaSection)
    medium = media.root.get(name) if media else None
    if medium is None:
        yield Problem(where, f"media 里没有“{name}”", f"there is no {name!r} in media")
    elif medium.kind != "image":
        yield Problem(where, f"media 里的“{name}”不是图片", f"{name!r} in media is no picture")


def _conditional(planned: Broadcast) -> Iterator[tuple[int, Location, Line]]:
    """Every line with a condition: its position, and the variant that it is of."""
    of: list[tuple[Location, list[str | Line] | None]] = [((), planned.lines)]
    of += [(("variants", number), one.lines) for number, one in enumerate(planned.variants)]
    return ((place, where, line) for where, lines in of for place, line in enumerate(lines or ()) if isinstance(line, Line))
