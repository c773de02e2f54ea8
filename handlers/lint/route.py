"""YZ911, YZ912: broadcasts that advertise where only service notices may go, and those outside the limits that nobody asked for."""

from __future__ import annotations

from collections.abc import Iterator

from models.broadcast import BroadcastsSection
from models.config import Config, Problem
from models.push import SERVICE_WAYS, WAY_NAMES


def unlawful(config: Config) -> Iterator[Problem]:
    """What is written for a way that marketing may not go, and exemptions without the followers' consent."""
    section = config.get(BroadcastsSection)
    for number, planned in enumerate(section.root if section else ()):
        where = ("broadcasts", number)
        shut = [way for way in planned.ways if way in SERVICE_WAYS] if planned.is_marketing else []
        if shut and len(shut) == len(planned.ways):
            zh = (
                f"群发“{planned.key}”是营销，可是只有{'和'.join(WAY_NAMES[way] for way in shut)}：平台不许，到点也不会发。写上 text 或 mass"
            )
            en = f"{planned.key!r} is marketing and has no way that marketing may go: it will not be sent. Write text or mass"
            yield Problem((*where, "purpose"), zh, en, "YZ911")
        elif shut:
            zh = f"群发“{planned.key}”是营销，{'、'.join(shut)} 这里写了也用不上：营销只走客服消息和群发消息"
            en = f"{planned.key!r} is marketing: {', '.join(shut)} will not be used"
            yield Problem((*where, "purpose"), zh, en, "YZ911")
        if planned.exempt and planned.topic is None:
            zh = f"群发“{planned.key}”写了 exempt 却没有 topic：不占上限的应该是粉丝自己订阅的"
            en = f"{planned.key!r} is exempt but has no topic: what is outside the limits should be what followers asked for"
            yield Problem((*where, "exempt"), zh, en, "YZ912")
