"""Calls to the platform's API: one deadline, one new token at most, and an honest "we do not know"."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Self

from wechat.client.account import Account
from wechat.client.blacklist import Blacklist
from wechat.client.caller import Caller, only_while
from wechat.client.custom import CustomMessages
from wechat.client.draft import Drafts
from wechat.client.follower import Details, Followers
from wechat.client.mass import MassMessages
from wechat.client.media import Media
from wechat.client.menu import Menu
from wechat.client.oauth import OAuth
from wechat.client.publish import Publishing
from wechat.client.qrcode import QrCodes
from wechat.client.statistics import Statistics
from wechat.client.subscription import Subscriptions
from wechat.client.tag import Tags
from wechat.client.template import Templates
from wechat.errcodes import Action, Ambiguous, Garbled, NotMade, PlatformError
from wechat.http import Http
from wechat.token import TokenStore
from wechat.transport import Transport

__all__ = ["Action", "Ambiguous", "Client", "Details", "Garbled", "NotMade", "PlatformError", "only_while"]


class Client:
    """The API of one account, by areas.

    Every method raises PlatformError when the platform refuses, and its subclass Ambiguous when nobody can know whether it accepted:
    no answer within `deadline` seconds, a broken connection, HTTP 5xx, anything but the platform's JSON, or its "system busy" (-1).
    What goes to one follower after another goes over connections of our own (`transport`), everything else over httpx.
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
        transport: Transport | None = None,
    ) -> None:
        self._http = transport or Http(api_base, deadline)
        self._line = transport or Transport(api_base, deadline, connections)
        caller = Caller(self._http, self._line, app_id, secret, store, clock)
        self.template = Templates(caller)
        self.subscription = Subscriptions(caller)
        self.custom = CustomMessages(caller)
        self.mass = MassMessages(caller)
        self.follower = Followers(caller)
        self.tag = Tags(caller)
        self.blacklist = Blacklist(caller)
        self.menu = Menu(caller)
        self.qrcode = QrCodes(caller, api_base)
        self.media = Media(caller)
        self.draft = Drafts(caller)
        self.publish = Publishing(caller)
        self.statistics = Statistics(caller)
        self.account = Account(caller)
        self.oauth = OAuth(self._http, app_id, secret)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Every connection is closed; no further call can be made."""
        await self._http.aclose()
        await self._line.aclose()
