"""What an operator may reply with in YAML, and how it becomes what the platform understands."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from difflib import get_close_matches
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, Field, RootModel, model_validator

from handlers.routing import Context
from models import checkin, customer_message, media, points
from models.config import Config, Location, Problem, Rules, fill, placeholders, says, wrong
from models.media import Kind, MediaSection
from wechat import reply
from wechat.reply import Reply

NAMES = ("name", "points", "streak", "level", "date", "weekday", "time")
ReplyText = Annotated[str, says(*NAMES), Field(min_length=1)]

FOLLOWS_WITHIN = timedelta(minutes=10)  # a picture that was not uploaded when it was asked for; later it would answer nothing any more

_MEDIA_ID = re.compile("[A-Za-z0-9_-]+")
_SURELY_ID = 30  # characters: media_ids have 43 and more; a name so long that is misspelt by a letter is left to the platform


class Media(Rules):
    """A picture, voice or video: a file of ours, or one that is on the platform already."""

    media_id: str = Field(min_length=1, description="media 里的名字，或平台上素材的 media_id")
    title: str = Field("", description="标题（视频）")
    description: str = Field("", description="说明（视频）")


class Music(Rules):
    """A piece of music."""

    title: str = Field("", description="标题")
    description: str = Field("", description="说明")
    url: str = Field("", description="音乐链接")
    hq_url: str = Field("", description="高质量音乐链接")
    thumb_media_id: str = Field(min_length=1, description="封面图：media 里的名字，或 media_id")


class Article(Rules):
    """A card with a picture that leads somewhere."""

    title: ReplyText = Field(description="标题")
    description: Annotated[str, says(*NAMES)] = Field("", description="说明")
    picture: str = Field("", description="图片网址")
    url: str = Field(min_length=1, description="点开后的网址")


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


def _as_media(value: Any) -> Any:
    return {"media_id": value} if isinstance(value, str) else value


class ReplyWith(Rules):
    """Exactly one kind of reply."""

    text: ReplyText | None = Field(None, description="文字")
    image: Annotated[Media, BeforeValidator(_as_media)] | None = Field(None, description="图片：media 里的名字，或 media_id")
    voice: Annotated[Media, BeforeValidator(_as_media)] | None = Field(None, description="语音：media 里的名字，或 media_id")
    video: Annotated[Media, BeforeValidator(_as_media)] | None = Field(None, description="视频")
    music: Music | None = Field(None, description="音乐")
    news: Annotated[list[Article], BeforeValidator(_listed), Field(min_length=1, max_length=8)] | None = Field(None, description="图文")
    handoff: str | bool | None = Field(None, description="转人工客服：true，或客服账号")

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1 or self.handoff is False:
            kinds = "text、image、voice、video、music、news、handoff"
            raise wrong(f"回复要有且只有一种：{kinds}", f"a reply is exactly one of: {kinds.replace('、', ', ')}")
        return self


def say(given: str | ReplyWith, ctx: Context) -> Reply:
    """The operator's reply with its placeholders filled."""
    if isinstance(given, str):
        return reply.Text(words(given, ctx))
    if given.text is not None:
        return reply.Text(words(given.text, ctx))
    if given.news is not None:
        return reply.News(tuple(reply.Article(words(a.title, ctx), words(a.description, ctx), a.picture, a.url) for a in given.news))
    if given.image is not None:
        return _medium(ctx, "image", given.image.media_id, reply.Image, {})
    if given.voice is not None:
        return _medium(ctx, "voice", given.voice.media_id, reply.Voice, {})
    if given.video is not None:
        title, description = given.video.title, given.video.description
        told = {"title": title, "description": description}
        return _medium(ctx, "video", given.video.media_id, lambda media_id: reply.Video(media_id, title, description), told)
    if given.music is not None:
        m = given.music
        told = {"title": m.title, "description": m.description, "musicurl": m.url, "hqmusicurl": m.hq_url}
        return _medium(ctx, "thumb", m.thumb_media_id, lambda cover: reply.Music(m.title, m.description, m.url, m.hq_url, cover), told)
    return reply.Handoff("" if given.handoff is True else str(given.handoff))


