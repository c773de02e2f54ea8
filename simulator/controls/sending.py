"""Sending what is no text: pictures, recordings, films, places, links; choosing from a list; handing files over."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import BaseModel, Field

from simulator import gestures, messages
from simulator.controls import who
from simulator.controls.told import told
from simulator.media import kind_of
from simulator.world import World

LARGEST = 10 << 20
LOCKED = {"X-Content-Type-Options": "nosniff", "Content-Disposition": "inline", "Content-Security-Policy": "sandbox; default-src 'none'"}
SHOWN = ("image/", "audio/", "video/")
"""What a browser may be given as it is; a follower's file could claim to be a page."""


class Sent(BaseModel):
    """A message of any type. What a type does not use is ignored; a medium that is not named is a sample."""

    openid: str
    msgtype: Literal["text", "image", "voice", "video", "shortvideo", "location", "link"]
    ref: str | None = None
    media_id: str = ""
    thumb_media_id: str = ""
    recognition: str = ""
    content: str = Field(default="", max_length=4000)
    x: float = Field(default=31.2304, ge=-90, le=90, description="latitude")
    y: float = Field(default=121.4737, ge=-180, le=180, description="longitude")
    scale: int = Field(default=15, ge=0, le=30)
    label: str = Field(default="上海市黄浦区人民大道", max_length=600)
    title: str = Field(default="", max_length=600)
    description: str = Field(default="", max_length=2000)
    url: str = Field(default="", max_length=4000)


class Chosen(BaseModel):
    """An option (its id) of a message with options, or with links that are options, in the conversation."""

    openid: str
    message: str
    item: str
    words: str = Field(default="", max_length=2000, description="which of the links that have this id")


def router(world: World) -> APIRouter:
    """POST send, choose, upload; GET media/{media_id}."""
    routes = APIRouter()

    @routes.post("/send")
    async def send(sent: Sent) -> dict[str, Any]:
        follower = who.follower(world, sent.openid)
        with who.acting():
            if sent.msgtype == "text":
                if not sent.content:
                    raise HTTPException(422, "content 不能为空")
                return told(await gestures.say(world, follower, sent.content, sent.ref))
            if sent.msgtype == "location":
                return told(await messages.send_location(world, follower, sent.x, sent.y, sent.scale, sent.label, sent.ref))
            if sent.msgtype == "link":
                return told(await messages.send_link(world, follower, sent.title, sent.description, sent.url, sent.ref))
            media = (sent.media_id, sent.thumb_media_id, sent.recognition)
            return told(await messages.send_media(world, follower, sent.msgtype, *media, ref=sent.ref))

    @routes.post("/choose")
    async def choose(chosen: Chosen) -> dict[str, Any]:
        with who.acting():
            return told(await messages.choose(world, who.follower(world, chosen.openid), chosen.message, chosen.item, chosen.words))

    @routes.post("/upload")
    async def upload(
        request: Request, kind: Literal["image", "voice", "video", "thumb"], name: Annotated[str, Query(max_length=200)] = ""
    ) -> dict[str, str]:
        content = await _read(request)
        claimed = request.headers.get("content-type", "").partition(";")[0]
        content_type = kind_of(content) or (claimed if claimed.startswith(SHOWN) else "application/octet-stream")
        media_id = world.media.store(kind, content_type, name or kind, content, world.clock.now())
        return {"media_id": media_id, "url": f"/_sim/media/{media_id}"}

    @routes.get("/media/{media_id}")
    async def media(media_id: str) -> Response:
        found = world.media.find(media_id, world.clock.now())
        if found is None:
            raise HTTPException(404, "没有这个素材，或者已经过期（三天）")
        safe = found.content_type.startswith(SHOWN) and "svg" not in found.content_type
        return Response(found.content, media_type=found.content_type if safe else "application/octet-stream", headers=LOCKED)

    return routes


async def _read(request: Request) -> bytes:
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > LARGEST:
            raise HTTPException(413, "文件太大，最多 10 MB")
    if not content:
        raise HTTPException(422, "没有文件内容：请把文件的字节作为请求体")
    return content
