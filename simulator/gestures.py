"""What a follower does with the phone: write, tap, follow, leave, switch messages off. Each verb ends when its outcome is on the screen."""

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
    """What the follower saw: a reply, a failure notice, or neither."""

    reply: Message | None
    notice: Message | None
    attempts: list[dict[str, Any]]


async def say(world: World, follower: Follower, text: str, ref: str | None = None) -> Seen:
    """The text is in the conversation and its answer, if any, below it. `ref` is the page's own name for the bubble it already drew."""
    _require_following(follower)
    content: Message = {"type": "text", "text": text, **({"ref": ref} if ref else {})}
    message = world.conversations.add(follower.openid, "follower", content)
    world.allowances.grant(follower.openid, "message", message["at"])
    fields = {**_head(world, follower, "text"), "Content": text, "MsgId": int(message["id"])}
    outcome = await world.courier.push(follower.openid, fields)
    return _show(world, follower, outcome, articles=1, visible=True)


async def tap(world: World, follower: Follower, event: str, details: dict[str, Any]) -> Seen:
    """The event is pushed with these fields as they are, and its reply shown if the event is one that has replies."""
    name = event.upper()
    if name != "UNSUBSCRIBE":
        _require_following(follower)
    if name in TRIGGERS:
        world.allowances.grant(follower.openid, TRIGGERS[name], world.clock.now())
    outcome = await world.courier.push(follower.openid, {**_head(world, follower, "event"), "Event": event, **details})
    return _show(world, follower, outcome, articles=8, visible=name in IN_CHAT)


async def follow(world: World, follower: Follower, scene: str = "", ticket: str = "") -> Seen:
    """The person follows (again), from a QR code's scene if there is one, and sees the account's welcome."""
    follower.subscribed, follower.muted = True, False
    follower.subscribe_time = int(world.clock.now())
    world.conversations.add(follower.openid, "notice", {"type": "event", "text": f"你已关注「{world.options.name}」"})
    details = {"EventKey": f"qrscene_{scene}" if scene else "", **({"Ticket": ticket} if ticket else {})}
    return await tap(world, follower, "subscribe", details)


async def unfollow(world: World, follower: Follower) -> Seen:
    """The person follows no longer; the account has no way left to reach them."""
    follower.subscribed = False
    world.allowances.forget(follower.openid)
    world.conversations.add(follower.openid, "notice", {"type": "event", "text": f"你已取消关注「{world.options.name}」"})
    return await tap(world, follower, "unsubscribe", {"EventKey": ""})


def mute(world: World, follower: Follower, muted: bool) -> None:
    """Messages from the account are switched off (or on again). The account is not told."""
    follower.muted = muted
    text = "已关闭「接收消息」" if muted else "已打开「接收消息」"
    world.conversations.add(follower.openid, "notice", {"type": "event", "text": text})


def _require_following(follower: Follower) -> None:
    if not follower.subscribed:
        raise NotFollowing(follower.openid)


def _head(world: World, follower: Follower, kind: str) -> dict[str, Any]:
    now = int(world.clock.now())
    return {"ToUserName": world.options.original_id, "FromUserName": follower.openid, "CreateTime": now, "MsgType": kind}


def _show(world: World, follower: Follower, outcome: Outcome, articles: int, visible: bool) -> Seen:
    """The reply, or the failure sentence, is on the screen if the screen can show it."""
    seen = Seen(None, None, outcome.attempts)
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
                seen.reply = world.conversations.add(follower.openid, "account", {**content, "via": "reply"})
    if problem and visible:
        seen.notice = world.conversations.add(follower.openid, "notice", {"type": "failure", "text": FAILURE, "why": problem})
    return seen


def _cause(error: str) -> str:
    """An attempt's error in the words of the phone's page."""
    if error == "timeout":
        return "超时"
    return "连不上服务器" if error.startswith("connection") else error
