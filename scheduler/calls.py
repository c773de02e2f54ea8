"""The calls: how a message goes each way. One call is one attempt; what its answer means is the sender's to say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from models.message import Message
from wechat.client import Client

# The client, the follower's openid, the message, and the delivery's key: the same at every attempt. Returns the platform's number, where
# it gives one. Raises PlatformError and Ambiguous.
Call = Callable[[Client, str, Message, str], Awaitable[str | None]]


async def template(client: Client, openid: str, message: Message, key: str) -> str | None:
    """A template message."""
    return await client.template.send(openid, message.template, message.data or {}, url=message.url, client_msg_id=key)


CALLS: Mapping[str, Call] = {"template": template}
REPEATABLE = frozenset({"template"})  # the platform recognises a repeated call by its key: after no answer it may be made again
