"""Drafts of articles. Limits of the official pages on drafts; texts are counted in characters."""

from typing import Any

from simulator.article_text import paragraphs
from simulator.articles import Draft, Item
from simulator.call import Answer, Call, Endpoint, Table
from simulator.errors import Refused
from simulator.world import World

ARTICLES = 8
TITLE, AUTHOR, DIGEST, CONTENT, SOURCE_URL = 64, 16, 120, 20_000, 1024
TAKEN_FOR_DIGEST = 54
PAGE = 20
PICTURES = 20


def add(world: World, call: Call) -> Answer:
    """POST /cgi-bin/draft/add: one to eight articles."""
    given = call.body.get("articles")
    if not isinstance(given, list) or not given:
        raise Refused(44003)
    if len(given) > ARTICLES:
        raise Refused(45008)
    return {"media_id": world.articles.draft([_read(world, call, item) for item in given], call.now).media_id}


def update(world: World, call: Call) -> Answer:
    """POST /cgi-bin/draft/update: the article at `index`, counted from 0, is another one."""
    draft = found(world, call)
    place = call.number("index", 40114, 0)
    if not 0 <= place < len(draft.items):
        raise Refused(40114)
    draft.items[place] = _read(world, call, call.body.get("articles"))
    draft.updated_at = call.now
    return {"errcode": 0, "errmsg": "ok"}


def get(world: World, call: Call) -> Answer:
    """POST /cgi-bin/draft/get."""
    draft = found(world, call)
    return {"news_item": shown(draft), "create_time": int(draft.updated_at), "update_time": int(draft.updated_at)}


def delete(world: World, call: Call) -> Answer:
    """POST /cgi-bin/draft/delete: for good."""
    world.articles.discard(found(world, call).media_id)
    return {"errcode": 0, "errmsg": "ok"}


def count(world: World, call: Call) -> Answer:
    """GET /cgi-bin/draft/count."""
    return {"total_count": len(world.articles.drafts)}


def page(world: World, call: Call) -> Answer:
    """POST /cgi-bin/draft/batchget: 1 to 20 drafts from an offset, the one changed last first."""
    offset, size = bounds(call)
    drafts = sorted(world.articles.drafts.values(), key=lambda draft: draft.updated_at, reverse=True)
    chosen = drafts[offset : offset + size]
    bare = call.body.get("no_content") == 1
    items = [
        {"media_id": draft.media_id, "content": {"news_item": shown(draft, bare)}, "update_time": int(draft.updated_at)} for draft in chosen
    ]
    return {"total_count": len(drafts), "item_count": len(items), "item": items}


def switch(world: World, call: Call) -> Answer:
    """POST /cgi-bin/draft/switch: the change to drafts, which cannot be taken back; with checkonly=1 only the question."""
    if call.query.get("checkonly") != "1":
        world.articles.drafts_switched_on = True
    return {"errcode": 0, "errmsg": "ok", "is_open": int(world.articles.drafts_switched_on)}


def upload_news(world: World, call: Call) -> Answer:
    """POST /cgi-bin/media/uploadnews: what clients from before the drafts send before a mass message."""
    return {"type": "news", "media_id": add(world, call)["media_id"], "created_at": int(call.now)}


def found(world: World, call: Call) -> Draft:
    """The draft the body names. Raises 40007."""
    draft = world.articles.drafts.get(call.text("media_id", 40007))
    if draft is None:
        raise Refused(40007)
    return draft


def bounds(call: Call) -> tuple[int, int]:
    """Offset and count of a page of 1 to 20. Raises 40097."""
    offset, size = call.number("offset", 40097), call.number("count", 40097)
    if offset < 0 or not 1 <= size <= PAGE:
        raise Refused(40097)
    return offset, size


def shown(draft: Draft, bare: bool = False) -> list[Item]:
    """The draft's articles as they are answered, `bare` without their content."""
    return [{name: value for name, value in item.items() if not (bare and name == "content")} for item in draft.items]


def _read(world: World, call: Call, given: object) -> Item:
    """One article, checked; an absent digest is the beginning of the text. Raises what the platform says to a bad one."""
    if not isinstance(given, dict):
        raise Refused(44003)
    texts = {name: _text(given, name) for name in ("title", "author", "digest", "content", "content_source_url")}
    if not texts["title"] or len(texts["title"]) > TITLE:
        raise Refused(45003)
    if len(texts["author"]) > AUTHOR:
        raise Refused(45110)
    if len(texts["digest"]) > DIGEST:
        raise Refused(45004)
    if not texts["content"]:
        raise Refused(44004)
    if len(texts["content"]) >= CONTENT:
        raise Refused(45002)
    if len(texts["content_source_url"].encode()) > SOURCE_URL:
        raise Refused(45005)
    article_type = given.get("article_type", "news")
    cover = _pictures(world, call, given)[0] if article_type == "newspic" else _material(world, call, given.get("thumb_media_id"))
    return {
        "article_type": article_type,
        **texts,
        "digest": texts["digest"] or " ".join(paragraphs(texts["content"]))[:TAKEN_FOR_DIGEST],
        "thumb_media_id": cover,
        "thumb_url": f"{call.origin}/_sim/media/{cover}",
        "show_cover_pic": given.get("show_cover_pic", 0),
        "need_open_comment": given.get("need_open_comment", 0),
        "only_fans_can_comment": given.get("only_fans_can_comment", 0),
        **({"image_info": given["image_info"]} if article_type == "newspic" else {}),
        "url": "",
    }


def _pictures(world: World, call: Call, given: dict[str, Any]) -> list[str]:
    info = given.get("image_info")
    pictures = info.get("image_list") if isinstance(info, dict) else None
    if not isinstance(pictures, list) or not 1 <= len(pictures) <= PICTURES:
        raise Refused(40215)
    return [_material(world, call, one.get("image_media_id") if isinstance(one, dict) else None) for one in pictures]


def _material(world: World, call: Call, media_id: object) -> str:
    media = world.media.find(media_id, call.now)
    if media is None:
        raise Refused(40007)
    return media.media_id


def _text(given: dict[str, Any], name: str) -> str:
    value = given.get(name) or ""
    if not isinstance(value, str):
        raise Refused(47001)
    return value


TABLE: Table = {
    "/cgi-bin/draft/add": Endpoint(add, "POST", daily=1000),
    "/cgi-bin/draft/update": Endpoint(update, "POST", daily=1000),
    "/cgi-bin/draft/get": Endpoint(get, "POST", daily=500),
    "/cgi-bin/draft/delete": Endpoint(delete, "POST", daily=1000),
    "/cgi-bin/draft/count": Endpoint(count, "GET", daily=1000),
    "/cgi-bin/draft/batchget": Endpoint(page, "POST", daily=1000),
    "/cgi-bin/draft/switch": Endpoint(switch, "ANY", takes="any"),
    "/cgi-bin/media/uploadnews": Endpoint(upload_news, "POST"),
}
