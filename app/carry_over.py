"""What the platform's console answered by itself, as parts of config.yaml. Shapes: get_current_autoreply_info on the platform's pages.

Whatever cannot be carried over becomes a remark; nothing is dropped in silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

import handlers
from app.yaml_text import Piece, printable
from handlers import routing
from handlers.keyword import KeywordsSection, Matcher, Rule
from handlers.replies import ReplyText, ReplyWith, may_be_media_id
from handlers.routing import Trigger, normal
from models.config import Config, literal

Given = Mapping[str, Any]

_REPLY: TypeAdapter[Any] = TypeAdapter(ReplyText | ReplyWith)
_NAME = 100  # characters of a rule's name
_ARTICLES = 8
_KINDS = {"text": "文字", "img": "图片", "voice": "语音", "video": "视频", "news": "图文"}
_MEDIA = {"img": "image", "voice": "voice"}


@dataclass
class Media:
    """The media of the console: by media_id what a reply may name instead, and where a video can be had."""

    names: dict[str, str] = field(default_factory=dict)
    videos: dict[str, str] = field(default_factory=dict)


def media_of(value: Any) -> Iterator[tuple[str, str]]:
    """Kind and media_id of every picture, voice and video anywhere in an answer of the platform."""
    if isinstance(value, Mapping):
        kind, media_id = value.get("type"), value.get("content") or value.get("value")
        if kind in ("img", "voice", "video") and isinstance(media_id, str) and "://" not in media_id:
            yield kind, media_id
    for item in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from media_of(item)


def reply(given: Given, media: Media) -> Any | None:
    """The console's reply as one of ours; None where it cannot be one."""
    kind, content = given.get("type"), _text(given)
    made: Any = None
    if kind == "text":
        made = literal(content)
    elif kind in _MEDIA and (content in media.names or may_be_media_id(content)):
        made = {_MEDIA[str(kind)]: media.names.get(content, content)}
    elif kind == "news":
        made = {"news": [_article(article) for article in _articles(given)[:_ARTICLES]]}
    try:
        _REPLY.validate_json(to_json(made))
    except ValidationError:
        return None
    return made


def _text(given: Given) -> str:
    return printable(str(given.get("content") or given.get("value") or ""))


def _articles(given: Given) -> list[Given]:
    info = given.get("news_info")
    return tables(info.get("list")) if isinstance(info, Mapping) else []


def tables(value: Any) -> list[Given]:
    """What is of use in a list that the platform gave."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _article(given: Given) -> dict[str, str]:
    """Our card for an article: it opens the article itself, not the page the author gave as its source."""
    title, digest = (literal(printable(str(given.get(name) or ""))) for name in ("title", "digest"))
    picture, url = (printable(str(given.get(name) or "")) for name in ("cover_url", "content_url"))
    card = {"title": title, "description": digest, "picture": picture, "url": url}
    return {name: value for name, value in card.items() if value}


def told(given: Given, media: Media) -> str:
    """The console's reply in one remark."""
    kind, content = str(given.get("type") or "?"), _text(given)
    if kind == "news":
        content = "；".join(f"{article.get('title')} {article.get('content_url')}" for article in _articles(given)) or content
    if kind == "video" and content in media.videos:
        content = f"{media.videos[content]}（三天内可以下载，存好后写进 media）"
    if content in media.names:
        content = f"{media.names[content]}（media 里有）"
    return f"{_KINDS.get(kind, kind)}：{content}"


def single(what: str, given: Any, is_open: Any, media: Media) -> Piece | None:
    """The welcome or the default reply; None where the console had none."""
    several = [one for one in tables(given if isinstance(given, list) else [given]) if one.get("type")]
    if not several:
        return None
    if not is_open:
        return Piece(None, [f"{what}在公众平台里是关着的，没有带过来。原来是 {told(one, media)}" for one in several])
    return _first_of(what, several, media)


