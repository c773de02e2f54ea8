"""What happens when a follower taps the menu: by the button's type an event, messages after it, a page that opens, or all of these."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulator import gestures, mass_jobs, messages, samples
from simulator.crowd import Follower
from simulator.gestures import Seen
from simulator.world import World

Button = Mapping[str, Any]

PICTURES = frozenset({"pic_sysphoto", "pic_photo_or_album", "pic_weixin"})
SCANS = frozenset({"scancode_push", "scancode_waitmsg"})


class NoSuchButton(Exception):
    """The follower's menu has nothing there, or the button only opens its sub-menu."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the follower says they are. x is the latitude, y the longitude."""

    x: float = 31.2304
    y: float = 121.4737
    scale: int = 15
    label: str = "上海市黄浦区人民大道"
    poiname: str = ""


@dataclass(slots=True)
class Tapped:
    """The page that opened, if one did, and what was seen in the chat last."""

    seen: Seen
    opened: str | None = None
    mini_program: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Hand:
    """What the follower holds ready for buttons that ask for it: a scanned text, pictures, a place. Samples for what is missing."""

    result: str = ""
    media_ids: Sequence[str] = ()
    place: Place = field(default_factory=Place)
    platform: str = "ios"


def button_at(world: World, follower: Follower, path: Sequence[int], platform: str = "ios") -> Button:
    """The button at this path of the menu the follower sees. Raises NoSuchButton."""
    buttons: Sequence[Button] = world.menus.seen_by(follower, platform) or ()
    for depth, place in enumerate(path):
        if not 0 <= place < len(buttons):
            raise NoSuchButton(path)
        button = buttons[place]
        if depth == len(path) - 1 and not button.get("sub_button"):
            return button
        buttons = button.get("sub_button") or ()
    raise NoSuchButton(path)


def leaves(world: World, follower: Follower) -> list[list[int]]:
    """The paths of all buttons that do something."""
    buttons: Sequence[Button] = world.menus.seen_by(follower) or ()
    paths: list[list[int]] = []
    for place, button in enumerate(buttons):
        inner = button.get("sub_button") or ()
        paths += [[place, below] for below in range(len(inner))] if inner else [[place]]
    return paths


async def tap(world: World, follower: Follower, path: Sequence[int], hand: Hand, at: float | None = None) -> Tapped:
    """The button at the path is tapped. Raises NoSuchButton, NotFollowing, NoSuchMedia."""
    gestures.require_following(follower)
    button = button_at(world, follower, path, hand.platform)
    kind, key = str(button.get("type", "")), str(button.get("key", ""))
    if kind == "click":
        return Tapped(await gestures.tap(world, follower, "CLICK", {"EventKey": key}, at))
    if kind == "view":
        url = str(button.get("url", ""))
        return Tapped(await gestures.tap(world, follower, "VIEW", {"EventKey": url, **_menu_id(world)}, at), opened=url)
    if kind == "miniprogram":
        return await _open_mini_program(world, follower, button, at)
    if kind in SCANS:
        return await _scan(world, follower, kind, key, hand.result, at)
    if kind in PICTURES:
        return await _send_pictures(world, follower, kind, key, hand.media_ids, at)
    if kind == "location_select":
        return await _send_place(world, follower, key, hand.place, at)
    return _show_material(world, follower, button)


async def _open_mini_program(world: World, follower: Follower, button: Button, at: float | None) -> Tapped:
    path = str(button.get("pagepath", ""))
    seen = await gestures.tap(world, follower, "view_miniprogram", {"EventKey": path, **_menu_id(world)}, at)
    return Tapped(seen, mini_program={"app_id": str(button.get("appid", "")), "path": path})


async def _scan(world: World, follower: Follower, kind: str, key: str, result: str, at: float | None) -> Tapped:
    """scancode_push shows the scanned text (opens it, if it is an address) and tells the account; scancode_waitmsg waits for a reply."""
    info = {"ScanType": "qrcode", "ScanResult": result}
    seen = await gestures.tap(world, follower, kind, {"EventKey": key, "ScanCodeInfo": info}, at)
    return Tapped(seen, opened=result if kind == "scancode_push" and result.startswith(("http://", "https://")) else None)


async def _send_pictures(world: World, follower: Follower, kind: str, key: str, media_ids: Sequence[str], at: float | None) -> Tapped:
    """First the event that counts the pictures, then each picture as a message of its own, as real phones do."""
    pictures = [messages.find(world, media_id, ("image",)) for media_id in media_ids] or [samples.one(world, "image")]
    listed = [{"PicMd5Sum": hashlib.md5(picture.content).hexdigest()} for picture in pictures]  # noqa: S324  the platform's choice
    info = {"Count": len(listed), "PicList": {"item": listed}}
    seen = await gestures.tap(world, follower, kind, {"EventKey": key, "SendPicsInfo": info}, at)
    for picture in pictures:
        seen = await messages.send_media(world, follower, "image", picture.media_id, at=at)
    return Tapped(seen)


async def _send_place(world: World, follower: Follower, key: str, place: Place, at: float | None) -> Tapped:
    """First the event, then the place as a message."""
    info = {
        "Location_X": f"{place.x}",
        "Location_Y": f"{place.y}",
        "Scale": f"{place.scale}",
        "Label": place.label,
        "Poiname": place.poiname,
    }
    await gestures.tap(world, follower, "location_select", {"EventKey": key, "SendLocationInfo": info}, at)
    return Tapped(await messages.send_location(world, follower, place.x, place.y, place.scale, place.label, at=at))


def _show_material(world: World, follower: Follower, button: Button) -> Tapped:
    """Buttons that name material are served by the platform itself; the account's server hears nothing."""
    tapped = Tapped(Seen(None, None, []))
    wanted = button.get("article_id")
    found = (publication for publication, _, _ in world.articles.readable() if publication.article_id == wanted) if wanted else ()
    publication = next(iter(found), None)
    media = world.media.find(button.get("media_id"), world.clock.now())
    if publication is not None and button.get("type") == "article_view_limited":
        tapped.opened = publication.url(0)
    elif publication is not None:
        tapped.seen.reply = world.conversations.add(follower.openid, "account", {**mass_jobs.cards(publication), "via": "menu"})
    elif media is not None:
        shown = {"type": media.kind, "media_id": media.media_id, "url": f"/_sim/media/{media.media_id}", "via": "menu"}
        tapped.seen.reply = world.conversations.add(follower.openid, "account", shown)
    return tapped


def _menu_id(world: World) -> dict[str, int]:
    return {"MenuId": world.menus.default_id} if world.menus.default_id else {}
