"""A follower's consent to subscription notices: given or refused in a popup, taken back later. The account is told by events."""

from collections.abc import Sequence

from simulator import gestures
from simulator.crowd import Follower
from simulator.gestures import Seen
from simulator.world import World


class NoSuchNotice(Exception):
    """The account has no subscription template of this id."""


async def answer_popup(world: World, follower: Follower, template_ids: Sequence[str], accept: bool, scene: int) -> Seen:
    """The popup is answered for all its templates alike; each accepted one may be sent once more. Raises NoSuchNotice."""
    for template_id in template_ids:
        _require(world, template_id)
    for template_id in template_ids:
        if accept:
            world.subscriptions.agree(follower.openid, template_id)
    status = "accept" if accept else "reject"
    listed = [{"TemplateId": each, "SubscribeStatusString": status, "PopupScene": scene} for each in template_ids]
    return await gestures.tap(world, follower, "subscribe_msg_popup_event", {"SubscribeMsgPopupEvent": {"List": listed}})


async def withdraw(world: World, follower: Follower, template_id: str) -> Seen:
    """The notice is switched off; only this direction is reported. Raises NoSuchNotice."""
    _require(world, template_id)
    world.subscriptions.withdraw(follower.openid, template_id)
    listed = [{"TemplateId": template_id, "SubscribeStatusString": "reject"}]
    return await gestures.tap(world, follower, "subscribe_msg_change_event", {"SubscribeMsgChangeEvent": {"List": listed}})


def _require(world: World, template_id: str) -> None:
    if template_id not in world.subscriptions.templates:
        raise NoSuchNotice(template_id)
