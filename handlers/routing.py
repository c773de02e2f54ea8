"""Which feature answers what: a feature's parts, what an answer is given, and the order in which features are asked.

    platform event or menu click → a choice that was tapped → a word that always works (退订) → who has the floor (a running survey)
    → exact trigger → keyword rule → FAQ → fallback

Precedence is by kind, never by number. A handler that returns None declines, and the next in this order is asked. Guards stand on both
sides of it: they see what was said before anybody answers, and every answer before it leaves.

A menu button that says words is heard as if the follower had said them, but for the floor: whoever presses a button in the middle
of a survey wants what the button says, and the survey goes on waiting for its answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import BaseModel
from sqlalchemy import Connection

from models import conversation, follower
from models.clock import from_seconds
from models.condition import Circumstances
from models.config import Config, Location, Problem, fill
from models.database import undone_on_error
from models.follower import Follower
from models.refusal import Refusal
from wechat.inbound import Inbound
from wechat.reply import LONGEST_TEXT, Reply, Text

# Messages a person wrote; anything else the platform may invent is taken note of and answered with nothing.
SPOKEN = frozenset({"text", "image", "voice", "video", "shortvideo", "location", "link"})
LEAVES = frozenset({"unsubscribe"})
SILENT = LEAVES | {"view", "location", "view_miniprogram"}  # events that nobody waits for an answer to


class Step(NamedTuple):
    """A step on the way to the answer, in the operator's words, and what in the file it is about."""

    text: str
    where: Location | None = None


class FollowUp(NamedTuple):
    """A reply that comes after the first one, as a customer-service message."""

    after: timedelta
    reply: Reply


@dataclass(slots=True)
class Context:
    """One inbound message on its way: what a handler may know and touch."""

    db: Connection
    config: Config
    inbound: Inbound
    follower: Follower
    now: datetime  # when it reached us
    said_at: datetime  # the message's own time: business days are counted by it
    routes: Routes
    text: str = ""  # what they said, or what a menu button said for them, without the space around it
    result: str = ""  # what they scanned from a menu button
    match: Mapping[str, str] = field(default_factory=dict)  # the groups of the regex that matched: `1`, `2`, names
    counted: dict[str, int] = field(default_factory=dict)  # for whose `nth` this message counts, and as the how manieth
    answered_by: str | None = None
    follow_ups: list[FollowUp] = field(default_factory=list)
    trace: list[Step] | None = None  # kept only where somebody asked for it
    luck: float | None = None  # what every chance comes to, where somebody tries it out

    @property
    def zone(self) -> ZoneInfo:
        """The account's zone."""
        return self.config.zone

    @property
    def circumstances(self) -> Circumstances:
        """What conditions are held against."""
        return Circumstances(self.db, self.config, self.follower, self.said_at, self.chance, self.counted)

    def explain(self, step: str, where: Location | None = None) -> None:
        """Notes a step for `yizhan try --explain`."""
        if self.trace is not None:
            self.trace.append(Step(step, where))

    def chance(self, name: str) -> float:
        """A number in [0, 1), as good as thrown, and the same for every copy of this message."""
        if self.luck is not None:
            return self.luck
        digest = hashlib.sha256(f"{self.inbound.key}|{name}".encode()).digest()
        return int.from_bytes(digest[:7], "big") / (1 << 56)

    def lead(self, words: str) -> Reply | None:
        """The answer to these words, as if the follower had said them outside of any conversation."""
        self.text = words.strip()
        return _words(self, self.routes)


Answer = Callable[[Context], Reply | None]


@dataclass(frozen=True, slots=True)
class Trigger:
    """A word that leads to an answer, and where in the file it stands."""

    where: Location
    word: str
    answer: Answer
    wording: BaseModel | None = None  # how refusals on the way are said
    always: bool = False  # works even while another feature has the floor


@dataclass(frozen=True, slots=True)
class Said:
    """Words that the file says in a follower's name (a menu button's), and where they stand in it."""

    where: Location
    words: str


@dataclass(frozen=True, slots=True)
class Hearing:
    """What a feature that listens could ever answer: asked of the file, not of a message, so time, tags and levels do not count."""

    could_answer: Callable[[str], bool]
    words: Sequence[str]  # that somebody may have meant who wrote others


