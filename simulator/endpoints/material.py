"""Media the account keeps: added, listed, counted, removed. Articles are drafts now and not here."""

from collections.abc import Mapping
from typing import Any

import orjson

from simulator.call import Answer, Call, Document, Endpoint, Table
from simulator.endpoints import media as temporary
from simulator.errors import Refused
from simulator.media import Media
from simulator.world import World

MOST = {"image": 100_000, "voice": 1000, "video": 1000, "thumb": 100_000}
PAGE = 20


def add(world: World, call: Call) -> Answer:
    """POST /cgi-bin/material/add_material?type=…: a form with the file as `media`, and for a video its `description` as JSON."""
    kind, file, content_type = temporary.read(call)
    title, words = _described(call.body.get("description") or call.query.get("description")) if kind == "video" else ("", "")
    if len(world.media.material(kind)) >= MOST[kind]:
        raise Refused(45001, "material count out of limit")
    media_id = world.media.keep(kind, content_type, file.name, file.content, call.now, title, words)
    return {"media_id": media_id, **({"url": temporary.address(call, media_id)} if kind in ("image", "thumb") else {}), "item": []}


def get(world: World, call: Call) -> Answer | Document:
    """POST /cgi-bin/material/get_material: the bytes; of a video its words and an address."""
    media = _kept(world, call)
    if media.kind == "video":
        return {"title": media.title, "description": media.description, "down_url": temporary.address(call, media.media_id)}
    return temporary.document(media)


def remove(world: World, call: Call) -> Answer:
    """POST /cgi-bin/material/del_material."""
    world.media.remove(_kept(world, call).media_id)
    return {"errcode": 0, "errmsg": "ok"}


def counts(world: World, call: Call) -> Answer:
    """GET /cgi-bin/material/get_materialcount. Thumbnails are pictures."""
    kept = {kind: len(world.media.material(kind)) for kind in MOST}
    pictures = kept["image"] + kept["thumb"]
    return {"voice_count": kept["voice"], "video_count": kept["video"], "image_count": pictures, "news_count": 0}


def batch(world: World, call: Call) -> Answer:
    """POST /cgi-bin/material/batchget_material: at most twenty of a type from an offset on, the newest first."""
    kind = call.text("type", 40004)
    if kind not in ("image", "voice", "video", "news"):
        raise Refused(40004)
    offset, number = call.number("offset", 40097), call.number("count", 40097)
    if offset < 0 or not 1 <= number <= PAGE:
        raise Refused(40097)
    kept = sorted(world.media.material(kind) + (world.media.material("thumb") if kind == "image" else []), key=_newest_first)
    items = [_listed(call, media) for media in kept[offset : offset + number]]
    return {"item": items, "total_count": len(kept), "item_count": len(items)}


def _kept(world: World, call: Call) -> Media:
    media = world.media.find(call.text("media_id", 40007), call.now)
    if media is None or not media.permanent:
        raise Refused(40007)
    return media


def _newest_first(media: Media) -> float:
    return -media.created_at


def _listed(call: Call, media: Media) -> Mapping[str, Any]:
    facts = {"media_id": media.media_id, "name": media.title or media.name, "update_time": int(media.created_at)}
    return facts | ({"url": temporary.address(call, media.media_id)} if media.kind in ("image", "thumb") else {})


def _described(given: object) -> tuple[str, str]:
    """A video's title and introduction."""
    try:
        words = orjson.loads(given) if isinstance(given, str) else None
    except orjson.JSONDecodeError:
        raise Refused(47001) from None
    if not isinstance(words, dict) or not words.get("title"):
        raise Refused(47001)
    return str(words["title"]), str(words.get("introduction", ""))


TABLE: Table = {
    "/cgi-bin/material/add_material": Endpoint(add, "POST", daily=100_000, takes="form"),
    "/cgi-bin/material/get_material": Endpoint(get, "POST", daily=200_000),
    "/cgi-bin/material/del_material": Endpoint(remove, "POST", daily=1000),
    "/cgi-bin/material/get_materialcount": Endpoint(counts, "GET", daily=1000),
    "/cgi-bin/material/batchget_material": Endpoint(batch, "POST", daily=1000),
}
