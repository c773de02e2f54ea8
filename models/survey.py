"""Surveys: what is asked, the responses of followers, and their answers, each pinned to the survey as it was asked."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, model_validator
from sqlalchemy import Column, Connection, ForeignKey, Index, Row, String, Table, Text, UniqueConstraint, bindparam, select, update

from models import points, reward
from models.base import Id, Instant, follower_id, identity, insert, metadata
from models.config import Config, Location, Rules, wrong
from models.key import Key as Key
from models.refusal import Refusal
from models.reward import Granted, RewardRules


class NumberRules(Rules):
    """A question answered with a number."""

    min: float | None = Field(None, description="最小值")
    max: float | None = Field(None, description="最大值")
    whole: bool = Field(True, description="只接受整数")


class Question(Rules):
    """One question: exactly one of choices, text, number."""

    key: Key = Field(description="题目代号，导出时的列名")
    ask: str = Field(min_length=1, description="问题文字")
    choices: list[Annotated[str, Field(min_length=1)]] | None = Field(
        None, min_length=1, max_length=50, description="选项，粉丝可回复序号或文字"
    )
    text: bool = Field(False, description="自由填写")
    number: NumberRules | None = Field(None, description="填数字")
    when: Mapping[str, list[str]] = Field(default_factory=dict, description="只在前面某题选了这些选项时才问")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.choices is not None) + self.text + (self.number is not None) != 1:
            raise wrong(
                "每个问题要有且只有一种回答方式：choices、text: true 或 number",
                "a question takes exactly one of choices, text: true, number",
            )
        if self.choices and len(set(self.choices)) != len(self.choices):
            twice = next(place for place, choice in enumerate(self.choices) if choice in self.choices[:place])
            raise wrong("选项有重复", "two choices are the same", "choices", twice)
        return self


class SurveyRules(Rules):
    """A survey as it is asked."""

    key: Key = Field(description="问卷代号，不要改：改了就是另一份问卷")
    title: str = Field(min_length=1, description="问卷标题")
    reward: RewardRules | None = Field(None, description="奖励，每位粉丝一份问卷只发一次")
    questions: list[Question] = Field(min_length=1, max_length=100, description="问题，按顺序问")

    @model_validator(mode="after")
    def _conditions_look_back(self) -> Self:
        before: dict[str, Question] = {}
        for place, question in enumerate(self.questions):
            here = ("questions", place)
            if question.key in before:
                raise wrong(f"有两个问题都叫 {question.key}", f"two questions are called {question.key}", *here, "key")
            for earlier, values in question.when.items():
                _check_condition(question.key, before.get(earlier), earlier, values, (*here, "when", earlier))
            before[question.key] = question
        return self

    def next_after(self, answers: Mapping[str, str]) -> Question | None:
        """The first question, in the file's order, that applies and is not answered; None when all are."""
        return next((q for q in self.questions if q.key not in answers and _applies(q, answers)), None)


def _check_condition(key: str, asked: Question | None, earlier: str, values: Sequence[str], here: Location) -> None:
    if asked is None:
        zh, en = f"{key} 的 when 提到了 {earlier}，但前面没有这个问题", f"{key}: when names {earlier}, which is not asked before it"
        raise wrong(zh, en, *here)
    for place, value in enumerate(values):
        if asked.choices is not None and value not in asked.choices:
            zh, en = f"{key} 的 when：{earlier} 没有选项“{value}”", f"{key}: when: {earlier} has no choice {value!r}"
            raise wrong(zh, en, *here, place)


def _applies(question: Question, answers: Mapping[str, str]) -> bool:
    return all(answers.get(earlier) in values for earlier, values in question.when.items())


