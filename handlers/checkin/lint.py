"""YZ821, YZ822: make-ups that pay for themselves, reminders that fall into the quiet hours."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.checkin.section import CheckinSection
from models.clock import time_of_day, within
from models.config import Config, Problem
from models.push import PushSection


def check(config: Config) -> Iterator[Problem]:
    """What is allowed and hardly meant."""
    section = config[CheckinSection]
    rules = section.rules
    if rules.makeup_cost and rules.makeup_points >= rules.makeup_cost:
        yield Problem(
            ("checkin", "rules", "makeup_points"),
            f"补签花 {rules.makeup_cost} 积分，又给 {rules.makeup_points} 积分，等于不要钱；把它改小，或者改大 makeup_cost",
            f"a make-up costs {rules.makeup_cost} points and gives {rules.makeup_points}: it is free; make this smaller than makeup_cost",
            code="YZ821",
            there=("checkin", "rules", "makeup_cost"),
        )
    push = config.get(PushSection)
    if section.reminder is not None and push is not None and push.quiet_hours is not None:
        begin, end = (time_of_day(part) for part in push.quiet_hours.replace("–", "-").split("-"))
        if within(time_of_day(section.reminder.at), begin, end):
            yield Problem(
                ("checkin", "reminder", "at"),
                f"{section.reminder.at} 在免打扰时间（{push.quiet_hours}）里，提醒不会发出去，只会跟在下一次回复后面；把它提前",
                f"{section.reminder.at} lies in the quiet hours ({push.quiet_hours}): reminders are not sent; choose an earlier time",
                code="YZ822",
                there=("push", "quiet_hours"),
            )
