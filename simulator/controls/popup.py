"""Subscription notices from the follower's side: answering the popup, and changing one's mind later."""

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from simulator import consents
from simulator.controls import who
from simulator.controls.told import told
from simulator.world import World


class Popup(BaseModel):
    """The answer to a popup that asks for these templates. `scene` is the platform's PopupScene: 0 an article, 1 a page, 2 a message."""

    openid: str
    template_ids: list[str] = Field(min_length=1, max_length=10)
    accept: bool = True
    scene: int = 2


class Change(BaseModel):
    """A notice switched off in the account's settings page on the phone."""

    openid: str
    template_id: str
    status: Literal["reject"] = "reject"


def router(world: World) -> APIRouter:
    """GET notices; POST popup, notices."""
    routes = APIRouter()

    @routes.get("/notices")
    async def notices(openid: str) -> dict[str, Any]:
        who.follower(world, openid)
        listed = world.subscriptions.templates.values()
        return {
            "notices": [
                {
                    "template_id": template.template_id,
                    "title": template.title,
                    "left": world.subscriptions.left(openid, template.template_id),
                }
                for template in listed
            ]
        }

    @routes.post("/popup")
    async def popup(answered: Popup) -> dict[str, Any]:
        with who.acting():
            follower = who.follower(world, answered.openid)
            return told(await consents.answer_popup(world, follower, answered.template_ids, answered.accept, answered.scene))

    @routes.post("/notices")
    async def change(changed: Change) -> dict[str, Any]:
        with who.acting():
            return told(await consents.withdraw(world, who.follower(world, changed.openid), changed.template_id))

    return routes
