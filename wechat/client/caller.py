"""What all calls to the platform share: the access token, one refresh, a total deadline, and what counts as a yes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, TypeVar

import orjson

from wechat.errcodes import Action, Ambiguous, Busy, Garbled, PartlyFailed, PlatformError, action_of
from wechat.http import Http
from wechat.token import Token, Tokens, TokenStore
from wechat.transport import JSON, Transport

PARTLY_FAILED = 45171
SLOW = 60.0  # seconds for a call that moves a file or makes the platform try something out

Answer = dict[str, Any]
Objects = list[dict[str, Any]]
T = TypeVar("T")
Read = Callable[[int, bytes, tuple[str, ...]], T]
_NOTHING: Mapping[str, str] = {}
_WANTED: ContextVar[Callable[[], bool] | None] = ContextVar("wanted", default=None)


@contextmanager
def only_while(wanted: Callable[[], bool]) -> Iterator[None]:
    """A message sent inside asks `wanted` right before its request goes out, and raises NotMade where that says no.

    Before that, a call may wait for a token or a connection, and its process may be stopped and continued while it does.
    """
    before = _WANTED.set(wanted)
    try:
        yield
    finally:
        _WANTED.reset(before)


class Caller:
    """Calls that need the account's access token. A refused one costs one refresh and one more try, never more."""

    def __init__(
        self, http: Http | Transport, line: Transport, app_id: str, secret: str, store: TokenStore, clock: Callable[[], datetime]
    ) -> None:
        self._http = http
        self._line = line
        self._app_id = app_id
        self._secret = secret
        self._tokens = Tokens(self._fetch_token, store, clock)

    def get(self, path: str, query: Mapping[str, str] = _NOTHING) -> Coroutine[Any, Any, Answer]:
        """The platform's answer to a GET."""
        return self._call(accepted, "GET", path, query)

    def post(self, path: str, payload: Mapping[str, object], deadline: float | None = None) -> Coroutine[Any, Any, Answer]:
        """The platform's answer to `payload`, sent as raw UTF-8: it takes \\u escapes literally (40033)."""
        return self._call(accepted, "POST", path, _NOTHING, orjson.dumps(payload), deadline=deadline)

    def send(self, path: str, payload: Mapping[str, object]) -> Coroutine[Any, Any, Answer]:
        """As `post`, over the connections that many messages a second go over; `only_while` is asked right before it goes out."""
        return self._call(accepted, "POST", path, _NOTHING, orjson.dumps(payload), line=self._line)

    def upload(self, path: str, query: Mapping[str, str], body: bytes, content_type: str) -> Coroutine[Any, Any, Answer]:
        """The platform's answer to a file, within a minute."""
        return self._call(accepted, "POST", path, query, body, content_type, SLOW)

    def download(self, path: str, query: Mapping[str, str]) -> Coroutine[Any, Any, bytes | Answer]:
        """The file, or what the platform says in its stead, within a minute."""
        return self._call(accepted_file, "GET", path, query, deadline=SLOW)

    async def _call(
        self,
        read: Read[T],
        method: str,
        path: str,
        query: Mapping[str, str],
        body: bytes = b"",
        content_type: str = JSON,
        deadline: float | None = None,
        line: Transport | None = None,
    ) -> T:
        token = await _nothing_sent_yet(self._tokens.get())
        try:
            return await self._ask(token, read, method, path, query, body, content_type, deadline, line)
        except PlatformError as error:
            if error.action is not Action.REFRESH_TOKEN:
                raise
        token = await _nothing_sent_yet(self._tokens.refused(token))
        return await self._ask(token, read, method, path, query, body, content_type, deadline, line)

    async def _ask(
        self,
        token: Token,
        read: Read[T],
        method: str,
        path: str,
        query: Mapping[str, str],
        body: bytes,
        content_type: str,
        deadline: float | None,
        line: Transport | None,
    ) -> T:
        whole = {"access_token": token.value, **query}
        if line is None:
            status, answer = await self._http.ask(method, path, whole, body, content_type, deadline)
        else:
            status, answer = await line.ask(method, path, whole, body, content_type, deadline, _WANTED.get())
        return read(status, answer, (token.value, self._secret))

    async def _fetch_token(self) -> tuple[str, int]:
        payload = {"grant_type": "client_credential", "appid": self._app_id, "secret": self._secret}
        status, body = await self._http.ask("POST", "/cgi-bin/stable_token", {}, orjson.dumps(payload))
        try:
            answer = accepted(status, body, (self._secret,))
        except PlatformError as error:
            if error.action is Action.REFRESH_TOKEN:  # here 40001 means that the secret is wrong
                raise PlatformError(error.errcode, error.errmsg, Action.CONFIG) from None
            raise
        value, seconds = needed(answer, "access_token", str), needed(answer, "expires_in", int)
        return value, seconds


async def _nothing_sent_yet(token: Awaitable[Token]) -> Token:
    try:
        return await token
    except Ambiguous as error:
        raise PlatformError(error.errcode, f"no access token: {error.errmsg}", Action.RETRY) from None


def accepted(status: int, body: bytes, secrets: tuple[str, ...]) -> Answer:
    """The platform's answer if it is a yes, else raises PlatformError, PartlyFailed, Ambiguous or Garbled."""
    if status >= 500:
        raise Ambiguous(-1, f"HTTP {status}")
    try:
        answer: Answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Garbled(status) from None
    errcode = answer.get("errcode", 0 if status == 200 else None) if isinstance(answer, dict) else None
    if type(errcode) is not int:
        raise Garbled(status)
    if action_of(errcode) is not Action.DONE:
        errmsg = _discreet(str(answer.get("errmsg", "")), secrets)
        if errcode == PARTLY_FAILED:
            raise PartlyFailed(errcode, errmsg, strings(answer, "fail_openid_list"))
        raise (Busy if errcode == -1 else PlatformError)(errcode, errmsg)
    return answer


def accepted_file(status: int, body: bytes, secrets: tuple[str, ...]) -> bytes | Answer:
    """The file, or the platform's yes in words. No file it keeps begins with "{" as its words do, or with "<" as strangers' pages do."""
    begin = body[:64].lstrip()[:1]
    if status != 200 or begin == b"{":
        return accepted(status, body, secrets)
    if begin in (b"", b"<"):
        raise Garbled(status)
    return body


def needed(answer: Any, name: str, *kinds: type) -> Any:
    """The value called `name`. Raises Garbled where the answer has none of these kinds: then it is not the platform's answer to our call."""
    value = answer.get(name) if isinstance(answer, dict) else None
    if type(value) not in kinds:
        raise Garbled(200)
    return value


def agreed(answer: Answer) -> None:
    """Raises Garbled where a call that is answered by a yes alone got an object without one."""
    needed(answer, "errcode", int)


def strings(answer: Any, name: str) -> list[str]:
    """The list of strings called `name`. Raises Garbled where it is missing or holds anything else."""
    found: list[str] = needed(answer, name, list)
    if not all(type(one) is str for one in found):
        raise Garbled(200)
    return found


def objects(answer: Any, name: str) -> Objects:
    """The list of objects called `name`. Raises Garbled where it is missing or holds anything else."""
    found: Objects = needed(answer, name, list)
    if not all(type(one) is dict for one in found):
        raise Garbled(200)
    return found


def _discreet(errmsg: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        errmsg = errmsg.replace(secret, "…")
    return errmsg[:200]
