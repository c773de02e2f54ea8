"""What follows a reply: its `then`, and files that must be uploaded first. Queued as customer-service messages with the reply itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from handlers.routing import Context
from models import customer_message
from models.media import MediaSection
from wechat.client.custom import payload

FOLLOWS_WITHIN = timedelta(minutes=10)  # what answers a message and comes later answers nothing any more

_FILES = {"media_id": "media", "thumb_media_id": "thumb_media"}  # the platform's key, and ours for the name of a file


def queue(db: Connection, ctx: Context, now: datetime) -> bool:
    """Afterwards everything on `Context.follow_ups` waits for its time, once per message of theirs. Returns whether there is anything.

    It is due so long after now, while the reply itself leaves with the commit: they would cross only where the commit takes longer than
    `after`, which is a second at least. Where a commit takes so long that the reply is late as well, the reply is queued a moment after
    it and goes first among those that wait by then (tests/app/test_follow_ups.py).

    A message that could not be sent when it was due is sent until it is as late again as it was to come, and ten minutes at least.
    """
    if not ctx.follow_ups:
        return False
    section = ctx.config.get(MediaSection)
    known: Mapping[str, object] = section.root if section else {}
    queued = False
    for number, (after, reply) in enumerate(ctx.follow_ups, 1):
        message = payload(reply)
        if message is None:
            continue
        due = now + after
        expires = due + max(after, FOLLOWS_WITHIN)
        key = f"then:{ctx.inbound.key}:{number}"
        queued |= customer_message.queue(db, key, ctx.follower.id, _by_name(message, known), expires, now, not_before=due)
    return queued


def _by_name(message: Mapping[str, Any], known: Mapping[str, object]) -> dict[str, object]:
    """The message with the names of our files as names: they are uploaded when it is sent."""
    msgtype = message["msgtype"]
    content = {_FILES[key] if key in _FILES and value in known else key: value for key, value in message[msgtype].items()}
    return {"msgtype": msgtype, msgtype: content}
