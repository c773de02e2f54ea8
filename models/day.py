"""Days as config.yaml writes them: one, a stretch of them, holidays by their names."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from models.config import Looks, Rules, wrong
from models.holiday import NAMES

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _written(value: Any) -> Any:
    """A day as it is written in YAML. Here, because what comes out of a validator before is read as Python, not as JSON."""
    try:
        return date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else value
    except ValueError:
        return value


BusinessDay = Annotated[date, BeforeValidator(_written, json_schema_input_type=date)]


class Dates(Rules):
    """A stretch of days, both ends in it."""

    from_: BusinessDay | None = Field(None, alias="from", description="从哪天，例如 2026-12-01；不写就一直有效")
    to: BusinessDay | None = Field(None, description="到哪天（含），例如 2026-12-31；不写就一直有效")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.from_ is None and self.to is None:
            raise wrong("dates 里要有 from 或 to", "dates needs from or to")
        if self.from_ and self.to and self.to < self.from_:
            raise wrong("dates 的 to 在 from 之前，永远不会匹配", "dates: `to` is before `from`, this never matches", "to")
        return self

    def __contains__(self, day: date) -> bool:
        return (self.from_ is None or self.from_ <= day) and (self.to is None or day <= self.to)


def _one_day(value: Any) -> Any:
    return {"from": value, "to": value} if isinstance(value, str) else value


def _listed_spans(value: Any) -> Any:
    return [value] if isinstance(value, str | dict) else value


def _known_holiday(name: str) -> str:
    if name not in NAMES:
        raise wrong(f"没有节假日 {name}；可以写：{'、'.join(NAMES)}", f"no holiday {name!r}; there are: {', '.join(NAMES)}")
    return name


SomeDates = Annotated[
    list[Annotated[Dates, BeforeValidator(_one_day, json_schema_input_type=Dates | str)]],
    BeforeValidator(_listed_spans, json_schema_input_type=list[Dates | str] | Dates | str),
    Field(min_length=1),
]
Holidays = bool | Annotated[list[Annotated[str, AfterValidator(_known_holiday), Looks(words=tuple(NAMES))]], Field(min_length=1)]


def is_holiday(wanted: bool | list[str], name: str | None) -> bool:
    """Whether a day with this holiday, or none, is what is wanted: any, none, or some by their names."""
    return (name is not None) == wanted if isinstance(wanted, bool) else name in wanted
