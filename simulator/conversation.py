"""What is to be seen on the followers' phones, and who is looking at them right now."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from simulator.clock import Clock
from simulator.ids import Ids
from simulator.journal import Journal

KEPT = 200
"""Messages a phone remembers of one conversation."""
KEPT_IN_ALL = 100_000
"""Messages all phones remember together; beyond that the conversation that has been quiet longest is forgotten."""
BEHIND = 1000
"""News a watching page may be behind before it is told to read the conversation anew."""

Message = dict[str, Any]


class Watcher:
    """One open page: it gets every message of `openid`, and of all others a short preview when it wants an overview."""

    def __init__(self, openid: str, overview: bool) -> None:
        self.openid = openid
        self.overview = overview
        self.news: asyncio.Queue[tuple[str, Message]] = asyncio.Queue(BEHIND)

    def tell(self, topic: str, message: Message) -> None:
        """The page learns of it; a page that is too far behind loses its backlog and is told so instead."""
        if self.news.full():
            while not self.news.empty():
                self.news.get_nowait()
            self.news.put_nowait(("behind", {}))
        self.news.put_nowait((topic, message))


class Conversations:
    """All conversations of the account. A message has `side` follower, account or notice, a `type`, and that type's fields."""

    def __init__(self, clock: Clock, ids: Ids, journal: Journal) -> None:
        self._clock = clock
        self._ids = ids
        self._journal = journal
        self._messages: OrderedDict[str, list[Message]] = OrderedDict()  # a dict finds its first key slowly after many were taken
        self._kept = 0
        self.on_message: list[Callable[[str, Message], None]] = []
        """Called with every message of the account, after it is on the phone."""
        self._watchers: set[Watcher] = set()

    def of(self, openid: str) -> list[Message]:
        """The conversation, oldest first."""
        return list(self._messages.get(openid, ()))

    def last(self, openid: str) -> Message | None:
        """The newest message, None in a conversation without any."""
        messages = self._messages.get(openid)
        return messages[-1] if messages else None

    def recent(self) -> list[str]:
        """The openids of all conversations, the one with the newest message first."""
        return list(reversed(self._messages))

    def add(self, openid: str, side: str, content: Message, at: float | None = None) -> Message:
        """The message is on the phone, in the journal, and on every page that looks at this conversation. `at` is now unless given."""
        message = {"id": str(self._ids.next()), "at": self._clock.now() if at is None else at, "side": side, **content}
        self._keep(openid, message)
        self._journal.write("message", message["at"], openid, {name: value for name, value in message.items() if name != "at"})
        for watcher in self._watchers:
            if watcher.openid == openid:
                watcher.tell("message", message)
            elif watcher.overview:
                watcher.tell("preview", {"openid": openid, "at": message["at"], "side": side, "text": preview(message)})
        if side == "account":
            for tell in self.on_message:
                tell(openid, message)
        return message

    def _keep(self, openid: str, message: Message) -> None:
        """The message is the newest of all; so that memory is bounded, old ones are forgotten."""
        messages = self._messages.setdefault(openid, [])
        self._messages.move_to_end(openid)  # the newest conversation
        messages.append(message)
        self._kept += 1
        if len(messages) > KEPT:
            del messages[: KEPT // 10]
            self._kept -= KEPT // 10
        while self._kept > KEPT_IN_ALL:
            _, quiet = self._messages.popitem(last=False)
            self._kept -= len(quiet)

    def hint(self, openid: str, topic: str, facts: Message) -> None:
        """Something that is seen but leaves no trace: the account is typing, the follower left."""
        for watcher in self._watchers:
            if watcher.openid == openid:
                watcher.tell(topic, facts)

    @contextmanager
    def watch(self, openid: str, overview: bool) -> Iterator[Watcher]:
        """A watcher for as long as the page is open."""
        watcher = Watcher(openid, overview)
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)

    def close(self) -> None:
        """Every page is told that there will be no more news."""
        for watcher in self._watchers:
            watcher.tell("closed", {})


def preview(message: Message) -> str:
    """One line about a message, as a conversation list shows it."""
    kind = message["type"]
    if kind == "news":
        return f"[图文] {message['articles'][0]['title']}"
    if kind == "template":
        return f"[模板消息] {message['title']}"
    if kind in ("location", "link", "mini_program"):
        return f"{_LABELS[kind]} {message.get('label') or message.get('title') or ''}".strip()
    return _LABELS.get(kind) or str(message.get("text", ""))[:40]


_LABELS = {
    "image": "[图片]",
    "voice": "[语音]",
    "video": "[视频]",
    "music": "[音乐]",
    "location": "[位置]",
    "link": "[链接]",
    "mini_program": "[小程序]",
    "handoff": "[转人工客服]",
}