def _first_of(what: str, several: Sequence[Given], media: Media) -> Piece:
    """The first of the replies that can be carried over; the others are remarks."""
    made = [reply(one, media) for one in several]
    used = next((number for number, one in enumerate(made) if one is not None), None)
    left = [told(one, media) for number, one in enumerate(several) if number != used]
    remarks = [f"{what}有 {len(several)} 条回复，这里只能有一条。没有带过来的是 {one}" for one in left if len(several) > 1]
    if used is None and len(several) == 1:
        remarks = [f"{what}的回复带不过来，请自己写。原来是 {left[0]}"]
    elif used is not None and len(_articles(several[used])) > 1:
        remarks.append(f"{what}的图文有 {len(_articles(several[used]))} 篇；粉丝发消息时，微信只显示第一篇")
    return Piece(None if used is None else made[used], remarks)


def rules(given: Any, media: Media, zone: ZoneInfo) -> list[Piece]:
    """The keyword rules, in their order; those that cannot be rules here are remarks alone."""
    pieces = [_rule(one, media) for one in tables(given.get("list"))] if isinstance(given, Mapping) else []
    _note_the_unreachable(pieces, zone)
    return pieces


def _rule(given: Given, media: Media) -> Piece:
    words = tables(given.get("keyword_list_info"))
    exact, contains = ([printable(str(one.get("content") or "")) for one in words if _matches(one) == how] for how in ("equal", "contain"))
    name = (printable(str(given.get("rule_name") or "")).replace("\n", " ").strip() or next(iter(exact + contains), "未命名"))[:_NAME]
    what = f"规则“{name}”"
    several = tables(given.get("reply_list_info"))
    made = _first_of(what, several, media) if several else Piece(None, [f"{what}没有回复，没有带过来"])
    remarks = made.remarks + [f"{what}有一个关键词带不过来：{dict(one)}" for one in words if _matches(one) is None]
    if given.get("reply_mode") == "random_one" and len(several) > 1:
        remarks.insert(0, f"{what}原来随机回复其中一条，现在总是同一条")
    when = {how: [word for word in some if word] for how, some in (("exact", exact), ("contains", contains)) if any(some)}
    if made.value is None or not when:
        return Piece(None, [*remarks, f"{what}没有带过来，它的关键词是 {'、'.join(exact + contains) or '（无）'}"])
    rule = {"name": name, "when": when, "reply": made.value}
    try:
        Rule.model_validate_json(to_json(rule))
    except ValidationError as error:
        return Piece(None, [*remarks, f"{what}没有带过来：{error.errors()[0]['msg']}"])
    return Piece(rule, remarks)


def _matches(word: Given) -> str | None:
    return str(word.get("match_mode")) if word.get("type", "text") == "text" and word.get("match_mode") in ("equal", "contain") else None


def section_of(pieces: Sequence[Piece]) -> KeywordsSection:
    """The section that these rules make."""
    return KeywordsSection.model_validate_json(to_json({"rules": [one.value for one in pieces if one.value is not None]}))


def triggers_of(zone: ZoneInfo) -> Mapping[str, Trigger]:
    """The words that lead to a feature in a file that has rules and a menu only."""
    return routing.lay(Config(zone), handlers.FEATURES).triggers


def _note_the_unreachable(pieces: Sequence[Piece], zone: ZoneInfo) -> None:
    """Every rule says which of its words somebody else answers: an earlier rule, or a feature of ours."""
    live = [one for one in pieces if one.value is not None]
    matcher, taken = Matcher(section_of(pieces)), triggers_of(zone)
    for number, piece in enumerate(live):
        for word in (word for some in piece.value["when"].values() for word in some):
            first = min(matcher.candidates(word.strip()), default=number)
            if trigger := taken.get(normal(word)):
                place = ".".join(map(str, trigger.where))
                piece.remarks.append(f"“{word}”是驿站自己的词（{place}），轮不到规则“{piece.value['name']}”")
            elif first != number:
                other = live[first].value["name"]
                piece.remarks.append(f"“{word}”先被规则“{other}”回答，轮不到规则“{piece.value['name']}”；两条的顺序可以换")
