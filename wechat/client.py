"""Calls to the platform's API: one deadline, one new token at most, and an honest "we do not know"."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import orjson

from wechat.errcodes import Action, Ambiguous, Garbled, PlatformError, action_of
from wechat.reply import clean, cut
from wechat.token import Token, Tokens, TokenStore
from wechat.transport import Transport

__all__ = ["Action", "Ambiguous", "Client", "Details", "Garbled", "PlatformError"]

BATCH = 100  # openids in one user/info/batchget
ONE_BY_ONE = 16  # calls in flight where the platform has no batchget

_SEND_TEMPLATE = "/cgi-bin/message/template/send"
_SEND_CUSTOM = "/cgi-bin/message/custom/send"
_BATCHGET = "/cgi-bin/user/info/batchget"


@dataclass(frozen=True, slots=True)
class Details:
    """What the platform still tells about a follower: since 2021-12-27 neither name nor picture. Only the first two if unsubscribed."""

    openid: str
    subscribed: bool
    subscribed_at: int | None = None
    tag_ids: tuple[int, ...] = ()
    scene: str = ""
    remark: str = ""


class Client:
    """The API of one account.

    Every method raises PlatformError when the platform refuses, and its subclass Ambiguous when nobody can know whether it accepted:
    no answer within `deadline` seconds, a broken connection, HTTP 5xx, anything but the platform's JSON, or its "system busy" (-1).
    A refused access token costs one refresh and one more try. A call for which no token could be had was not made: never Ambiguous.
    """

    def __init__(
        self,
        *,
        app_id: str,
        secret: str,
        api_base: str,
        store: TokenStore,
        clock: Callable[[], datetime],
        deadline: float = 5.0,
        connections: int = 256,
    ) -> None:
        self._app_id = app_id
        self._secret = secret
        self._transport = Transport(api_base, deadline, connections)
        self._tokens = Tokens(self._fetch_token, store, clock)
        self._has_batchget = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def template_send(
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
        answer = await self._call("POST", _SEND_TEMPLATE, payload=payload)
        return str(_needed(answer, "msgid", int, str))

    async def custom_send_text(self, openid: str, text: str) -> None:
        """The text, cut to 2,048 bytes, is accepted. The platform has no key to repeat this call safely: after Ambiguous, do not."""
        payload = {"touser": openid, "msgtype": "text", "text": {"content": cut(clean(text))}}
        _needed(await self._call("POST", _SEND_CUSTOM, payload=payload), "errcode", int)  # an empty object is no yes

    async def followers(self) -> AsyncIterator[list[str]]:
        """All openids, in pages of up to 10,000."""
        cursor = ""
        while True:
            answer = await self._call("GET", "/cgi-bin/user/get", {"next_openid": cursor})
            _needed(answer, "count", int)
            # The last page that holds anyone names a next one all the same, and that has no `data`.
            data = answer.get("data")
            page = data.get("openid") if isinstance(data, dict) else None
            if not page:
                return
            yield page
            following = answer.get("next_openid")
            if not isinstance(following, str) or following in ("", cursor):
                return
            cursor = following

    async def follower_details(self, openids: Sequence[str]) -> list[Details]:
        """One entry per openid (at most 100, else ValueError), by one call, or one call each where the platform has no such call."""
        if len(openids) > BATCH:
            raise ValueError(f"at most {BATCH} openids at a time, not {len(openids)}")
        if self._has_batchget:
            try:
                return await self._details_in_one(openids)
            except Garbled as error:
                self._has_batchget = error.status != 404
        details: list[Details] = []
        for start in range(0, len(openids), ONE_BY_ONE):
            details += await _all(self._details_of(openid) for openid in openids[start : start + ONE_BY_ONE])
        return details

    async def tags(self) -> dict[int, str]:
        """The name of every tag by its id."""
        answer = await self._call("GET", "/cgi-bin/tags/get")
        return {_needed(tag, "id", int): _needed(tag, "name", str) for tag in _needed(answer, "tags", list)}

    async def templates(self) -> list[dict[str, str]]:
        """Every template of the account in the platform's terms: template_id, title, content, example …"""
        answer = await self._call("GET", "/cgi-bin/template/get_all_private_template")
        return list(_needed(answer, "template_list", list))

    async def _details_in_one(self, openids: Sequence[str]) -> list[Details]:
        if not openids:
            return []
        payload = {"user_list": [{"openid": openid, "lang": "zh_CN"} for openid in openids]}
        return [_details(entry) for entry in _needed(await self._call("POST", _BATCHGET, payload=payload), "user_info_list", list)]

    async def _details_of(self, openid: str) -> Details:
        try:
            return _details(await self._call("GET", "/cgi-bin/user/info", {"openid": openid, "lang": "zh_CN"}))
        except PlatformError as error:
            if error.action is not Action.FOLLOWER:
                raise
            return Details(openid, subscribed=False)

    async def _call(
        self, method: str, path: str, query: Mapping[str, str] | None = None, payload: Mapping[str, object] | None = None
    ) -> dict[str, object]:
        token = await self._nothing_sent_yet(self._tokens.get())
        try:
            return await self._ask(token, method, path, query, payload)
        except PlatformError as error:
            if error.action is not Action.REFRESH_TOKEN:
                raise
        token = await self._nothing_sent_yet(self._tokens.refused(token))
        return await self._ask(token, method, path, query, payload)

    async def _ask(
        self, token: Token, method: str, path: str, query: Mapping[str, str] | None, payload: Mapping[str, object] | None
    ) -> dict[str, object]:
        body = b"" if payload is None else orjson.dumps(payload)  # raw UTF-8: the platform takes \u escapes literally (40033)
        status, answer = await self._transport.ask(method, path, {"access_token": token.value, **(query or {})}, body)
        return _accepted(status, answer, (token.value, self._secret))

    async def _nothing_sent_yet(self, token: Awaitable[Token]) -> Token:
        try:
            return await token
        except Ambiguous as error:
            raise PlatformError(error.errcode, f"no access token: {error.errmsg}", Action.RETRY) from None

    async def _fetch_token(self) -> tuple[str, int]:
        payload = {"grant_type": "client_credential", "appid": self._app_id, "secret": self._secret}
        status, body = await self._transport.ask("POST", "/cgi-bin/stable_token", {}, orjson.dumps(payload))
        try:
            answer = _accepted(status, body, (self._secret,))
        except PlatformError as error:
            if error.action is Action.REFRESH_TOKEN:  # here 40001 means that the secret is wrong
                raise PlatformError(error.errcode, error.errmsg, Action.CONFIG) from None
            raise
        value, seconds = _needed(answer, "access_token", str), _needed(answer, "expires_in", int)
        return value, seconds


