"""The message of a run as one follower gets it: its variables filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from models.broadcast import Run
from models.config import fill
from models.delivery import Reserved


@dataclass(frozen=True, slots=True)
class Message:
    """What is handed to the platform; which parts count depends on the way it goes."""

    template: str = ""
    data: Mapping[str, str] | None = None
    url: str = ""
    text: str = ""


def compose(run: Run, reserved: Reserved, local: datetime) -> Message:
    """The run's content for this follower and the way chosen for them, at a time in the account's zone."""
    values = {
        "name": reserved.follower.name,
        "points": reserved.points,
        "date": f"{local.year}年{local.month}月{local.day}日",
        "time": f"{local:%H:%M}",
    }
    plan = run.plan
    data = {key: fill(text, values) for key, text in plan.data.items()}
    return Message(plan.template or "", data, fill(plan.url or "", values), fill(plan.text or "", values))
