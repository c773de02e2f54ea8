"""What a broadcast with `passive` has to say to a follower is said below our next reply to them."""

from __future__ import annotations

from collections.abc import Callable

from handlers.routing import Context, Feature
from models import passive
from models.broadcast import BroadcastsSection
from models.config import Config


def _postscript(section: BroadcastsSection) -> Callable[[Context], str | None]:
    return lambda ctx: passive.say(ctx.db, ctx.config, ctx.follower.id, ctx.now)


def _waits(config: Config) -> BroadcastsSection | None:
    section = config.get(BroadcastsSection)
    return section if section and any(planned.passive for planned in section.root) else None


# Off where no broadcast has `passive`: then nobody asks the database.
feature = Feature(name="passive", postscript=_postscript, default=_waits)
