"""Reading a menu's buttons as strictly as the platform does. Limits are in bytes of UTF-8, from the official menu page."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from simulator.errors import Refused
from simulator.world import World

Button = dict[str, Any]

KEYED = frozenset({"click", "scancode_push", "scancode_waitmsg", "pic_sysphoto", "pic_photo_or_album", "pic_weixin", "location_select"})
KEY_LIMIT, URL_LIMIT = 128, 1024


@dataclass(frozen=True, slots=True)
class Level:
    """What holds for the buttons of one row: how many, how long their names, and the errcodes of what is wrong with them."""

    most: int
    name_limit: int
    count: int
    kind: int
    name: int
    key: int
    url: int
    domain: int


TOP = Level(most=3, name_limit=16, count=40016, kind=40017, name=40018, key=40019, url=40020, domain=40055)
SUB = Level(most=5, name_limit=60, count=40023, kind=40024, name=40025, key=40026, url=40027, domain=40054)


def read(world: World, given: object, now: float) -> list[Button]:
    """The buttons with the fields the platform keeps, each with its (perhaps empty) `sub_button`."""
    return [_button(world, item, TOP, now) for item in _row(given, TOP)]


def domains(buttons: list[Button]) -> set[str]:
    """The hosts the menu leads to."""
    return {host for button in _flat(buttons) if (host := urlsplit(button.get("url", "")).hostname)}


def _flat(buttons: list[Button]) -> Iterator[Button]:
    for button in buttons:
        yield button
        yield from button["sub_button"]


def _row(given: object, level: Level) -> list[Button]:
    if not isinstance(given, list) or not 1 <= len(given) <= level.most or not all(isinstance(item, dict) for item in given):
        raise Refused(level.count)
    return given


def _button(world: World, given: Button, level: Level, now: float) -> Button:
    name = _sized(given.get("name"), level.name_limit, level.name)
    if items := given.get("sub_button"):
        if level is SUB:
            raise Refused(40022)
        return {"name": name, "sub_button": [_button(world, item, SUB, now) for item in _row(items, SUB)]}
    return {"type": given.get("type"), "name": name, **_target(world, given, level, now), "sub_button": []}


def _target(world: World, given: Button, level: Level, now: float) -> Button:
    """Where a button without others below it leads."""
    kind = str(given.get("type"))
    if kind in KEYED:
        return {"key": _sized(given.get("key"), KEY_LIMIT, level.key)}
    if kind == "view":
        return {"url": _url(given, level)}
    if kind == "miniprogram":
        return {"url": _url(given, level), "appid": _app_id(world, given), "pagepath": _sized(given.get("pagepath"), URL_LIMIT, 40165)}
    if kind in ("media_id", "view_limited"):
        media = world.media.find(given.get("media_id"), now)
        if media is None or not media.permanent:
            raise Refused(40007)
        return {"media_id": media.media_id}
    if kind in ("article_id", "article_view_limited"):
        return {"article_id": _sized(given.get("article_id"), KEY_LIMIT, 53600)}
    raise Refused(level.kind)


def _url(given: Button, level: Level) -> str:
    url = _sized(given.get("url"), URL_LIMIT, level.url)
    try:
        parts = urlsplit(url)
    except ValueError:
        raise Refused(level.domain) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Refused(level.domain)
    return url


def _app_id(world: World, given: Button) -> str:
    app_id = given.get("appid")
    linked = world.settings.mini_programs
    if not isinstance(app_id, str) or not app_id or (linked and app_id not in linked):
        raise Refused(45064)
    return app_id


def _sized(value: object, limit: int, refused: int) -> str:
    if not isinstance(value, str) or not 1 <= len(value.encode()) <= limit:
        raise Refused(refused)
    return value
