"""What a broadcast says, as a page shows it: for each way it may go, its parts as they are written."""

from __future__ import annotations

from typing import NamedTuple

from models.broadcast import Broadcast
from models.push import WAY_NAMES


class Content(NamedTuple):
    """What is said by one way: its title, and the parts with their names."""

    title: str
    parts: list[tuple[str, str]]


def contents(planned: Broadcast) -> list[Content]:
    """Everything that followers may read, with its {variables}."""
    found = []
    if planned.text is not None:
        found.append(Content(WAY_NAMES["customer_message"], [("", planned.text)]))
    if planned.subscription is not None:
        notice = planned.subscription
        found.append(Content(f"{WAY_NAMES['subscription']} {notice.template}", [(key, str(text)) for key, text in notice.data.items()]))
    if planned.template is not None:
        parts = [(key, str(text)) for key, text in planned.data.items()]
        found.append(Content(f"{WAY_NAMES['template']} {planned.template}", [*parts, *([("点开", planned.url)] if planned.url else [])]))
    if planned.mass is not None:
        mass = planned.mass
        said = mass.text or (f"图片 {mass.image}" if mass.image else f"草稿箱里的图文 {mass.draft}")
        found.append(Content(WAY_NAMES["mass"], [("", said)]))
    for variant in planned.variants:
        parts = [(key, str(text)) for key, text in (variant.data or {}).items()]
        parts += [(name, text) for name, text in (("", variant.text), ("点开", variant.url)) if text]
        found.append(Content(f"版本 {variant.key}", parts))
    return found
