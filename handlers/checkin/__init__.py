"""Check-in: 签到 once a day, 补签 for a day that was missed, 签到日历, 签到排行 and 签到提醒."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from handlers.checkin import makeup, month, ranking, reminder, today
from handlers.checkin.lint import check
from handlers.checkin.section import CheckinSection
from handlers.routing import Answer, Context, Feature, Trigger, normal, worded
from wechat.reply import Reply

__all__ = ["CheckinSection", "feature"]


def _triggers(section: CheckinSection) -> Iterator[Trigger]:
    yield from _words(section, "triggers", section.triggers, today.answering(section))
    yield from _words(section, "makeup_triggers", section.makeup_triggers, lambda ctx: makeup.answer(ctx, section, None))
    yield from _words(section, "calendar_triggers", section.calendar_triggers, lambda ctx: month.answer(ctx, section, ""))
    yield from _words(section, "rank_triggers", section.rank_triggers, lambda ctx: ranking.answer(ctx, section))
    if section.reminder is not None:
        yield from _words(section, "remind_triggers", section.remind_triggers, lambda ctx: reminder.ask(ctx, section))
        yield from _words(section, "no_remind_triggers", section.no_remind_triggers, lambda ctx: reminder.stop(ctx, section), always=True)


def _words(section: CheckinSection, key: str, words: Iterable[str], answer: Answer, *, always: bool = False) -> Iterator[Trigger]:
    for number, word in enumerate(words):
        yield Trigger(("checkin", key, number), word, answer, section.replies, always)


def _listens(section: CheckinSection) -> Answer:
    """Answers 补签 and 签到日历 with something after them, where that is a day or a month."""
    makeups = tuple(map(normal, section.makeup_triggers))
    calendars = tuple(map(normal, section.calendar_triggers))

    def answer(ctx: Context) -> Reply | None:
        text = normal(ctx.text)
        if text.startswith(calendars) and (rest := _after(text, calendars)):
            return worded(ctx, lambda c: month.answer(c, section, rest), section.replies)
        if text.startswith(makeups) and (rest := _after(text, makeups)):
            return worded(ctx, lambda c: makeup.answer(c, section, rest), section.replies)
        return None

    return answer


def _after(text: str, words: tuple[str, ...]) -> str:
    return text.removeprefix(max((word for word in words if text.startswith(word)), key=len)).strip()


feature = Feature(name="checkin", section=CheckinSection, triggers=_triggers, listens=_listens, checks=check)
