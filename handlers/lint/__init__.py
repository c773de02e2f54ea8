"""Warnings: what a good file says that may be meant differently, each with a code and a heading in docs/handbook/lint.md."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from functools import partial

from handlers.lint import alone, board, broadcast, content, coupon, earning, effect, mass, question, reply, route, shadow, survey, trigger
from handlers.routing import Feature
from models.clock import business_day
from models.config import Config, Problem

Lint = Callable[[Config], Iterable[Problem]]


def lints(features: Sequence[Feature], now: datetime) -> list[Lint]:
    """Every look that is taken at a configuration, each on its own, so that a broken section silences only those that ask for it."""
    return [
        shadow.shadowed,
        partial(_dated, alone.contradictory, now),
        alone.impossible,
        alone.hours,
        partial(trigger.hidden, features=features),
        trigger.unsaid,
        reply.texts,
        reply.composed,
        survey.unreached,
        partial(question.taken, features=features),
        partial(_dated, broadcast.unsent, now),
        broadcast.drafts,
        partial(_dated, mass.beyond_the_month, now),
        content.contents,
        route.unlawful,
        effect.unmeasured,
        effect.journeys,
        partial(_dated, coupon.unusable, now),
        board.unfed,
        partial(_dated, earning.over, now),
        earning.untriggered,
        earning.capped,
    ]


def _dated(lint: Callable[[Config, date], Iterator[Problem]], now: datetime, config: Config) -> Iterator[Problem]:
    return lint(config, business_day(now, config.zone))
