"""Template messages."""

from __future__ import annotations

from collections.abc import Mapping

from wechat.client.caller import Caller, Objects, agreed, needed, objects
from wechat.reply import clean


class Templates:
    """What the platform sends by template."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def send(
        self,
        openid: str,
        template_id: str,
        data: Mapping[str, str],
        *,
        url: str = "",
        miniprogram: Mapping[str, str] | None = None,
        client_msg_id: str,
    ) -> str:
        """The message is accepted (not yet delivered: TEMPLATESENDJOBFINISH tells), once within ten minutes per client_msg_id.

        Returns the platform's msgid, which that event carries too.
        """
        payload: dict[str, object] = {"touser": openid, "template_id": template_id, "client_msg_id": client_msg_id}
        payload["data"] = {name: {"value": clean(value)} for name, value in data.items()}
        if url:
            payload["url"] = url
        if miniprogram:
            payload["miniprogram"] = dict(miniprogram)
        return str(needed(await self._caller.send("/cgi-bin/message/template/send", payload), "msgid", int, str))

    async def list(self) -> Objects:
        """Every template of the account in the platform's terms: template_id, title, content, example …"""
        return objects(await self._caller.get("/cgi-bin/template/get_all_private_template"), "template_list")

    async def delete(self, template_id: str) -> None:
        """The account has this template no longer; messages by it are refused from now on (40037)."""
        agreed(await self._caller.post("/cgi-bin/template/del_private_template", {"template_id": template_id}))
