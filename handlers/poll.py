"""Polls: the choices as lines to tap, one ballot for each follower, and how it stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, Field, RootModel

from handlers import replies
from handlers.replies.chat_menu import choice_id, id_of, read_id
from handlers.routing import Context, Feature, Trigger
from models import conversation, poll
from models.config import Config, Problem, Rules, fill, says
from models.conversation import Floor
from models.database import undone_on_error
from models.poll import PollRules
from models.refusal import Refusal
from models.reward import told
from wechat.reply import Text

_BAR = 10  # squares of a choice that has all votes


class PollWording(Rules):
    """The words of a poll."""

    ask: Annotated[str, says("title", "standing")] = Field("{title}\n点一下或回复序号，每人一票：{standing}", description="选项上面的话")
    voted: Annotated[str, says("title", "choice", "reward", "standing")] = Field(
        "收到，您投给了「{choice}」{reward}{standing}", description="投完以后"
    )
    reward: Annotated[str, says("reward")] = Field("，送您 {reward}", description="有奖励时，放在 {reward} 的位置")
    already_voted: Annotated[str, says("title", "choice", "standing")] = Field(
        "您已经投给「{choice}」了，每人一票{standing}", description="投过了"
    )
    poll_not_begun: Annotated[str, says("title", "date")] = Field("「{title}」{date} 开始，到时候再来", description="还没开始")
    poll_over: Annotated[str, says("title", "date", "standing")] = Field("「{title}」已经结束，谢谢参与{standing}", description="已结束")
    standing: Annotated[str, says("choice", "votes", "share", "bar")] = Field(
        "\n{bar} {share}% {choice}（{votes} 票）", description="票数，每个选项一行"
    )


class Poll(PollRules):
    """A poll, and how it is reached and worded."""

    triggers: list[Annotated[str, Field(min_length=1)]] = Field(["投票"], min_length=1, description="触发词")
    show: Literal["always", "after", "closed", "never"] = Field(
        "after", description="什么时候给粉丝看票数：always 一直、after 投完以后、closed 结束以后、never 不给看"
    )
    replies: PollWording = Field(default_factory=PollWording, description="文案")

    @property
    def id(self) -> str:
        """What a tap on one of its choices carries."""
        return id_of(f"poll:{self.key}", self.title, self.choices)


class PollsSection(RootModel[list[Poll]]):
    """投票：每位粉丝一票。"""

    key: ClassVar[str] = "polls"

    def named(self, key: str) -> Poll | None:
        """The poll of this key."""
        return next((one for one in self.root if one.key == key), None)


def begin(ctx: Context, one: Poll) -> Text:
    """The choices are shown; what they say next may be one of them. Who has voted is told so."""
    poll.require_open(ctx.config, one, ctx.said_at)
    before = poll.chosen(ctx.db, ctx.follower.id, one)
    if before is not None:
        return Text(fill(one.replies.already_voted, {"title": one.title, "choice": before, "standing": _standing(ctx, one, "after")}))
    if replies.may_take_the_floor(ctx):
        conversation.take_floor(ctx.db, ctx.follower.id, "polls", one.key, ctx.now)
    title = fill(one.replies.ask, {"title": one.title, "standing": _standing(ctx, one, "always")})
    return Text(replies.shown(title, [(choice_id(one.id, number), choice) for number, choice in enumerate(one.choices, 1)]))


def answer(ctx: Context, section: PollsSection, key: str) -> Text | None:
    """What they say while it has the floor: a choice, by number or words; anything else is left to the others."""
    one = section.named(key)
    if one is None or not replies.still_listens(ctx):
        conversation.leave_floor(ctx.db, ctx.follower.id)
        return None
    number = replies.meant(ctx.text, one.choices)
    return _cast(ctx, one, number) if number is not None else None


def tapped(ctx: Context, section: PollsSection, choice: str) -> Text | None:
    """They tapped a choice, now or days ago."""
    which, number = read_id(choice) or ("", 0)
    one = next((one for one in section.root if one.id == which), None)
    if one is None or not 1 <= number <= len(one.choices):
        return None
    try:
        with undone_on_error(ctx.db):
            return _cast(ctx, one, number)
    except Refusal as refusal:  # a tap has no trigger whose wording would be asked
        return Text(fill(getattr(one.replies, refusal.code), refusal.details))


def _cast(ctx: Context, one: Poll, number: int) -> Text:
    try:
        done = poll.cast(ctx.db, ctx.config, ctx.follower.id, one, one.choices[number - 1], ctx.said_at)
    except Refusal as refusal:
        refusal.details["standing"] = _standing(ctx, one, "closed" if isinstance(refusal, poll.PollOver) else "after")
        raise
    if conversation.floor(ctx.db, ctx.follower.id) == Floor("polls", one.key):
        conversation.leave_floor(ctx.db, ctx.follower.id)
    given = told(ctx.config, done.granted)
    words = one.replies
    values = {"title": one.title, "choice": done.choice, "standing": _standing(ctx, one, "after")}
    return Text(fill(words.voted, values | {"reward": fill(words.reward, {"reward": given}) if given else ""}))


_WHEN = {"always": {"always", "after", "closed"}, "after": {"after", "closed"}, "closed": {"closed"}, "never": set[str]()}


def _standing(ctx: Context, one: Poll, moment: str) -> str:
    """How it stands, where the operator shows it at this moment: before they voted (`always`), after, or when it is over."""
    if moment not in _WHEN[one.show]:
        return ""
    votes = poll.standing(ctx.db, one)
    total = sum(votes.values()) or 1
    lines = []
    for choice, count in votes.items():
        full = round(_BAR * count / total)
        values = {"choice": choice, "votes": count, "share": round(100 * count / total), "bar": "▓" * full + "░" * (_BAR - full)}
        lines.append(fill(one.replies.standing, values))
    return "".join(lines)


def _triggers(section: PollsSection) -> Iterator[Trigger]:
    for number, one in enumerate(section.root):
        for place, word in enumerate(one.triggers):
            yield Trigger(("polls", number, "triggers", place), word, lambda ctx, one=one: _begun(ctx, one), one.replies)  # type: ignore[misc]


def _begun(ctx: Context, one: Poll) -> Text:
    try:
        return begin(ctx, one)
    except poll.PollOver as over:
        over.details["standing"] = _standing(ctx, one, "closed")
        raise


def _wording(section: PollsSection, key: str) -> BaseModel | None:
    one = section.named(key)
    return one.replies if one else PollWording()


def _check(config: Config) -> Iterator[Problem]:
    keys: list[str] = []
    for number, one in enumerate(config[PollsSection].root):
        if one.key in keys:
            yield Problem(("polls", number, "key"), f"已经有一个投票叫 {one.key}", f"there is a poll {one.key} already")
        keys.append(one.key)


feature = Feature(name="polls", section=PollsSection, triggers=_triggers, floor=answer, taps=tapped, wording=_wording, checks=_check)
