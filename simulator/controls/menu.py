"""The follower's menu and the account's QR codes: looking at them, tapping, scanning."""

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from simulator import menu_taps, scans
from simulator.controls import who
from simulator.controls.told import told
from simulator.world import World


class Place(BaseModel):
    """Where the follower says they are."""

    x: float = Field(default=31.2304, ge=-90, le=90, description="latitude")
    y: float = Field(default=121.4737, ge=-180, le=180, description="longitude")
    scale: int = Field(default=15, ge=0, le=30)
    label: str = "上海市黄浦区人民大道"
    poiname: str = ""


class Tap(BaseModel):
    """The button's place in the menu, and what the follower holds ready for it: a scanned text, pictures, a place."""

    openid: str
    path: list[int] = Field(min_length=1, max_length=2)
    platform: str = "ios"
    result: str = ""
    media_id: str | list[str] = ""
    location: Place = Place()


class Scan(BaseModel):
    """A code, by its ticket or its scene."""

    openid: str
    ticket: str = ""
    scene: str = Field(default="", max_length=64)


def router(world: World) -> APIRouter:
    """menu (GET, POST), GET codes, POST scan."""
    routes = APIRouter()

    @routes.get("/menu")
    async def menu(openid: str, platform: str = "ios") -> dict[str, Any]:
        return {"buttons": world.menus.seen_by(who.follower(world, openid), platform)}

    @routes.post("/menu")
    async def tap(wanted: Tap) -> dict[str, Any]:
        media_ids = [wanted.media_id] if isinstance(wanted.media_id, str) else wanted.media_id
        place = menu_taps.Place(**wanted.location.model_dump())
        hand = menu_taps.Hand(wanted.result, [media_id for media_id in media_ids if media_id], place, wanted.platform)
        with who.acting():
            tapped = await menu_taps.tap(world, who.follower(world, wanted.openid), wanted.path, hand)
        return {"opened": tapped.opened, "mini_program": tapped.mini_program, **told(tapped.seen)}

    @routes.get("/codes")
    async def codes() -> dict[str, Any]:
        return {
            "codes": [
                {
                    "ticket": code.ticket,
                    "scene": code.scene,
                    "permanent": code.permanent,
                    "url": code.url,
                    "picture": f"/cgi-bin/showqrcode?{urlencode({'ticket': code.ticket})}",
                    "until": None if code.permanent else code.until(),
                }
                for code in scans.alive(world)
            ]
        }

    @routes.post("/scan")
    async def scan(wanted: Scan) -> dict[str, Any]:
        if not wanted.ticket and not wanted.scene:
            raise HTTPException(422, "请给出 ticket 或 scene")
        with who.acting():
            return told(await scans.scan(world, who.follower(world, wanted.openid), wanted.ticket, wanted.scene))

    return routes
