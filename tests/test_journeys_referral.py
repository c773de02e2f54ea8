"""A journey of a follower's own code: asked for, scanned off their phone by a stranger who stays, paid for, and taken back."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.people import BASIC, Process, Town, free_port, wait_until

RULES = BASIC + "referral: {points: 20, after: {days: 0, acts: {checkin: 1}}, replies: {welcomed: '由{referrer}带来'}}\n"


def chat(town: Town, who: str) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = town.ask(f"/_sim/followers/{who}/conversation")["messages"]
    return [one for one in messages if one["side"] == "account"]


def chores_now(town: Town) -> None:
    """Another process with the scheduler's role begins, and does what is due at once."""
    port = free_port()
    words = ["app", "serve", "--config", str(town.config), "--port", str(port), "--role", "scheduler"]
    helper = Process(words, town.environ, town.folder / "scheduler.log")
    helper.start(f"http://127.0.0.1:{port}/healthz")
    time.sleep(0.5)
    helper.stop()


@pytest.mark.prove
def test_a_code_is_pictured_scanned_paid_for_and_taken_back(town: Callable[..., Town]) -> None:
    here = town(RULES, 12, ("--unsubscribed", "0.4"))
    people = here.ask("/_sim/followers?limit=12")["followers"]
    ann = next(one["openid"] for one in people if one["subscribed"])
    bob = next(one["openid"] for one in people if not one["subscribed"])

    asked = time.monotonic()
    assert here.ask("/_sim/say", openid=ann, text="我的邀请码")["reply"]["text"].startswith("正在做您的专属二维码")
    wait_until(lambda: [one["type"] for one in chat(here, ann)] == ["text", "image", "text"], 10, f"no picture: {chat(here, ann)}")
    assert time.monotonic() - asked < 8
    assert here.ask("/_sim/say", openid=ann, text="我的邀请码")["reply"]["type"] == "image", "the second time it is there"

    [code] = here.ask("/_sim/codes")["codes"]
    welcomed = here.ask("/_sim/scan", openid=bob, ticket=code["ticket"])["reply"]["text"]
    assert welcomed.startswith("欢迎\n\n由会员")
    here.ask("/_sim/say", openid=bob, text="签到")
    chores_now(here)
    wait_until(lambda: "+20 积分" in (chat(here, ann)[-1].get("text") or ""), 25, f"not paid: {chat(here, ann)}")
    assert here.yizhan("ledger", "statement", ann, "--json")["balance"] == 20

    time.sleep(1.1)  # in one and the same second following wins
    here.ask("/_sim/unfollow", openid=bob)
    wait_until(lambda: "收回 20 积分" in (chat(here, ann)[-1].get("text") or ""), 10, "not taken back")
    assert here.yizhan("ledger", "statement", ann, "--json")["balance"] == 0
    listed = here.yizhan("referral", "list", "--json")
    assert [(one["state"], one["referrer"], one["newcomer"]) for one in listed] == [("clawed_back", ann, bob)]
    assert here.yizhan("ledger", "audit", "--json")["differences"] == []
