"""Who opened our web page: the code the platform sent with them, exchanged for an openid and, with their consent, a name and picture.

The token here is that of one person's visit. It is another thing than the account's access token and never put in its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wechat.client.caller import Answer, accepted, needed
from wechat.errcodes import Action, PlatformError
from wechat.http import Http
from wechat.transport import Transport


@dataclass(frozen=True, slots=True)
class Grant:
    """What a person granted. `token` is good for `seconds` (7,200), `refresh_token` for 30 days; `unionid` may be empty.

    `is_snapshot_user`: a virtual visitor of the platform's snapshot page. Bind nothing to that openid.
    """

    openid: str
    token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    seconds: int
    scope: str
    is_snapshot_user: bool = False
    unionid: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """How a person shows themselves to us; names and pictures are the person's own words and may be empty."""

    openid: str
    nickname: str
    picture: str
    unionid: str = ""


class OAuth:
    """Calls under /sns. Action.AUTHORIZE of a PlatformError: send the person through authorize_url once more."""

    def __init__(self, transport: Http | Transport, app_id: str, secret: str) -> None:
        self._transport = transport
        self._app_id = app_id
        self._secret = secret

    async def grant(self, code: str) -> Grant:
        """What the person with this code granted. A code is good once, for five minutes (40029, 40163, 42003)."""
        query = {"appid": self._app_id, "secret": self._secret, "code": code, "grant_type": "authorization_code"}
        return _grant(await self._ask("/sns/oauth2/access_token", query, code))

    async def refresh(self, refresh_token: str) -> Grant:
        """The same grant with a fresh token (40030, 42002)."""
        query = {"appid": self._app_id, "grant_type": "refresh_token", "refresh_token": refresh_token}
        return _grant(await self._ask("/sns/oauth2/refresh_token", query, refresh_token))

    async def person(self, token: str, openid: str) -> Person:
        """Name and picture of a person who granted snsapi_userinfo; 48001 for one who granted less."""
        answer = await self._ask("/sns/userinfo", {"access_token": token, "openid": openid, "lang": "zh_CN"}, token)
        texts = (str(answer.get(name, "")) for name in ("nickname", "headimgurl", "unionid"))
        return Person(needed(answer, "openid", str), *texts)

    async def _ask(self, path: str, query: Mapping[str, str], secret: str) -> Answer:
        status, answer = await self._transport.ask("GET", path, query, b"")
        try:
            return accepted(status, answer, (self._secret, secret))
        except PlatformError as error:
            if error.action is not Action.REFRESH_TOKEN:
                raise
            raise PlatformError(error.errcode, error.errmsg, Action.AUTHORIZE) from None  # that person's token, not the account's


def _grant(answer: Answer) -> Grant:
    return Grant(
        openid=needed(answer, "openid", str),
        token=needed(answer, "access_token", str),
        refresh_token=needed(answer, "refresh_token", str),
        seconds=needed(answer, "expires_in", int),
        scope=needed(answer, "scope", str),
        is_snapshot_user=answer.get("is_snapshotuser") in (1, "1", True),
        unionid=str(answer.get("unionid", "")),
    )
