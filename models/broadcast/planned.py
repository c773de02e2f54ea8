"""What an operator writes about a broadcast: to whom, when, what, which ways it may go, how its effect is measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, RootModel, model_validator

from models.clock import span
from models.condition import Probability, Share
from models.config import Config, Looks, Problem, Rules, says, wrong
from models.schedule import Cron
from models.segment import SegmentsSection
from models.survey import Key

VARIABLES = ("name", "points", "date", "time")
Text_ = Annotated[str, says(*VARIABLES)]
# A run that could not begin within this time of its due time counts as missed.
GRACE = timedelta(minutes=15)

# The ways a message may go, the cheapest for the account first.
Way = Literal["customer_message", "subscription", "template", "mass"]
WAYS: tuple[Way, ...] = ("customer_message", "subscription", "template", "mass")


def _check_late(text: str) -> str:
    if text not in ("skip", "ask"):
        try:
            span(text)
        except ValueError:
            raise wrong(
                f"late 可以写 skip、ask 或 2h 这样的时长；这里是 {text!r}", f"late is skip, ask or a span such as 2h; this is {text!r}"
            ) from None
    return text


def _check_span(text: str) -> str:
    try:
        if not span(text):
            raise ValueError(text)
    except ValueError:
        raise wrong(f"时长写成 30m、2h、3d；这里是 {text!r}", f"write a span such as 30m, 2h or 3d; this is {text!r}") from None
    return text


Span = Annotated[str, AfterValidator(_check_span), Looks(r"^\s*[0-9]{1,4}[mhdw]\s*$", ("2h", "3d"))]


class Subscription(Rules):
    """The message as a subscription notice: one for each permission the follower gave."""

    template: str = Field(min_length=1, max_length=100, description="订阅通知的模板 ID")
    data: Mapping[str, Text_] = Field(default_factory=dict, description="模板里各项的内容")
    page: str | None = Field(None, description="点开后的网址")


class Mass(Rules):
    """The message as a mass message: the same for everybody, at most four a month and follower."""

    text: Annotated[str, Field(min_length=1)] | None = Field(None, description="文字（人人一样，没有变量）")
    image: str | None = Field(None, description="media 里一张图片的名字")
    draft: str | None = Field(None, description="草稿箱里图文的 media_id")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(part is not None for part in (self.text, self.image, self.draft)) != 1:
            raise wrong("mass 要写 text、image、draft 里的一个", "mass takes exactly one of text, image, draft")
        return self


class Goal(Rules):
    """What the broadcast is meant to lead to. Whoever has a goal is measured against followers who do not get it."""

    do: str = Field("checkin", description="盼粉丝做什么：checkin、survey、vote、order、message、click")
    within: Span = Field("3d", description="多久之内算数")


class Variant(Rules):
    """One of several contents; each follower gets the same one whenever they are asked."""

    key: Key = Field(description="版本代号，例如 A")
    share: Probability | None = Field(None, description="占多少；都不写就平分")
    data: Mapping[str, Text_] | None = Field(None, description="和正文不同的 data")
    text: Text_ | None = Field(None, description="和正文不同的 text")
    url: Text_ | None = Field(None, description="和正文不同的网址")


class Broadcast(Rules, json_schema_extra={"anyOf": [{"required": [name]} for name in ("template", "text", "subscription", "mass")]}):
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
    data: Mapping[str, Text_] = Field(default_factory=dict, description="模板里各项的内容，可用 {name} {points} {date} {time}")
    url: Text_ | None = Field(None, description="点开后的网址")
    text: Text_ | None = Field(None, description="客服消息：48 小时内来说过话的粉丝，不占模板和群发的额度")
    passive: Span | None = Field(None, description="先等这么久：粉丝这段时间来说话，就跟在回复后面说（免费），过了再用别的办法")
    subscription: Subscription | None = Field(None, description="订阅通知：发给授权过的粉丝")
    mass: Mass | None = Field(None, description="群发消息：每人每月最多 4 条")
    variants: list[Variant] = Field(default_factory=list, description="A/B 测试的几个版本")
    goal: Goal | None = Field(None, description="盼粉丝做什么；写了才有对照组和效果")
    holdout: Share = Field(0.05, description="有 goal 时，留多少人不发，用来比较")

    @model_validator(mode="after")
    def _has_content(self) -> Self:
        if not self.ways:
            raise wrong(
                "没有写发什么：template、text、subscription、mass 至少写一个", "nothing to send: write template, text, subscription or mass"
            )
        return self

    @property
    def ways(self) -> tuple[Way, ...]:
        """The ways there is content for, the cheapest for the account first."""
        has = (self.text is not None, self.subscription is not None, self.template is not None, self.mass is not None)
        return tuple(way for way, there in zip(WAYS, has, strict=True) if there)

    @property
    def is_marketing(self) -> bool:
        """Whether it advertises: then it may not go by template."""
        return self.purpose == "marketing" if self.purpose else self.template is None and self.subscription is None

    @property
    def held_out(self) -> float:
        """The share of followers who do not get it, so that its effect can be measured."""
        return self.holdout if self.goal else 0.0

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
