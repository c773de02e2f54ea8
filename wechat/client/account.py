"""The account's standing with the platform: quotas, addresses, a look at whether the platform reaches us."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from wechat.client.caller import SLOW, Answer, Caller, needed, objects, strings

Check = Literal["all", "dns", "ping"]
Operator = Literal["DEFAULT", "CHINANET", "UNICOM", "CAP"]


@dataclass(frozen=True, slots=True)
class Quota:
    """Calls of one API in a day. Used up, it comes back at midnight in Shanghai, or by a person's hand in the console."""

    daily_limit: int
    used: int
    remain: int


class Account:
    """What can be asked about the account itself."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def quota(self, path: str) -> Quota:
        """How far this API (its path, "/cgi-bin/…") is used up today."""
        quota = needed(await self._caller.post("/cgi-bin/openapi/quota/get", {"cgi_path": path}), "quota", dict)
        return Quota(needed(quota, "daily_limit", int), needed(quota, "used", int), needed(quota, "remain", int))

    async def callback_ips(self) -> list[str]:
        """The addresses, or ranges of them, from which the platform pushes to us."""
        return strings(await self._caller.get("/cgi-bin/getcallbackip"), "ip_list")

    async def check_callback(self, check: Check = "all", operator: Operator = "DEFAULT") -> Answer:
        """What the platform sees of our server, within a minute: {"dns": [{ip, real_operator}], "ping": [{ip, package_loss, time …}]}."""
        answer = await self._caller.post("/cgi-bin/callback/check", {"action": check, "check_operator": operator}, SLOW)
        for part in ("dns", "ping") if check == "all" else (check,):
            objects(answer, part)
        return answer

    async def rid(self, rid: str) -> dict[str, Any]:
        """The failed call of the last seven days that has this rid: request_url, request_body … It may show an access token: never log it."""
        request: dict[str, Any] = needed(await self._caller.post("/cgi-bin/openapi/rid/get", {"rid": rid}), "request", dict)
        return request
