"""What an operator may reply with in YAML, and how it becomes what the platform understands."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from handlers.routing import Context
from models import checkin, points
from models.config import Rules, fill, placeholders, says, wrong
from wechat import reply
from wechat.reply import Reply

NAMES = ("name", "points", "streak", "date", "time")
ReplyText = Annotated[str, says(*NAMES), Field(min_length=1)]


class Media(Rules):
    """A picture, voice or video on the platform."""

    media_id: str = Field(min_length=1, description="素材的 media_id")
    title: str = Field("", description="标题（视频）")
    description: str = Field("", description="说明（视频）")


class Music(Rules):
    """A piece of music."""

    title: str = Field("", description="标题")
    description: str = Field("", description="说明")
    url: str = Field("", description="音乐链接")
    hq_url: str = Field("", description="高质量音乐链接")
    thumb_media_id: str = Field(min_length=1, description="封面图的 media_id")


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
    image: Annotated[Media, BeforeValidator(_as_media)] | None = Field(None, description="图片的 media_id")
    voice: Annotated[Media, BeforeValidator(_as_media)] | None = Field(None, description="语音的 media_id")
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
        return reply.Image(given.image.media_id)
    if given.voice is not None:
        return reply.Voice(given.voice.media_id)
    if given.video is not None:
        return reply.Video(given.video.media_id, given.video.title, given.video.description)
    if given.music is not None:
        m = given.music
        return reply.Music(m.title, m.description, m.url, m.hq_url, m.thumb_media_id)
    return reply.Handoff("" if given.handoff is True else str(given.handoff))


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
        case "date":
            return f"{local.month}月{local.day}日"
    return f"{local:%H:%M}"
