"""Surveys: a conversation that asks one question after another and keeps the floor until it is finished or left."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field, RootModel

from handlers.routing import Context, Feature, Trigger, normal
from models import conversation, survey
from models.config import Config, Problem, Rules, fill, says
from models.refusal import Refusal
from models.reward import Granted, told
from models.survey import Asked, Finished, Question, SurveyRules
from wechat.reply import Text

ASK = says("title", "number", "question")
AGAIN = says("question")


class SurveyWording(Rules):
    """The words of a survey."""

    first: Annotated[str, ASK] = Field("{title}\n{question}", description="第一题；也可用 {number}")
    next: Annotated[str, ASK] = Field("{question}", description="之后每一题")
    resumed: Annotated[str, ASK] = Field("继续上次的「{title}」\n{question}", description="退出后又回来")
    finished: Annotated[str, says("title", "points", "balance")] = Field("谢谢，问卷已完成！", description="没有奖励时的结束语")
    rewarded: Annotated[str, says("title", "points", "balance")] = Field(
        "谢谢，问卷已完成！+{points} 积分，共 {balance}", description="奖励是积分时的结束语"
    )
    gifted: Annotated[str, says("title", "reward", "balance")] = Field(
        "谢谢，问卷已完成！送您 {reward}", description="奖励里有券、补签卡、抽奖机会时的结束语"
    )
    left: Annotated[str, says("title", "trigger")] = Field("已退出「{title}」，回复「{trigger}」可以继续", description="中途退出")
    already_answered: Annotated[str, says("title")] = Field("您已经填过「{title}」了，谢谢！", description="重复参加")
    not_an_option: Annotated[str, AGAIN] = Field("没有这个选项，请回复序号或选项文字\n{question}", description="选项不对")
    not_a_number: Annotated[str, says("question", "min", "max")] = Field("请回复一个数字\n{question}", description="不是数字")
    number_out_of_range: Annotated[str, says("question", "min", "max")] = Field(
        "数字要在 {min}–{max} 之间\n{question}", description="超出范围"
    )
    empty_answer: Annotated[str, AGAIN] = Field("请用文字回答\n{question}", description="没有文字")
    choice: Annotated[str, says("number", "choice")] = Field("\n{number}. {choice}", description="每个选项一行")


class Survey(SurveyRules):
    """One survey."""

    triggers: list[Annotated[str, Field(min_length=1)]] = Field(min_length=1, description="触发词")
    exit: list[Annotated[str, Field(min_length=1)]] = Field(["退出"], min_length=1, description="中途退出的词")
    replies: SurveyWording = Field(default_factory=SurveyWording, description="文案")


class SurveysSection(RootModel[list[Survey]]):
    """问卷。"""

    key: ClassVar[str] = "surveys"

    def named(self, key: str) -> Survey | None:
        """The survey of this key."""
        return next((one for one in self.root if one.key == key), None)


def begin(ctx: Context, asked_for: Survey) -> Text:
    """They start, or go on where they left; the survey has the floor."""
    asked = survey.start(ctx.db, ctx.follower.id, asked_for, ctx.now)
    conversation.take_floor(ctx.db, ctx.follower.id, "surveys", asked_for.key, ctx.now)
    words = asked_for.replies
    return _ask(asked, words.resumed if asked.resumed else words.first, words)


def answer(ctx: Context, section: SurveysSection, key: str) -> Text | None:
    """What they say is the answer to the waiting question, or a wish to leave."""
    current = section.named(key)
    words = current.replies if current else SurveyWording()
    exits, back = (current.exit, current.triggers[0]) if current else (["退出"], "")
    waiting = survey.waiting(ctx.db, ctx.follower.id, key)
    if waiting is None:
        conversation.leave_floor(ctx.db, ctx.follower.id)
        return None
    if normal(ctx.text) in map(normal, exits):
        conversation.leave_floor(ctx.db, ctx.follower.id)
        return Text(fill(words.left, {"title": waiting.survey.title, "trigger": back}))
    return _recorded(ctx, key, words)


def _recorded(ctx: Context, key: str, words: SurveyWording) -> Text | None:
    try:
        done = survey.record_answer(ctx.db, ctx.config, ctx.follower.id, key, ctx.text, ctx.now)
    except Refusal as refusal:
        # The domain knows the question; how it is shown is ours.
        refusal.details["question"] = _question(refusal.details["question"], words)  # type: ignore[arg-type]
        raise
    match done:
        case Asked():
            return _ask(done, words.next, words)
        case Finished():
            conversation.leave_floor(ctx.db, ctx.follower.id)
            return Text(_thanks(ctx, done, words))
    return None


def _thanks(ctx: Context, done: Finished, words: SurveyWording) -> str:
    granted = done.granted
    if granted == Granted(points=granted.points):
        text = words.rewarded if granted.points else words.finished
        return fill(text, {"title": done.survey.title, "points": granted.points, "balance": done.balance})
    return fill(words.gifted, {"title": done.survey.title, "reward": told(ctx.config, granted), "balance": done.balance})


def _ask(asked: Asked, text: str, words: SurveyWording) -> Text:
    return Text(fill(text, {"title": asked.survey.title, "number": asked.number, "question": _question(asked.question, words)}))


def _question(question: Question, words: SurveyWording) -> str:
    lines = (fill(words.choice, {"number": number, "choice": choice}) for number, choice in enumerate(question.choices or (), 1))
    return question.ask + "".join(lines)


def _triggers(section: SurveysSection) -> Iterator[Trigger]:
    for number, one in enumerate(section.root):
        for place, word in enumerate(one.triggers):
            yield Trigger(("surveys", number, "triggers", place), word, lambda ctx, one=one: begin(ctx, one), one.replies)  # type: ignore[misc]


def _wording(section: SurveysSection, key: str) -> SurveyWording:
    current = section.named(key)
    return current.replies if current else SurveyWording()


def _check(config: Config) -> Iterator[Problem]:
    keys: list[str] = []
    for number, one in enumerate(config[SurveysSection].root):
        if one.key in keys:
            yield Problem(("surveys", number, "key"), f"已经有一份问卷叫 {one.key}", f"there is a survey {one.key} already")
        keys.append(one.key)


feature = Feature(name="surveys", section=SurveysSection, triggers=_triggers, floor=answer, wording=_wording, checks=_check)
