"""What a follower sends (Receiving_standard_messages)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from wechat.inbound.fields import Content, Fields, decimal, number, text


@dataclass(frozen=True, slots=True)
class Text(Content):
    """A text, written or chosen: with `bizmsgmenuid` it is a tap on that item of a menu message."""

    content: str
    bizmsgmenuid: str
    msg_data_id: str  # written under an article
    idx: int | None
    business_id: str


@dataclass(frozen=True, slots=True)
class Image(Content):
    """A picture."""

    pic_url: str
    media_id: str


@dataclass(frozen=True, slots=True)
class Voice(Content):
    """A voice message: amr or speex; `recognition` only where the account has speech recognition."""

    media_id: str
    format: str
    media_id_16k: str
    recognition: str


@dataclass(frozen=True, slots=True)
class Video(Content):
    """A video."""

    media_id: str
    thumb_media_id: str


@dataclass(frozen=True, slots=True)
class ShortVideo(Content):
    """A video made in the chat."""

    media_id: str
    thumb_media_id: str


@dataclass(frozen=True, slots=True)
class Location(Content):
    """A place: latitude, longitude, the map's scale, the address."""

    location_x: float | None
    location_y: float | None
    scale: int | None
    label: str


@dataclass(frozen=True, slots=True)
class Link(Content):
    """A link, shared."""

    title: str
    description: str
    url: str


READERS: Mapping[str, Callable[[Fields], Content]] = {
    "text": lambda f: Text(
        text(f, "Content"), text(f, "bizmsgmenuid"), text(f, "MsgDataId"), number(f, "Idx"), text(f, "BusinessId", "businessId")
    ),
    "image": lambda f: Image(text(f, "PicUrl"), text(f, "MediaId")),
    "voice": lambda f: Voice(text(f, "MediaId"), text(f, "Format"), text(f, "MediaId16K"), text(f, "Recognition")),
    "video": lambda f: Video(text(f, "MediaId"), text(f, "ThumbMediaId")),
    "shortvideo": lambda f: ShortVideo(text(f, "MediaId"), text(f, "ThumbMediaId")),
    "location": lambda f: Location(decimal(f, "Location_X"), decimal(f, "Location_Y"), number(f, "Scale"), text(f, "Label")),
    "link": lambda f: Link(text(f, "Title"), text(f, "Description"), text(f, "Url")),
}
