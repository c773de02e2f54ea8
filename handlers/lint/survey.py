"""YZ301: survey questions that nobody is ever asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from handlers.survey import SurveysSection
from models.config import Config, Problem
from models.refusal import Refusal
from models.survey import Question, SurveyRules, understand


def unreached(config: Config) -> Iterator[Problem]:
    """Questions whose `when` no answers could meet, even by way of the questions that it names."""
    section = config.get(SurveysSection)
    for number, one in enumerate(section.root if section else ()):
        for place, why in _unreached(one):
            question = one.questions[place]
            yield Problem(
                ("surveys", number, "questions", place, "when"),
                f"永远问不到“{question.key}”：{why[0]}",
                f"nobody is ever asked {question.key!r}: {why[1]}",
                "YZ301",
            )


def _unreached(survey: SurveyRules) -> Iterator[tuple[int, tuple[str, str]]]:
    """The places of questions that are never asked, and why (Chinese, English)."""
    asked = {question.key: question for question in survey.questions}
    needs: dict[str, Mapping[str, set[str]]] = {}  # what must have been answered where a question is asked
    for place, question in enumerate(survey.questions):
        needed = {key: {value for value in values if _possible(asked[key], value)} for key, values in question.when.items()}
        empty = next((key for key, values in needed.items() if not values), None)
        for earlier in question.when:
            for key, values in needs[earlier].items():
                needed[key] = needed[key] & values if key in needed else values
        needs[question.key] = needed
        clash = next((key for key, values in needed.items() if not values), None)
        if empty is not None:
            yield place, _no_such_answer(empty, question.when[empty])
        elif clash is not None:
            yield place, _contradiction(clash, question, needs)


def _possible(question: Question, value: str) -> bool:
    """Whether this is ever stored as the answer to the question."""
    if question.choices is not None:  # each can be taken by its number
        return value in question.choices
    try:
        return understand(question, value) == value
    except Refusal:
        return False


def _no_such_answer(key: str, values: list[str]) -> tuple[str, str]:
    if not values:
        return f"when 里 {key} 后面一个答案也没写", f"`when` has no answer for {key}"
    said = "、".join(f"“{value}”" for value in values)
    return f"“{key}”的答案不会是{said}", f"the answer to {key} is never {', '.join(values)}"


def _contradiction(key: str, question: Question, needs: Mapping[str, Mapping[str, set[str]]]) -> tuple[str, str]:
    earlier = next((one for one in question.when if not all(needs[one].values())), None)
    if earlier is not None:
        return f"它要先回答“{earlier}”，而“{earlier}”也永远问不到", f"it waits for {earlier}, which nobody is asked either"
    return (
        f"它要的“{key}”的答案，和它前面那题要的没有一个相同",
        f"the answers to {key} that it wants and those that lead to the question before it have nothing in common",
    )
