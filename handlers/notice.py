"""Notices: what a follower should know is said below our next reply to them."""

from __future__ import annotations

from collections.abc import Callable

from handlers.routing import Context, Feature
from models import notice
from models.config import Config
from models.notice import LeavesNotices


def _postscript(section: LeavesNotices) -> Callable[[Context], str | None]:
    return lambda ctx: "\n".join(notice.tell(ctx.db, ctx.follower.id, ctx.now)) or None


def _leaver(config: Config) -> LeavesNotices | None:
    return next((one for one in config.sections.values() if isinstance(one, LeavesNotices) and one.leaves_notices), None)


# Off where no section leaves notices: then nobody asks the database.
feature = Feature(name="notice", postscript=_postscript, default=_leaver)
