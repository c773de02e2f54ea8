"""Subscription notices: what a follower asked for, one notice per permission."""

from __future__ import annotations

from collections.abc import Mapping

from wechat.client.caller import Caller, agreed
from wechat.reply import clean


class Subscriptions:
    """Sends them. The platform has no key to repeat such a call safely: after Ambiguous, do not."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def send(
        self,
        openid: str,
        template_id: str,
        data: Mapping[str, str],
        *,
        page: str = "",
        miniprogram: Mapping[str, str] | None = None,
    ) -> None:
        """The notice is accepted (subscribe_msg_sent_event tells how it went) and one permission used; without any 43101 is raised."""
        payload: dict[str, object] = {"touser": openid, "template_id": template_id}
        payload["data"] = {name: {"value": clean(value)} for name, value in data.items()}
        if page:
            payload["page"] = page
        if miniprogram:
            payload["miniprogram"] = dict(miniprogram)
        agreed(await self._caller.send("/cgi-bin/message/subscribe/bizsend", payload))
