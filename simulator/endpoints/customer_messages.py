"""What a customer-service message may hold, type by type, and what of it the phone shows."""

from collections.abc import Callable
from typing import Any

from simulator.errors import Refused
from simulator.reply import TEXT_LIMIT
from simulator.world import World

Content = dict[str, Any]


def _text(world: World, content: Content, now: float) -> Content:
    return {"type": "text", "text": _short(_filled(content, "content"))}


def _short(text: str) -> str:
    if len(text.encode()) > TEXT_LIMIT:
        raise Refused(45002)
    return text


def _news(world: World, content: Content, now: float) -> Content:
    articles = content.get("articles")
    if not isinstance(articles, list) or not articles or not all(isinstance(article, dict) for article in articles):
        raise Refused(44004)
    if len(articles) > 1:
        raise Refused(45008)
    names = {"title": "title", "description": "description", "picture": "picurl", "url": "url"}
    return {"type": "news", "articles": [{name: str(article.get(key) or "") for name, key in names.items()} for article in articles]}


def _menu(world: World, content: Content, now: float) -> Content:
    options = content.get("list")
    if not isinstance(options, list) or not options or not all(isinstance(option, dict) for option in options):
        raise Refused(44004)
    listed = [{"id": str(option.get("id", "")), "text": _filled(option, "content")} for option in options]
    head, tail = str(content.get("head_content") or ""), str(content.get("tail_content") or "")
    return {"type": "menu", "text": head, "options": listed, "tail": tail}


def _music(world: World, content: Content, now: float) -> Content:
    thumb = _medium(world, content, "thumb_media_id", ("thumb", "image"), now)
    names = {"title": "title", "description": "description", "url": "musicurl", "hq_url": "hqmusicurl"}
    return {"type": "music", **{name: str(content.get(key) or "") for name, key in names.items()}, "thumb": thumb["url"]}


def _image(world: World, content: Content, now: float) -> Content:
    return {"type": "image", **_medium(world, content, "media_id", ("image",), now)}


def _voice(world: World, content: Content, now: float) -> Content:
    return {"type": "voice", **_medium(world, content, "media_id", ("voice",), now)}


def _video(world: World, content: Content, now: float) -> Content:
    """The official page says that a thumbnail is needed; clients leave it out and are served."""
    video = _medium(world, content, "media_id", ("video",), now)
    if content.get("thumb_media_id"):
        video["thumb"] = _medium(world, content, "thumb_media_id", ("thumb", "image"), now)["url"]
    return {"type": "video", **video, **{name: str(content.get(name) or "") for name in ("title", "description")}}


def _page(world: World, content: Content, now: float) -> Content:
    app_id, path = _filled(content, "appid"), _filled(content, "pagepath")
    if world.settings.mini_programs and app_id not in world.settings.mini_programs:
        raise Refused(40013)
    thumb = _medium(world, content, "thumb_media_id", ("thumb", "image"), now)["url"]
    return {"type": "mini_program", "title": str(content.get("title") or ""), "app_id": app_id, "path": path, "thumb": thumb}


def _draft(world: World, content: Content, now: float) -> Content:
    """mpnews: the articles of a draft, as it is now."""
    draft = world.articles.drafts.get(_id(content, "media_id"))
    if draft is None:
        raise Refused(40007)
    return {"type": "news", "articles": [_article(item, "") for item in draft.items]}


def _published(world: World, content: Content, now: float) -> Content:
    """mpnewsarticle: what was published."""
    publication = world.articles.publications.get(_id(content, "article_id"))
    if publication is None or publication.deleted:
        raise Refused(53600)
    told = [_article(article.item, publication.url(place)) for place, article in enumerate(publication.articles) if not article.deleted]
    return {"type": "news", "articles": told}


def _article(item: Content, url: str) -> Content:
    picture = f"/_sim/media/{item['thumb_media_id']}" if item.get("thumb_media_id") else ""
    return {"title": str(item.get("title", "")), "description": str(item.get("digest") or ""), "picture": picture, "url": url}


def _card(world: World, content: Content, now: float) -> Content:
    return {"type": "wxcard", "text": "[卡券]", "card_id": _filled(content, "card_id")}


def _filled(content: Content, name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not value:
        raise Refused(44004)
    return value


def _id(content: Content, name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not value:
        raise Refused(40007)
    return value


def _medium(world: World, content: Content, name: str, kinds: tuple[str, ...], now: float) -> Content:
    """The medium's id and where the phone has it from. 40007 unless it is there, still alive, and of one of these kinds."""
    media = world.media.find(_id(content, name), now)
    if media is None or media.kind not in kinds:
        raise Refused(40007)
    return {"media_id": media.media_id, "url": f"/_sim/media/{media.media_id}"}


READERS: dict[str, Callable[[World, Content, float], Content]] = {
    "text": _text,
    "image": _image,
    "voice": _voice,
    "video": _video,
    "music": _music,
    "news": _news,
    "mpnews": _draft,
    "mpnewsarticle": _published,
    "msgmenu": _menu,
    "wxcard": _card,
    "miniprogrampage": _page,
}
"""By msgtype: what the phone shows of a content, or the refusal of it."""
