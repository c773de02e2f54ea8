"""What a follower does with the phone: write, tap, follow, leave, switch messages off. Each verb ends when its outcome is on the screen.

`at` is the moment of the gesture, now unless given: the crowd plans its days ahead (`simulator.life`).
"""

from dataclasses import dataclass
from typing import Any

from simulator import reply
from simulator.conversation import Message
from simulator.courier import Outcome
from simulator.crowd import Follower
from simulator.world import World

FAILURE = "该公众号提供的服务出现故障，请稍后再试"
"""What phones show when an account's server fails, by many reports from the field."""

TRIGGERS = {"SUBSCRIBE": "subscribe", "SCAN": "scan", "CLICK": "click", "SCANCODE_PUSH": "click", "SCANCODE_WAITMSG": "click"}
"""Events (upper case) that open an allowance for customer-service messages."""
IN_CHAT = frozenset({"SUBSCRIBE", "SCAN", "CLICK", "SCANCODE_WAITMSG"})
"""Events (upper case) after which the follower looks at the chat: their replies, and their failures, can be seen."""


class NotFollowing(Exception):
    """Only those who follow can write to the account or use its menu."""


@dataclass(slots=True)
class Seen:
    """What the follower saw: a reply, a failure notice, or neither. `withheld` says why nothing was pushed at all."""

    reply: Message | None
    notice: Message | None
    attempts: list[dict[str, Any]]
    withheld: str | None = None


async def say(world: World, follower: Follower, text: str, ref: str | None = None, at: float | None = None) -> Seen:
    """The text is in the conversation and its answer, if any, below it. `ref` is the page's own name for the bubble it already drew."""
    return await write(world, follower, "text", {"Content": text}, {"type": "text", "text": text}, ref, at)


async def write(
    world: World,
    follower: Follower,
    kind: str,
    fields: dict[str, Any],
    bubble: Message,
    ref: str | None = None,
    at: float | None = None,
    trigger: str = "message",
) -> Seen:
    """A message of this MsgType is pushed with these fields, its bubble is in the conversation, and its answer below it."""
    require_following(follower)
    message = world.conversations.add(follower.openid, "follower", {**bubble, **({"ref": ref} if ref else {})}, at)
    world.allowances.grant(follower.openid, trigger, message["at"])
    head = _head(world, follower, kind, message["at"])
    outcome = await world.courier.push(follower.openid, {**head, **fields, "MsgId": int(message["id"])})
    return _show(world, follower, outcome, articles=1, visible=True, at=at)


async def tap(world: World, follower: Follower, event: str, details: dict[str, Any], at: float | None = None) -> Seen:
    """The event is pushed with these fields as they are, and its reply shown if the event is one that has replies."""
    name = event.upper()
    if not name.startswith(("UNSUBSCRIBE", "SUBSCRIBE_MSG")):  # notices can also be agreed to in an article, by anybody
        require_following(follower)
    now = world.clock.now() if at is None else at
    if name in TRIGGERS:
        world.allowances.grant(follower.openid, TRIGGERS[name], now)
    outcome = await world.courier.push(follower.openid, {**_head(world, follower, "event", now), "Event": event, **details})
    return _show(world, follower, outcome, articles=8, visible=name in IN_CHAT, at=at)


async def follow(world: World, follower: Follower, scene: str = "", ticket: str = "", at: float | None = None) -> Seen:
    """The person follows (again), from a QR code's scene if there is one, and sees the account's welcome."""
    follower.subscribed, follower.muted = True, False
    follower.subscribe_time = int(world.clock.now() if at is None else at)
    follower.qr_scene = scene
    if scene:
        follower.scene = "ADD_SCENE_QR_CODE"
    world.conversations.add(follower.openid, "notice", {"type": "event", "text": f"你已关注「{world.options.name}」"}, at)
    details = {"EventKey": f"qrscene_{scene}" if scene else "", **({"Ticket": ticket} if ticket else {})}
    return await tap(world, follower, "subscribe", details, at)


async def unfollow(world: World, follower: Follower, at: float | None = None) -> Seen:
    """The person follows no longer; the account has no way left to reach them."""
    follower.subscribed = False
    world.allowances.forget(follower.openid)
    world.conversations.add(follower.openid, "notice", {"type": "event", "text": f"你已取消关注「{world.options.name}」"}, at)
    return await tap(world, follower, "unsubscribe", {"EventKey": ""}, at)


def mute(world: World, follower: Follower, muted: bool, at: float | None = None) -> None:
    """Messages from the account are switched off (or on again). The account is not told."""
    follower.muted = muted
    text = "已关闭「接收消息」" if muted else "已打开「接收消息」"
    world.conversations.add(follower.openid, "notice", {"type": "event", "text": text}, at)


def require_following(follower: Follower) -> None:
    """Returns for someone who follows; raises NotFollowing."""
    if not follower.subscribed:
        raise NotFollowing(follower.openid)


def _head(world: World, follower: Follower, kind: str, at: float) -> dict[str, Any]:
    return {"ToUserName": world.options.original_id, "FromUserName": follower.openid, "CreateTime": int(at), "MsgType": kind}


def _show(world: World, follower: Follower, outcome: Outcome, articles: int, visible: bool, at: float | None) -> Seen:
    """The reply, or the failure sentence, is on the screen if the screen can show it. What was never pushed shows nothing at all."""
    seen = Seen(None, None, outcome.attempts, outcome.withheld)
    if outcome.withheld:
        return seen
    problem = outcome.abnormal
    if outcome.answer is None:
        problem = f"{len(outcome.attempts)} 次推送都没有得到应答（{_cause(outcome.attempts[-1]['error'])}）"
    elif outcome.inner is not None:
        try:
            content = reply.read(outcome.inner, follower.openid, world.options.original_id, articles)
        except reply.Abnormal as abnormal:
            problem = str(abnormal)
        else:
            if visible:
                shown = {**content, **_where(world, content), "via": "reply"}
                seen.reply = world.conversations.add(follower.openid, "account", shown, at)
    if problem and visible:
        seen.notice = world.conversations.add(follower.openid, "notice", {"type": "failure", "text": FAILURE, "why": problem}, at)
    return seen


def _where(world: World, content: Message) -> Message:
    """The addresses of a reply's media, empty for those that do not exist (any more)."""

    def address(media_id: str) -> str:
        return f"/_sim/media/{media_id}" if world.media.find(media_id, world.clock.now()) else ""

    names = {"media_id": "url", "thumb_media_id": "thumb"}
    return {shown: address(content[name]) for name, shown in names.items() if name in content}


def _cause(error: str) -> str:
    """An attempt's error in the words of the phone's page."""
    if error == "timeout":
        return "超时"
    return "连不上服务器" if error.startswith("connection") else error