def _accepted(status: int, body: bytes, secrets: tuple[str, ...]) -> dict[str, object]:
    """The platform's answer if it is a yes, else raises PlatformError, Ambiguous or Garbled."""
    if status >= 500:
        raise Ambiguous(-1, f"HTTP {status}")
    try:
        answer: dict[str, object] = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Garbled(status) from None
    errcode = answer.get("errcode", 0 if status == 200 else None) if isinstance(answer, dict) else None
    if type(errcode) is not int:
        raise Garbled(status)
    if action_of(errcode) is not Action.DONE:
        kind = Ambiguous if errcode == -1 else PlatformError
        raise kind(errcode, _discreet(str(answer.get("errmsg", "")), secrets))
    return answer


def _needed(answer: Any, name: str, *kinds: type) -> Any:
    value = answer.get(name) if isinstance(answer, dict) else None
    if type(value) not in kinds:
        raise Garbled(200)
    return value


def _details(entry: Any) -> Details:
    openid = _needed(entry, "openid", str)
    if not _needed(entry, "subscribe", int):
        return Details(openid, subscribed=False)
    tag_ids = tuple(_needed(entry, "tagid_list", list)) if "tagid_list" in entry else ()
    scene, remark = str(entry.get("subscribe_scene", "")), str(entry.get("remark", ""))
    return Details(openid, True, entry.get("subscribe_time"), tag_ids, scene, remark)


async def _all(calls: Iterable[Awaitable[Details]]) -> list[Details]:
    """Waits for every call, then raises the first error if there was one: nothing goes on behind the caller's back."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if isinstance(result, Details)]


def _discreet(errmsg: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        errmsg = errmsg.replace(secret, "…")
    return errmsg[:200]
