"""A follower's messages beyond text: pictures, recordings, films, places, links, and the choice from a list of options."""

import re
from typing import Any
from urllib.parse import parse_qs

from simulator import gestures, samples
from simulator.conversation import Message
from simulator.crowd import Follower
from simulator.gestures import Seen
from simulator.media import Media
from simulator.world import World

KINDS = {"image": "image", "voice": "voice", "video": "video", "shortvideo": "video"}
"""MsgTypes that carry a medium, and the medium's kind."""
THUMBS = ("image", "thumb")
_MENU_LINK = re.compile(r"""<a\s[^>]*?href\s*=\s*(["'])weixin://bizmsgmenu/?\?(.*?)\1""", re.IGNORECASE | re.DOTALL)


class NoSuchMedia(Exception):
    """There is no medium of this id and kind, or no longer."""


class NoSuchOption(Exception):
    """The conversation has no list of options with this one."""


def url_of(world: World, media_id: str) -> str:
    """Where the webhook can fetch a medium."""
    return f"{world.options.address}/_sim/media/{media_id}"


async def send_media(
    world: World,
    follower: Follower,
    kind: str,
    media_id: str = "",
    thumb_media_id: str = "",
    spoken: str = "",
    ref: str | None = None,
    at: float | None = None,
) -> Seen:
    """The medium is sent as an image, voice, video or shortvideo; a sample when no media_id is given. Raises NoSuchMedia."""
    gestures.require_following(follower)
    media = find(world, media_id, (KINDS[kind],)) if media_id else samples.one(world, KINDS[kind])
    bubble: Message = {"type": KINDS[kind], "media_id": media.media_id, "url": f"/_sim/media/{media.media_id}"}
    fields: dict[str, Any] = {"MediaId": media.media_id}
    if kind == "image":
        fields = {"PicUrl": url_of(world, media.media_id), **fields}
    elif kind == "voice":
        fields |= _voice(world, media, spoken)
        if spoken:
            bubble["recognition"] = spoken
    else:
        thumb = find(world, thumb_media_id, THUMBS) if thumb_media_id else samples.one(world, "thumb")
        fields["ThumbMediaId"] = thumb.media_id
        bubble |= {"title": "", "description": ""}
    return await gestures.write(world, follower, kind, fields, bubble, ref, at)


def _voice(world: World, media: Media, spoken: str) -> dict[str, Any]:
    """The recording comes twice, the second time as it would be at 16 kHz. What was said is told only by accounts with speech recognition."""
    if media.media_id == world.samples.get("voice"):
        sharper = samples.one(world, "sharper voice").media_id
    else:
        sharper = world.media.store("voice", media.content_type, media.name, media.content, world.clock.now())
    said = {"Recognition": spoken} if world.settings.recognition else {}
    return {"Format": "mp3" if media.content_type.endswith(("mp3", "mpeg")) else "amr", "MediaId16K": sharper, **said}


async def send_location(
    world: World, follower: Follower, x: float, y: float, scale: int, label: str, ref: str | None = None, at: float | None = None
) -> Seen:
    """A place is sent: x is its latitude, y its longitude."""
    fields = {"Location_X": x, "Location_Y": y, "Scale": scale, "Label": label}
    return await gestures.write(
        world, follower, "location", fields, {"type": "location", "x": x, "y": y, "scale": scale, "label": label}, ref, at
    )


async def send_link(world: World, follower: Follower, title: str, description: str, url: str, ref: str | None = None) -> Seen:
    """A link is sent, as from the favourites."""
    fields = {"Title": title, "Description": description, "Url": url}
    return await gestures.write(
        world, follower, "link", fields, {"type": "link", "title": title, "description": description, "url": url}, ref
    )


async def choose(world: World, follower: Follower, message_id: str, item_id: str, words: str = "") -> Seen:
    """An option of a msgmenu, or a `weixin://bizmsgmenu` link in a text, is tapped: a text with its words and its id.

    It opens the allowance of a click, not of a message. `words` tells links of one id apart. Raises NoSuchOption.
    """
    message = next((one for one in world.conversations.of(follower.openid) if one["id"] == message_id and one["side"] == "account"), {})
    offered = [*message.get("options", ()), *_links(f"{message.get('text', '')}{message.get('tail', '')}")]
    chosen = next((one for one in offered if one["id"] == item_id and words in ("", one["text"])), None)
    if chosen is None:
        raise NoSuchOption(item_id)
    fields = {"Content": chosen["text"], "bizmsgmenuid": item_id}
    return await gestures.write(world, follower, "text", fields, {"type": "text", "text": chosen["text"]}, trigger="click")


def _links(text: str) -> list[dict[str, str]]:
    """What can be tapped in a text: ids and words, decoded as phones decode them."""
    queries = [parse_qs(query.replace("&amp;", "&")) for _, query in _MENU_LINK.findall(text)]
    return [{"id": one["msgmenuid"][0], "text": one["msgmenucontent"][0]} for one in queries if {"msgmenuid", "msgmenucontent"} <= set(one)]


def find(world: World, media_id: str, kinds: tuple[str, ...]) -> Media:
    """The medium, if it is of one of these kinds. Raises NoSuchMedia."""
    media = world.media.find(media_id, world.clock.now())
    if media is None or media.kind not in kinds:
        raise NoSuchMedia(media_id)
    return media
