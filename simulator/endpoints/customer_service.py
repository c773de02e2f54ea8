"""Customer-service messages and the typing hint, within the allowance a follower's own acts open."""

from typing import Any

from simulator.call import Answer, Call, Endpoint, Table
from simulator.crowd import Follower
from simulator.errors import Refused
from simulator.reply import TEXT_LIMIT
from simulator.world import World

TYPING_WINDOW = 30.0


def send(world: World, call: Call) -> Answer:
    """POST /cgi-bin/message/custom/send: on the phone at once, without an id or a receipt."""
    follower = _recipient(world, call)
    kind = call.text("msgtype", 40008)
    content = call.body.get(kind)
    if kind not in _READERS:
        raise Refused(40008)
    if not isinstance(content, dict):
        raise Refused(44004)
    message = _READERS[kind](content)
    if follower.muted:
        raise Refused(48002)
    world.allowances.spend(follower.openid, call.now)
    call.note |= {"delivered": True}
    world.conversations.add(follower.openid, "account", {**message, "via": "customer_service"})
    return {"errcode": 0, "errmsg": "ok"}


def typing(world: World, call: Call) -> Answer:
    """POST /cgi-bin/message/custom/typing: 对方正在输入…, for somebody who wrote within the last half minute."""
    follower = _recipient(world, call)
    command = call.body.get("command")
    if command not in ("Typing", "CancelTyping"):
        raise Refused(45072)
    if call.now - _last_written(world, follower) > TYPING_WINDOW:
        raise Refused(45080)
    world.conversations.hint(follower.openid, "typing", {"on": command == "Typing"})
    return {"errcode": 0, "errmsg": "ok"}


def _recipient(world: World, call: Call) -> Follower:
    follower = world.crowd.find(call.text("touser", 40003))
    if follower is None:
        raise Refused(40003)
    if not follower.subscribed:
        raise Refused(45015)
    if follower.blacklisted:
        raise Refused(43019)
    return follower


def _last_written(world: World, follower: Follower) -> float:
    written = (message["at"] for message in reversed(world.conversations.of(follower.openid)) if message["side"] == "follower")
    return float(next(written, 0.0))


def _text(content: dict[str, Any]) -> dict[str, Any]:
    text = content.get("content")
    if not isinstance(text, str) or not text:
        raise Refused(44004)
    if len(text.encode()) > TEXT_LIMIT:
        raise Refused(45002)
    return {"type": "text", "text": text}


def _news(content: dict[str, Any]) -> dict[str, Any]:
    articles = content.get("articles")
    if not isinstance(articles, list) or not articles or not all(isinstance(article, dict) for article in articles):
        raise Refused(44004)
    if len(articles) > 1:
        raise Refused(45008)
    names = {"title": "title", "description": "description", "picture": "picurl", "url": "url"}
    return {"type": "news", "articles": [{name: str(article.get(key, "")) for name, key in names.items()} for article in articles]}


def _menu(content: dict[str, Any]) -> dict[str, Any]:
    options = content.get("list")
    if not isinstance(options, list) or not options:
        raise Refused(44004)
    chosen = [str(option.get("content", "")) for option in options if isinstance(option, dict)]
    head, tail = str(content.get("head_content", "")), str(content.get("tail_content", ""))
    return {"type": "menu", "text": head, "options": chosen, "tail": tail}


def _music(content: dict[str, Any]) -> dict[str, Any]:
    names = {"title": "title", "description": "description", "url": "musicurl"}
    return {"type": "music", **{name: str(content.get(key, "")) for name, key in names.items()}}


def _image(content: dict[str, Any]) -> dict[str, Any]:
    return {"type": "image", "media_id": _media_id(content)}


def _voice(content: dict[str, Any]) -> dict[str, Any]:
    return {"type": "voice", "media_id": _media_id(content)}


def _video(content: dict[str, Any]) -> dict[str, Any]:
    texts = {name: str(content.get(name, "")) for name in ("title", "description")}
    return {"type": "video", "media_id": _media_id(content), **texts}


def _page(content: dict[str, Any]) -> dict[str, Any]:
    return {"type": "mini_program", "text": str(content.get("title", ""))}


def _media_id(content: dict[str, Any]) -> str:
    media_id = content.get("media_id")
    if not isinstance(media_id, str) or not media_id:
        raise Refused(40007)
    return media_id


_READERS = {
    "text": _text,
    "image": _image,
    "voice": _voice,
    "video": _video,
    "music": _music,
    "news": _news,
    "msgmenu": _menu,
    "miniprogrampage": _page,
}

TABLE: Table = {
    "/cgi-bin/message/custom/send": Endpoint(send, "POST", daily=500_000),
    "/cgi-bin/message/custom/typing": Endpoint(typing, "POST"),
}