def _medium(ctx: Context, kind: Kind, name: str, made: Callable[[str], Reply], told: Mapping[str, str]) -> Reply:
    """The reply with the platform's copy of that medium; where there is none yet, nothing now and a customer-service message in a while."""
    section = ctx.config.get(MediaSection)
    medium = section.root.get(name) if section else None
    if medium is None:
        return made(name)
    copy = media.living(ctx.db, medium, kind, ctx.now)
    if copy is not None:
        return made(copy)
    ctx.explain(f"“{name}”还没有传到微信：传好以后用客服消息发出")
    content = {"thumb_media": name, **told} if kind == "thumb" else {"media": name, **told}
    msgtype = "music" if kind == "thumb" else kind
    payload = {"msgtype": msgtype, msgtype: content}
    customer_message.queue(ctx.db, f"media:{ctx.inbound.key}", ctx.follower.id, payload, ctx.now + FOLLOWS_WITHIN, ctx.now)
    return reply.Text("")


def check(config: Config) -> Iterator[Problem]:
    """Every medium that a reply names, in whatever section, is one of `media:` that fits, or may be a media_id."""
    section = config.get(MediaSection)
    known = section.root if section else {}
    for kind, sections in config.sections.items():
        for where, given in _replies(sections, (getattr(kind, "key", ""),)):
            for place, use, name in _named(given, where):
                medium = known.get(name)
                if medium is None and (told := _no_such(name, list(known))):
                    yield Problem(place, *told)
                elif medium is not None and (told := _unfit(medium, use)):
                    yield Problem(place, f"“{name}”不能这样用：{told[0]}", f"{name!r} cannot be used here: {told[1]}")


def _replies(value: Any, where: Location) -> Iterator[tuple[Location, ReplyWith]]:
    if isinstance(value, ReplyWith):
        yield where, value
    elif isinstance(value, RootModel):
        yield from _replies(value.root, where)
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _replies(getattr(value, name), (*where, name))
    elif isinstance(value, Mapping | list | tuple):
        for key, item in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from _replies(item, (*where, key))


def _named(given: ReplyWith, where: Location) -> Iterator[tuple[Location, Kind, str]]:
    """Where the reply names a medium, as what, and which."""
    if given.image is not None:
        yield (*where, "image", "media_id"), "image", given.image.media_id
    if given.voice is not None:
        yield (*where, "voice", "media_id"), "voice", given.voice.media_id
    if given.video is not None:
        yield (*where, "video", "media_id"), "video", given.video.media_id
    if given.music is not None:
        yield (*where, "music", "thumb_media_id"), "thumb", given.music.thumb_media_id


def _unfit(medium: media.Medium, use: Kind) -> tuple[str, str] | None:
    if use == "image" and medium.format == "gif":  # the platform takes the upload, but not in a passive reply
        return "图片回复不能用 GIF，请换成 png 或 jpg", "a reply takes no GIF; make it a png or jpg"
    return media.unfit(medium, use)


def _no_such(name: str, known: list[str]) -> tuple[str, str] | None:
    """Why this is neither a name nor a media_id; None where it may be a media_id."""
    may_be_id = may_be_media_id(name)
    near = get_close_matches(name, known, 1, 0.8 if may_be_id else 0.3)
    if may_be_id and (not near or len(name) >= _SURELY_ID):
        return None
    if near:
        return f"media 里没有“{name}”；你是不是想写“{near[0]}”？", f"there is no {name!r} in media; did you mean {near[0]!r}?"
    has = f"；media 里有：{'、'.join(known)}" if 0 < len(known) <= 20 else ""
    return f"media 里没有“{name}”，它也不是 media_id{has}", f"there is no {name!r} in media, and it is no media_id"


def may_be_media_id(text: str) -> bool:
    """Whether the platform could have given this id to a medium."""
    return _MEDIA_ID.fullmatch(text) is not None


def words(text: str, ctx: Context) -> str:
    """The text with its placeholders filled; only what it asks for is looked up."""
    wanted = set(placeholders(text))
    return fill(text, {name: _value(name, ctx) for name in wanted}) if wanted or "{{" in text else text


def _value(name: str, ctx: Context) -> object:
    local = ctx.said_at.astimezone(ctx.zone)
    match name:
        case "name":
            return ctx.follower.name
        case "points":
            return points.balance(ctx.db, ctx.follower.id)
        case "streak":
            return checkin.current_streak(ctx.db, ctx.follower.id, ctx.zone, ctx.said_at)
        case "level":
            return points.level_rules(ctx.config).level(points.balance(ctx.db, ctx.follower.id))
        case "date":
            return f"{local.month}月{local.day}日"
        case "weekday":
            return f"星期{'一二三四五六日'[local.weekday()]}"
        case "result":
            return ctx.result
    return f"{local:%H:%M}"