class Stopped(NamedTuple):
    """A guard lets nobody hear this message; the reply is what its sender is told, None for nothing."""

    reply: Reply | None


@dataclass(frozen=True, slots=True)
class Guard:
    """Stands before all features: `heard` may stop a message, `said` sees every reply and returns what is said instead of it."""

    heard: Callable[[Context], Stopped | None]
    said: Callable[[Context, Reply], Reply | None]


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature: its YAML section, if it has one, and the ways it is reached."""

    name: str
    section: type | None = None
    triggers: Callable[[Any], Iterable[Trigger]] | None = None
    floor: Callable[[Context, Any, str], Reply | None] | None = None  # (context, section, subject) while it has the floor
    wording: Callable[[Any, str], BaseModel | None] | None = None  # (section, subject): how refusals on the floor are said
    keeps: Callable[[str], bool] = lambda subject: False  # (subject): goes on waiting for its answer also when it declined a message
    events: Mapping[str, Callable[[Context, Any], Reply | None]] = field(default_factory=dict)
    notices: Callable[[Any], Answer] | None = None  # built once per file: asked about every event before the `events` of any feature
    taps: Callable[[Context, Any, str], Reply | None] | None = None  # (context, section, id) of a choice that was tapped
    guard: Callable[[Any], Guard] | None = None  # built once per file
    listens: Callable[[Any], Answer] | None = None  # built once per file: answers any message that nothing before it took; text may be ""
    last_word: Callable[[Any], Answer] | None = None  # likewise, when nobody answered
    hears: Callable[[Any], Hearing] | None = None
    says: Callable[[Any], Iterable[Said]] | None = None  # must lead somewhere
    postscript: Callable[[Any], Callable[[Context], str | None]] | None = None  # built once per file: what else to say, after the answer
    default: Callable[[Config], Any] | None = None  # the section to use where the file has none
    checks: Callable[[Config], Iterator[Problem]] | None = None


def normal(text: str) -> str:
    """What triggers are compared by: without the space around, upper and lower case alike."""
    return text.strip().casefold()


@dataclass(frozen=True)
class Routes:
    """Everything a version of config.yaml leads to, worked out once when it is read."""

    config: Config
    triggers: Mapping[str, Trigger]
    floors: Mapping[str, tuple[Feature, Any]]
    events: Mapping[str, Sequence[tuple[str, Callable[[Context], Reply | None]]]]
    notices: Sequence[tuple[str, Answer]]
    taps: Sequence[tuple[str, Callable[[Context, str], Reply | None]]]
    guards: Sequence[Guard]
    listeners: Sequence[tuple[str, Answer]]
    last_words: Sequence[tuple[str, Answer]]
    postscripts: Sequence[Callable[[Context], str | None]] = ()


def lay(config: Config, features: Sequence[Feature]) -> Routes:
    """The routes of a checked configuration."""
    on = [(feature, section) for feature in features if (section := section_of(feature, config)) is not None]
    triggers: dict[str, Trigger] = {}
    events: dict[str, list[tuple[str, Callable[[Context], Reply | None]]]] = {}
    for feature, section in on:
        for trigger in feature.triggers(section) if feature.triggers else ():
            triggers.setdefault(normal(trigger.word), trigger)
        for event, answer in feature.events.items():
            events.setdefault(event, []).append((feature.name, _bound(answer, section)))
    return Routes(
        config,
        triggers,
        {feature.name: (feature, section) for feature, section in on if feature.floor},
        events,
        [(feature.name, feature.notices(section)) for feature, section in on if feature.notices],
        [(feature.name, _tapped(feature.taps, section)) for feature, section in on if feature.taps],
        [feature.guard(section) for feature, section in on if feature.guard],
        [(feature.name, feature.listens(section)) for feature, section in on if feature.listens],
        [(feature.name, feature.last_word(section)) for feature, section in on if feature.last_word],
        [feature.postscript(section) for feature, section in on if feature.postscript],
    )


def section_of(feature: Feature, config: Config) -> Any:
    """What the file has for this feature, or what it goes by without; None where it is off."""
    section = config.get(feature.section) if feature.section else None
    return feature.default(config) if section is None and feature.default else section


def _bound(answer: Callable[[Context, Any], Reply | None], section: Any) -> Answer:
    return lambda ctx: answer(ctx, section)


def _tapped(answer: Callable[[Context, Any, str], Reply | None], section: Any) -> Callable[[Context, str], Reply | None]:
    return lambda ctx, choice: answer(ctx, section, choice)


def meet(db: Connection, inbound: Inbound, now: datetime) -> Follower:
    """Whoever did this exists afterwards; whether they follow, and the code they came by, are known as well as the message tells."""
    by_code = inbound.event == "subscribe" and inbound.event_key.startswith("qrscene_")
    scene = inbound.event_key.removeprefix("qrscene_") if by_code else None
    if not inbound.by_follower:  # a report says nothing about its sender, who may be nobody (mphelper): id 0
        return follower.find(db, inbound.openid) or Follower(0, inbound.openid, False, False, None)
    return follower.seen(db, inbound.openid, from_seconds(inbound.created_at), now, subscribed=inbound.event not in LEAVES, scene=scene)


def hear(
    db: Connection, routes: Routes, inbound: Inbound, now: datetime, *, explaining: bool = False, luck: float | None = None
) -> tuple[Context, Reply | None]:
    """Takes note of the follower, then finds the answer. A refused verb leaves nothing behind but its refusal's words.

    `Context.follow_ups` are to be queued by the caller, in the same transaction.
    """
    said_at, person = from_seconds(inbound.created_at), meet(db, inbound, now)
    words = inbound.event_key if inbound.event == "click" else inbound.text
    ctx = Context(db, routes.config, inbound, person, now, said_at, routes, words.strip(), trace=[] if explaining else None, luck=luck)
    if explaining:
        _explain_heard(ctx)
    for guard in routes.guards:
        stopped = guard.heard(ctx)
        if stopped is not None:
            ctx.explain("这条消息被拦下，不再往下问")
            return ctx, stopped.reply
    reply = dispatch(ctx, routes)
    if routes.postscripts and inbound.by_follower and inbound.event not in SILENT:
        reply = _with_postscripts(ctx, routes, reply)
    ctx.follow_ups = [FollowUp(after, kept) for after, one in ctx.follow_ups if (kept := _guarded(ctx, routes, one)) is not None]
    return ctx, _guarded(ctx, routes, reply)


def _explain_heard(ctx: Context) -> None:
    inbound, plain = ctx.inbound, normal(ctx.text)
    what = f"事件 {inbound.event}" if inbound.type == "event" else {"text": "文字"}.get(inbound.type, f"消息 {inbound.type}")
    key = f"（{inbound.event_key}）" if inbound.event_key and inbound.event_key != ctx.text else ""
    words = f"“{ctx.text}”" if ctx.text else ""
    ctx.explain(f"收到{what}{key}{words}" + (f"，比较时是“{plain}”" if plain != ctx.text else ""))


def _with_postscripts(ctx: Context, routes: Routes, reply: Reply | None) -> Reply | None:
    """The answer and what else there is to say: below it where it is a text that has room, else in a message of its own."""
    said = [text for postscript in routes.postscripts if (text := postscript(ctx))]
    if not said:
        return reply
    more = "\n".join(said)
    ctx.explain(f"另外告诉粉丝：{more}")
    if reply is None or reply == Text(""):
        return Text(more)
    if isinstance(reply, Text) and len(f"{reply.text}\n\n{more}".encode()) <= LONGEST_TEXT:
        return Text(f"{reply.text}\n\n{more}")
    ctx.follow_ups.append(FollowUp(timedelta(), Text(more)))
    return reply


def _guarded(ctx: Context, routes: Routes, reply: Reply | None) -> Reply | None:
    for guard in routes.guards:
        reply = guard.said(ctx, reply) if reply is not None else None
    return reply


def dispatch(ctx: Context, routes: Routes) -> Reply | None:
    """The answer by the order at the top of this file, or None where nobody has one."""
    inbound = ctx.inbound
    if inbound.type == "event":
        return _event(ctx, routes)
    if inbound.type not in SPOKEN:
        ctx.explain(f"消息类型 {inbound.type}：不认识，不回复")
        return None
    choice = inbound.fields.get("bizmsgmenuid")
    for name, tapped in routes.taps if isinstance(choice, str) and choice else ():
        ctx.explain(f"点了选项 {choice} → {name}")
        reply = tapped(ctx, str(choice))
        if reply is not None:
            ctx.answered_by = ctx.answered_by or f"{name}:{choice}"[:200]
            return reply
    always = routes.triggers.get(normal(ctx.text))
    if always is not None and always.always:
        ctx.explain(f"“{always.word}”随时有效，不问进行中的会话", always.where)
    answer, taken = (None, False) if always is not None and always.always else _floor(ctx, routes)
    return answer if taken else _words(ctx, routes)


def _event(ctx: Context, routes: Routes) -> Reply | None:
    for name, notice in routes.notices:
        reply = notice(ctx)
        if reply is not None:
            ctx.answered_by = ctx.answered_by or name
            return reply
    for name, answer in routes.events.get(ctx.inbound.event, ()):
        ctx.explain(f"事件 {ctx.inbound.event} → {name}")
        reply = answer(ctx)
        if reply is not None:
            ctx.answered_by = ctx.answered_by or f"{name}:{ctx.inbound.event}"
            return reply
    return _words(ctx, routes) if ctx.text else None


def _floor(ctx: Context, routes: Routes) -> tuple[Reply | None, bool]:
    """The answer of the feature that has the floor, and whether it took the message."""
    floor = conversation.floor(ctx.db, ctx.follower.id)
    if floor is None:
        ctx.explain("没有进行中的会话")
        return None, False
    ctx.explain(f"进行中的会话：{floor.feature}（{floor.subject}）")
    feature, section = routes.floors.get(floor.feature, (None, None))
    if feature is None or feature.floor is None:
        ctx.explain(f"文件里已经没有 {floor.feature}，会话到此为止")
        conversation.leave_floor(ctx.db, ctx.follower.id)
        return None, False
    answer, wording = feature.floor, feature.wording(section, floor.subject) if feature.wording else None
    reply = worded(ctx, lambda c: answer(c, section, floor.subject), wording)
    if reply is None:
        ctx.explain("会话没有接这句话，接着问别的")
        return None, False
    ctx.answered_by = ctx.answered_by or f"{floor.feature}:{floor.subject}"
    return reply, True


def _words(ctx: Context, routes: Routes) -> Reply | None:
    trigger = routes.triggers.get(normal(ctx.text)) if ctx.text else None
    if trigger is not None:
        ctx.explain(f"触发词“{trigger.word}”", trigger.where)
        reply = worded(ctx, trigger.answer, trigger.wording)
        if reply is not None:
            ctx.answered_by = ctx.answered_by or ".".join(map(str, trigger.where))
            return reply
        ctx.explain(f"触发词“{trigger.word}”没有回答，接着问别的", trigger.where)
    elif ctx.text:
        ctx.explain("没有功能的触发词正好是这句话")
    for name, answer in routes.listeners:
        reply = answer(ctx)
        if reply is not None:
            ctx.answered_by = ctx.answered_by or name
            return reply
    return _nobody(ctx, routes)


def _nobody(ctx: Context, routes: Routes) -> Reply | None:
    for name, answer in routes.last_words:
        reply = answer(ctx)
        if reply is not None:
            ctx.explain(f"没有规则匹配 → {name} 的兜底回复")
            ctx.answered_by = f"{name}:fallback"
            return reply
    ctx.explain("没有规则匹配，也没有兜底回复")
    return None


def worded(ctx: Context, answer: Answer, wording: BaseModel | None) -> Reply | None:
    """The answer, or the words of the refusal that stopped it, with everything it had done taken back."""
    before = len(ctx.follow_ups)
    try:
        with undone_on_error(ctx.db):
            return answer(ctx)
    except Refusal as refusal:
        del ctx.follow_ups[before:]
        ctx.explain(f"规则拒绝：{refusal.code}")
        text = getattr(wording, refusal.code, None)
        if text is None:
            raise
        return Text(fill(text, refusal.details))
