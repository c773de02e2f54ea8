"""What a follower does: follows, leaves, scans, taps the account's menu, reports where they are (Receiving_event_pushes, menu events)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from wechat.inbound.fields import Content, Fields, decimal, number, part, parts, text


@dataclass(frozen=True, slots=True)
class Subscribe(Content):
    """They follow; `scene` is the QR code's parameter that brought them, "" without one."""

    scene: str
    ticket: str


@dataclass(frozen=True, slots=True)
class Unsubscribe(Content):
    """They left."""


@dataclass(frozen=True, slots=True)
class Scan(Content):
    """A follower scanned a QR code with this parameter."""

    scene: str
    ticket: str


@dataclass(frozen=True, slots=True)
class LocationReport(Content):
    """Where they are: on entering the chat, or every five seconds."""

    latitude: float | None
    longitude: float | None
    precision: float | None


@dataclass(frozen=True, slots=True)
class Click(Content):
    """A button with a key."""

    event_key: str


@dataclass(frozen=True, slots=True)
class View(Content):
    """A button that opened a page; `event_key` is its address."""

    event_key: str
    menu_id: str


@dataclass(frozen=True, slots=True)
class ViewMiniProgram(Content):
    """A button that opened a mini-program; `event_key` is the path in it."""

    event_key: str
    menu_id: str


@dataclass(frozen=True, slots=True)
class ScanCode(Content):
    """A button that scans: what was read, of which kind (qrcode, barcode)."""

    event_key: str
    scan_type: str
    scan_result: str


@dataclass(frozen=True, slots=True)
class ScanCodePush(ScanCode):
    """The follower sees the result by themselves."""


@dataclass(frozen=True, slots=True)
class ScanCodeWaitmsg(ScanCode):
    """The follower waits for our answer."""


@dataclass(frozen=True, slots=True)
class Pics(Content):
    """A button that sends pictures: how many, and their digests. The pictures themselves come as messages."""

    event_key: str
    count: int | None
    pic_md5_sums: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PicSysphoto(Pics):
    """Taken on the spot."""


@dataclass(frozen=True, slots=True)
class PicPhotoOrAlbum(Pics):
    """Taken or chosen."""


@dataclass(frozen=True, slots=True)
class PicWeixin(Pics):
    """Chosen in WeChat's album."""


@dataclass(frozen=True, slots=True)
class LocationSelect(Content):
    """A button that asks for a place; the place itself comes as a message too."""

    event_key: str
    location_x: float | None
    location_y: float | None
    scale: int | None
    label: str
    poiname: str


def _scanned(kind: type[ScanCode]) -> Callable[[Fields], Content]:
    def read(f: Fields) -> Content:
        info = part(f, "ScanCodeInfo")
        return kind(text(f, "EventKey"), text(info, "ScanType"), text(info, "ScanResult"))

    return read


def _pictures(kind: type[Pics]) -> Callable[[Fields], Content]:
    def read(f: Fields) -> Content:
        info = part(f, "SendPicsInfo")
        sums = (text(item, "PicMd5Sum") for item in parts(part(info, "PicList"), "item"))
        return kind(text(f, "EventKey"), number(info, "Count"), tuple(one for one in sums if one))

    return read


def _place(f: Fields) -> Content:
    info = part(f, "SendLocationInfo")
    where = decimal(info, "Location_X"), decimal(info, "Location_Y"), number(info, "Scale")
    return LocationSelect(text(f, "EventKey"), *where, text(info, "Label"), text(info, "Poiname"))


READERS: Mapping[str, Callable[[Fields], Content]] = {
    "subscribe": lambda f: Subscribe(text(f, "EventKey").removeprefix("qrscene_"), text(f, "Ticket")),
    "unsubscribe": lambda f: Unsubscribe(),
    "scan": lambda f: Scan(text(f, "EventKey"), text(f, "Ticket")),
    "location": lambda f: LocationReport(decimal(f, "Latitude"), decimal(f, "Longitude"), decimal(f, "Precision")),
    "click": lambda f: Click(text(f, "EventKey")),
    "view": lambda f: View(text(f, "EventKey"), text(f, "MenuId", "MenuID")),
    "view_miniprogram": lambda f: ViewMiniProgram(text(f, "EventKey"), text(f, "MenuId", "MenuID")),
    "scancode_push": _scanned(ScanCodePush),
    "scancode_waitmsg": _scanned(ScanCodeWaitmsg),
    "pic_sysphoto": _pictures(PicSysphoto),
    "pic_photo_or_album": _pictures(PicPhotoOrAlbum),
    "pic_weixin": _pictures(PicWeixin),
    "location_select": _place,
}
