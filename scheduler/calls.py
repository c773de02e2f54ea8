"""The calls: how a message goes each way. One call is one attempt; what its answer means is the sender's to say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from models.message import Message
from models.route import REPEATABLE
from wechat.client import Client
from wechat.client.custom import payload
from wechat.errcodes import PlatformError
from wechat.reply import Text

__all__ = ["CALLS", "REPEATABLE", "Call"]

# The client, the follower's openid, the message, and the delivery's key: the same at every attempt. Returns the platform's number, where
# it gives one. Raises PlatformError and Ambiguous.
Call = Callable[[Client, str, Message, str], Awaitable[str | None]]
EMPTY = 44004  # the platform's code for a message without content


async def customer_message(client: Client, openid: str, message: Message, key: str) -> str | None:
    """A customer-service message. The platform gives it no number and knows no key: it cannot be repeated."""
    shaped = payload(Text(message.text))
    if shaped is None:
        raise PlatformError(EMPTY, "nothing to say")
    await client.custom.send(openid, shaped)
    return None


async def subscription(client: Client, openid: str, message: Message, key: str) -> str | None:
    """A subscription notice. Its number comes with the report on it only, and no key makes it safe to repeat."""
    await client.subscription.send(openid, message.template, message.data or {}, page=message.url)
    return None


async def template(client: Client, openid: str, message: Message, key: str) -> str | None:
    """A template message."""
    return await client.template.send(openid, message.template, message.data or {}, url=message.url, client_msg_id=key)


CALLS: Mapping[str, Call] = {"customer_message": customer_message, "subscription": subscription, "template": template}
