"""What the platform pushes to us: one message or event, read out of its XML.

`Inbound` is the push; `Inbound.content` what it says, typed: messages, acts (what a follower does), jobs, notices and affairs hold the types.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson

from wechat.inbound import acts, affairs, jobs, messages, notices
from wechat.inbound.fields import Content, Fields
from wechat.inbound.tree import Unreadable, fields_of

__all__ = ["MESSAGES", "Content", "Inbound", "Unknown", "Unreadable", "fields_of", "parse", "read"]

LONGEST_ID = 64  # characters; an openid has 28, an original id 15
LONGEST_KEY_PART = 34  # six parts of this length stay under the 200 characters promised for a key
MOST_KEPT = 16_000  # bytes of JSON; a mass send of eight articles reports three thousand


@dataclass(frozen=True, slots=True)
class Unknown(Content):
    """A type this program does not know; `Inbound.fields` has everything that came."""

    name: str


MESSAGES: Mapping[str, Callable[[Fields], Content]] = messages.READERS
_ACTS = acts.READERS.keys() | notices.READERS.keys() - {"subscribe_msg_sent_event"}
_EVENTS: Mapping[str, Callable[[Fields], Content]] = {
    **acts.READERS,
    **jobs.READERS,
    **notices.READERS,
    **affairs.READERS,
}
_PLAIN = frozenset({"ToUserName", "FromUserName", "CreateTime", "MsgType", "Content", "MsgId"})


@dataclass(frozen=True, slots=True)
class Inbound:
    """One push. `fields` has everything in the platform's own names: text as str, nested elements as dicts, repeated ones as lists."""

    to: str
    openid: str
    created_at: int
    type: str
    msg_id: str
    event: str
    event_key: str
    text: str
    fields: Mapping[str, object]

    @property
    def content(self) -> Content:
        """What it says, typed; worked out on every call. Never raises: wechat.inbound.fields tells what becomes of odd fields."""
        reader = self._reader
        return reader(self.fields) if reader else Unknown(self.event or self.type)

    @property
    def known(self) -> bool:
        """Whether `content` is anything but Unknown."""
        return self.type == "text" or self._reader is not None

    @property
    def _reader(self) -> Callable[[Fields], Content] | None:
        return _EVENTS.get(self.event) if self.type == "event" else MESSAGES.get(self.type)

    @property
    def kind(self) -> str:
        """One name for what it is: the message's type or the event's name, at most 64 characters.

        A tap on a menu message is `msgmenu` and not a text, because it opens another window for customer-service messages; an event that is
        called like a message (LOCATION, every five seconds from whoever allows it) is `event:location`.
        """
        if self.type == "event":
            return (f"event:{self.event}" if self.event in MESSAGES else self.event)[:64]
        return "msgmenu" if self.type == "text" and self.fields.get("bizmsgmenuid") else self.type[:64]  # İ is two small letters

    @property
    def by_follower(self) -> bool:
        """Whether the sender did something: else the platform reports, on a job or the account, and the sender proves nothing about them."""
        return self.type != "event" or self.event in _ACTS

    @property
    def key(self) -> str:
        """The same for every copy of one push, different for any two pushes; at most 200 characters.

        MsgId alone is not enough: it collides between followers, and sender and second collide between events of one
        follower (WxJava issue 333, weixin-java-tools issue 66); hence all of them, and for events the name and its key too.
        """
        if self.type == "event":
            parts = ["event", self.to, self.openid, str(self.created_at), self.event, self.event_key, self.msg_id]
        else:
            parts = ["message", self.to, self.openid, str(self.created_at), self.msg_id or _digest(_canonical(self.fields))]
        return "|".join(map(_part, parts))

    @property
    def kept(self) -> str | None:
        """The fields as JSON, for `read` to read again one day; None for a plain text, which has no more to tell than `text`.

        At most 16,000 bytes: of what is longer the longest fields are left out, and `…` names them.
        """
        if self.type == "text" and self.fields.keys() <= _PLAIN:
            return None
        whole = _canonical(self.fields)
        return (whole if len(whole) <= MOST_KEPT else _canonical(_shortened(self.fields))).decode()


def parse(xml: bytes) -> Inbound:
    """The message in `xml`. Raises Unreadable, and nothing else, for whatever is not one."""
    return read(fields_of(xml))


def read(fields: Mapping[str, object]) -> Inbound:
    """The message these fields make. Raises Unreadable where one that every push carries is missing, doubled, nested or absurd.

    What has an Event but no MsgType is an event.
    """
    kind = _type(fields)
    is_event = kind == "event"
    return Inbound(
        to=_required(fields, "ToUserName"),
        openid=_required(fields, "FromUserName"),
        created_at=_seconds(_required(fields, "CreateTime")),
        type=kind,
        # the report on a template message spells it MsgID
        msg_id=_optional(fields, "MsgId") or _optional(fields, "MsgID"),
        event=_required(fields, "Event").strip().lower() if is_event else "",
        event_key=_optional(fields, "EventKey"),
        text=_optional(fields, "Content") if kind == "text" else "",
        fields=fields,
    )


def _type(fields: Mapping[str, object]) -> str:
    if not _optional(fields, "MsgType").strip() and _optional(fields, "Event").strip():
        return "event"
    return _required(fields, "MsgType").strip().lower()


def _required(fields: Mapping[str, object], name: str) -> str:
    value = _optional(fields, name)
    if not value.strip() or len(value) > LONGEST_ID:
        raise Unreadable(f"{name} is missing, blank or longer than {LONGEST_ID} characters")
    return value


def _optional(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise Unreadable(f"{name} is doubled or nested")
    return value


def _seconds(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text)):
        raise Unreadable("CreateTime is not a time in seconds")
    return int(text)


def _part(text: str) -> str:
    # a part that could be mistaken for two parts, or for a digest, is digested too: keys stay unambiguous
    return text if len(text) <= LONGEST_KEY_PART and "|" not in text and text[:1] != "#" else "#" + _digest(text.encode())


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


def _canonical(fields: Mapping[str, object]) -> bytes:
    return orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)


def _shortened(fields: Mapping[str, object]) -> dict[str, object]:
    room, kept = MOST_KEPT - 1000, dict[str, object]()
    left_out = []
    for name, size in sorted(((name, len(_canonical({name: value}))) for name, value in fields.items()), key=lambda one: one[1]):
        if size <= room:
            kept[name] = fields[name]
            room -= size
        else:
            left_out.append(name[:40])
    return {**kept, "…": left_out[:10]}
