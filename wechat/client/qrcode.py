"""QR codes that carry a scene: who scans one comes with it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from wechat.client.caller import Caller, needed

LONGEST_SCENE = 64  # characters
LONGEST = 2_592_000  # seconds, 30 days
_PICTURES = "https://mp.weixin.qq.com"


@dataclass(frozen=True, slots=True)
class QrCode:
    """`url` is what the picture says, `ticket` where to find the picture; `seconds` it is good for, None for ever."""

    ticket: str
    url: str
    seconds: int | None


class QrCodes:
    """Makes them. An account has at most 100,000 permanent ones (45029)."""

    def __init__(self, caller: Caller, api_base: str) -> None:
        self._caller = caller
        self._api_base = api_base

    async def create(self, scene: str, *, seconds: int | None = None) -> QrCode:
        """A code for `scene` (1 to 64 characters), good for `seconds` (at most 30 days) or, without, for ever. Else ValueError."""
        if not 0 < len(scene) <= LONGEST_SCENE:
            raise ValueError(f"a scene has 1 to {LONGEST_SCENE} characters")
        if seconds is not None and not 0 < seconds <= LONGEST:
            raise ValueError(f"a code is good for 1 to {LONGEST} seconds")
        payload: dict[str, object] = {"action_name": "QR_LIMIT_STR_SCENE", "action_info": {"scene": {"scene_str": scene}}}
        if seconds is not None:
            payload |= {"action_name": "QR_STR_SCENE", "expire_seconds": seconds}
        answer = await self._caller.post("/cgi-bin/qrcode/create", payload)
        good_for = None if seconds is None else needed(answer, "expire_seconds", int)
        return QrCode(needed(answer, "ticket", str), needed(answer, "url", str), good_for)

    def picture_url(self, ticket: str) -> str:
        """Where anybody finds the picture; it needs no token."""
        return picture_url(self._api_base, ticket)


def picture_url(api_base: str, ticket: str) -> str:
    """Where anybody finds the picture of this ticket: the official API has a host of its own for them, any other has them itself."""
    official = (urlsplit(api_base).hostname or "").endswith(".weixin.qq.com")
    return f"{_PICTURES if official else api_base.rstrip('/')}/cgi-bin/showqrcode?ticket={quote(ticket, safe='')}"
