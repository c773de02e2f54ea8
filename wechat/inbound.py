"""What the platform pushes to us: one message or event, read out of its XML."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from xml.parsers import expat

import orjson

DEEPEST = 20  # levels of nesting; the deepest real event (MASSSENDJOBFINISH) has five
LONGEST_ID = 64  # characters; an openid has 28, an original id 15
LONGEST_KEY_PART = 34  # six parts of this length stay under the 200 characters promised for a key


class Unreadable(Exception):
    """What arrived is no message of the platform's: broken XML, a DTD, a missing or impossible field."""


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


def parse(xml: bytes) -> Inbound:
    """The message in `xml`. Raises Unreadable, and nothing else, for whatever is not one."""
    return read(fields_of(xml))


def read(fields: Mapping[str, object]) -> Inbound:
    """The message these fields make. Raises Unreadable where one that every push carries is missing, doubled, nested or absurd."""
    kind = _required(fields, "MsgType").lower()
    is_event = kind == "event"
    return Inbound(
        to=_required(fields, "ToUserName"),
        openid=_required(fields, "FromUserName"),
        created_at=_seconds(_required(fields, "CreateTime")),
        type=kind,
        # the report on a template message spells it MsgID
        msg_id=_optional(fields, "MsgId") or _optional(fields, "MsgID"),
        event=_required(fields, "Event").lower() if is_event else "",
        event_key=_optional(fields, "EventKey"),
        text=_optional(fields, "Content") if kind == "text" else "",
        fields=fields,
    )


def fields_of(xml: bytes) -> dict[str, object]:
    """The children of the root `<xml>` by name. Raises Unreadable for broken XML, a DTD in any encoding, nesting beyond 20."""
    tree = _Tree()
    parser = expat.ParserCreate("utf-8")  # the platform's only encoding: a declaration cannot talk us into another one
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = _refuse
    parser.StartElementHandler = tree.start
    parser.EndElementHandler = tree.end
    parser.CharacterDataHandler = tree.characters
    try:
        parser.Parse(xml, True)
    except (expat.ExpatError, ValueError) as error:
        raise Unreadable(f"not well-formed XML: {error}") from None
    fields = tree.children[0].get("xml")
    if not isinstance(fields, dict):
        raise Unreadable("the root is not <xml> with elements in it")
    return fields


class _Tree:
    """Builds dicts while expat calls. Attributes are dropped, and so is the text between elements."""

    __slots__ = ("children", "text")

    def __init__(self) -> None:
        self.children: list[dict[str, object]] = [{}]
        self.text = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self.children) > DEEPEST:
            raise Unreadable(f"nested deeper than {DEEPEST} levels")
        self.children.append({})
        self.text = ""

    def characters(self, data: str) -> None:
        self.text += data

    def end(self, name: str) -> None:
        value = self.children.pop() or self.text
        self.text = ""
        parent = self.children[-1]
        if name not in parent:
            parent[name] = value
        elif isinstance(siblings := parent[name], list):
            siblings.append(value)
        else:
            parent[name] = [siblings, value]


def _refuse(*declaration: object) -> None:
    raise Unreadable("a document type or entity declaration, which the platform never sends")


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