survey_versions = Table(
    "survey_version",
    metadata,
    identity(),
    Column("survey", String(40), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("body", Text, nullable=False),  # the rules as JSON, as they were asked
    UniqueConstraint("survey", "digest"),
)

responses = Table(
    "response",
    metadata,
    identity(),
    follower_id(nullable=False),
    Column("survey", String(40), nullable=False),
    Column("survey_version_id", Id, ForeignKey("survey_version.id"), nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant),
    UniqueConstraint("follower_id", "survey"),
)
_FINISHED = responses.c.finished_at.is_not(None)
Index("ix_response_finished", responses.c.finished_at, sqlite_where=_FINISHED, postgresql_where=_FINISHED)

answers = Table(
    "answer",
    metadata,
    identity(),
    Column("response_id", Id, ForeignKey("response.id"), nullable=False),
    Column("question", String(40), nullable=False),
    Column("value", Text, nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("response_id", "question"),
)


class AlreadyAnswered(Refusal):
    """They have finished this survey. Details: title."""


class NotAnOption(Refusal):
    """The answer is none of the choices. Details: question (the whole question again)."""


class NotANumber(Refusal):
    """A number was asked for. Details: question, and min and max ('' where open)."""


class NumberOutOfRange(NotANumber):
    """The number is outside the range. Details: question, min, max."""


class EmptyAnswer(Refusal):
    """Text was asked for, and none came. Details: question."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that waits for its answer, the number-th of those asked so far."""

    survey: SurveyRules
    question: Question
    number: int
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class Finished:
    """The last answer is in. Nothing is granted where there is no reward or it had been paid before."""

    survey: SurveyRules
    granted: Granted
    balance: int


_PIN = (
    insert(survey_versions)
    .values(survey=bindparam("survey"), digest=bindparam("digest"), body=bindparam("body"))
    .on_conflict_do_nothing(index_elements=[survey_versions.c.survey, survey_versions.c.digest])
    .returning(survey_versions.c.id)
)
_PINNED = select(survey_versions.c.id).where(
    survey_versions.c.survey == bindparam("survey"), survey_versions.c.digest == bindparam("digest")
)
_START = (
    insert(responses)
    .values({name: bindparam(name) for name in ("follower_id", "survey", "survey_version_id", "started_at")})
    .on_conflict_do_nothing(index_elements=[responses.c.follower_id, responses.c.survey])
    .returning(responses.c.id)
)
_RESPONSE = (
    select(responses.c.id, responses.c.finished_at, survey_versions.c.body)
    .join(survey_versions)
    .where(responses.c.follower_id == bindparam("follower"), responses.c.survey == bindparam("survey"))
)
_ANSWERS = select(answers.c.question, answers.c.value).where(answers.c.response_id == bindparam("response")).order_by(answers.c.id)
_ANSWER = insert(answers).values({name: bindparam(name) for name in ("response_id", "question", "value", "at")})
_FINISH = (
    update(responses).where(responses.c.id == bindparam("response"), responses.c.finished_at.is_(None)).values(finished_at=bindparam("at"))
)


def start(db: Connection, follower: int, survey: SurveyRules, now: datetime) -> Asked:
    """Afterwards the follower has a response to this survey, pinned to it as it is now, or goes on with the one they had left.

    Raises AlreadyAnswered where they have finished it.
    """
    values = {"follower_id": follower, "survey": survey.key, "survey_version_id": _pin(db, survey), "started_at": now}
    new = db.execute(_START, values).scalar() is not None
    asked = waiting(db, follower, survey.key)
    if asked is None:
        raise AlreadyAnswered(title=survey.title)
    return Asked(asked.survey, asked.question, asked.number, resumed=not new and asked.number > 1)


def waiting(db: Connection, follower: int, survey: str) -> Asked | None:
    """The question of this survey that waits for the follower's answer; None where they never started or have finished."""
    row = db.execute(_RESPONSE, {"follower": follower, "survey": survey}).one_or_none()
    if row is None or row.finished_at is not None:
        return None
    pinned, given = SurveyRules.model_validate_json(row.body), _given(db, row.id)
    question = pinned.next_after(given)
    return Asked(pinned, question, len(given) + 1) if question else None


def record_answer(db: Connection, config: Config, follower: int, survey: str, said: str, now: datetime) -> Asked | Finished | None:
    """Afterwards the answer to the waiting question is stored, and the next question waits or the response is finished and paid.

    Raises NotAnOption, NotANumber, NumberOutOfRange or EmptyAnswer with nothing changed. None where no question waits.
    """
    row = db.execute(_RESPONSE, {"follower": follower, "survey": survey}).one_or_none()
    if row is None or row.finished_at is not None:
        return None
    pinned, given = SurveyRules.model_validate_json(row.body), _given(db, row.id)
    question = pinned.next_after(given)
    if question is None:
        return None
    value = understand(question, said)
    db.execute(_ANSWER, {"response_id": row.id, "question": question.key, "value": value, "at": now})
    given[question.key] = value
    following = pinned.next_after(given)
    if following:
        return Asked(pinned, following, len(given) + 1)
    db.execute(_FINISH, {"response": row.id, "at": now})
    return _pay(db, config, follower, pinned, now)


def understand(question: Question, said: str) -> str:
    """What the words mean as an answer to the question: a choice by its number or its text, a number in its range, or the text itself."""
    said = said.strip()
    if question.choices is not None:
        return _choice(question, question.choices, said)
    if question.number is not None:
        return _number(question, question.number, said)
    if not said:
        raise EmptyAnswer(question=question)
    return said


def _choice(question: Question, choices: list[str], said: str) -> str:
    # The text comes first: a survey may well have the choices 3, 2, 1.
    for choice in choices:
        if choice.strip().casefold() == said.casefold():
            return choice
    number = said.translate(_FULL_WIDTH).rstrip(".、。)）")
    if number.isascii() and number.isdigit() and len(number) <= 3 and 1 <= int(number) <= len(choices):
        return choices[int(number) - 1]
    raise NotAnOption(question=question)


_FULL_WIDTH = str.maketrans("０１２３４５６７８９．－＋", "0123456789.-+")
_NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d{1,9})?")


def _number(question: Question, rules: NumberRules, said: str) -> str:
    text = said.translate(_FULL_WIDTH)
    details = {"question": question, "min": _plain(rules.min), "max": _plain(rules.max)}
    if not _NUMBER.fullmatch(text) or (rules.whole and float(text) != int(float(text))):
        raise NotANumber(**details)
    value = float(text)
    if (rules.min is not None and value < rules.min) or (rules.max is not None and value > rules.max):
        raise NumberOutOfRange(**details)
    return _plain(value)


def _plain(value: float | None) -> str:
    return "" if value is None else str(int(value)) if value == int(value) else str(value)


def _given(db: Connection, response: int) -> dict[str, str]:
    return dict(db.execute(_ANSWERS, {"response": response}).all())


def _pin(db: Connection, survey: SurveyRules) -> int:
    # Only the rules: a subclass (the YAML section) may carry words and triggers, which are no part of what was asked.
    body = SurveyRules.model_validate(survey.model_dump(include=set(SurveyRules.model_fields))).model_dump_json()
    values = {"survey": survey.key, "digest": hashlib.sha256(body.encode()).hexdigest(), "body": body}
    new: int | None = db.execute(_PIN, values).scalar()
    return new if new is not None else db.execute(_PINNED, values).scalar_one()


def _pay(db: Connection, config: Config, follower: int, survey: SurveyRules, now: datetime) -> Finished:
    granted = reward.grant(db, config, follower, survey.reward, f"survey:{survey.key}", now) if survey.reward else Granted()
    return Finished(survey, granted, points.balance(db, follower))


def stored(db: Connection, survey: str) -> Iterable[Row[tuple[int, str, str]]]:
    """Every answer to a survey: follower_id, question, value."""
    columns = (responses.c.follower_id, answers.c.question, answers.c.value)
    return db.execute(select(*columns).join_from(answers, responses).where(responses.c.survey == survey).order_by(answers.c.id))
