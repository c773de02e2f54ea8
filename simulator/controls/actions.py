"""Acting as a follower: write, send an event, follow, unfollow, switch messages off. Each waits for what comes of it."""

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, StringConstraints

from simulator import gestures
from simulator.controls import who
from simulator.controls.told import told
from simulator.world import World


class Who(BaseModel):
    """The follower who acts."""

    openid: str


class Said(Who):
    """A text from the follower. `ref` comes back in the conversation, so that a page knows its own message."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=4000)]
    ref: str | None = None


class Event(Who):
    """An event. Fields beyond these are pushed as they are, nested ones as nested XML."""

    model_config = ConfigDict(extra="allow")

    event: str
    event_key: str | None = None


class Followed(Who):
    """A follow, from a QR code's scene if there is one."""

    scene: str = ""
    ticket: str = ""


class Switch(Who):
    """A switch and where it shall be."""

    on: bool = True


class Whereabouts(Who):
    """Where the phone is."""

    latitude: float = 31.2304
    longitude: float = 121.4737
    precision: float = 65.0


def router(world: World) -> APIRouter:
    """POST say, event, follow, unfollow, block, blacklist, whereabouts."""
    routes = APIRouter()

    @routes.post("/say")
    async def say(said: Said) -> dict[str, Any]:
        with who.acting():
            return told(await gestures.say(world, who.follower(world, said.openid), said.text, said.ref))

    @routes.post("/event")
    async def event(happened: Event) -> dict[str, Any]:
        if misnamed := [name for name in happened.model_extra or {} if not (name.isascii() and name.isidentifier())]:
            raise HTTPException(422, f"不能作为 XML 元素名：{misnamed[0]}")
        details: dict[str, Any] = {} if happened.event_key is None else {"EventKey": happened.event_key}
        with who.acting():
            person = who.follower(world, happened.openid)
            return told(await gestures.tap(world, person, happened.event, details | (happened.model_extra or {})))

    @routes.post("/whereabouts")
    async def whereabouts(phone: Whereabouts) -> dict[str, Any]:
        place = {"Latitude": f"{phone.latitude:f}", "Longitude": f"{phone.longitude:f}", "Precision": f"{phone.precision:f}"}
        with who.acting():
            return told(await gestures.tap(world, who.follower(world, phone.openid), "LOCATION", place))

    @routes.post("/follow")
    async def follow(followed: Followed) -> dict[str, Any]:
        return told(await gestures.follow(world, who.follower(world, followed.openid), followed.scene, followed.ticket))

    @routes.post("/unfollow")
    async def unfollow(leaver: Who) -> dict[str, Any]:
        return told(await gestures.unfollow(world, who.follower(world, leaver.openid)))

    @routes.post("/block")
    async def block(switch: Switch) -> dict[str, Any]:
        gestures.mute(world, who.follower(world, switch.openid), switch.on)
        return {"muted": switch.on}

    @routes.post("/blacklist")
    async def blacklist(switch: Switch) -> dict[str, Any]:
        who.follower(world, switch.openid).blacklisted = switch.on
        return {"blacklisted": switch.on}

    return routes
