"""What the simulation found first: a process that is stopped while its call waits for a token, and a repeat that is refused."""

from __future__ import annotations

import asyncio

import pytest

from tests.scheduler.stage import Platform, Stage, play
from wechat.client import Client, NotMade, only_while
from wechat.token import MemoryTokenStore


def test_a_call_that_is_no_longer_wanted_when_its_token_has_come_is_not_made(stage: Stage) -> None:
    platform = Platform(stage)

    async def scene() -> None:
        async with platform.open():
            store = MemoryTokenStore(stage.clock)
            async with Client(app_id="a", secret="s", api_base=platform.base, store=store, clock=stage.clock) as client:
                wanted = [True]
                with only_while(lambda: wanted[0]):
                    call = asyncio.ensure_future(client.template.send("o", "T", {}, client_msg_id="k"))
                    await asyncio.sleep(0)
                    wanted[0] = False
                    with pytest.raises(NotMade):
                        await call
                assert (platform.tokens, platform.asked) == (1, [])
                wanted[0] = True
                assert await client.template.send("o", "T", {}, client_msg_id="k")

    asyncio.run(scene())
    assert len(platform.asked) == 1


def test_a_repeat_that_is_refused_says_nothing_about_the_first_call(stage: Stage) -> None:
    def taken_and_then_refused(platform: Platform, openid: str, key: str) -> object:
        if platform.tries(openid) > 1:
            return 43004
        platform.take(openid, key)
        return -1

    stage.crowd(3)
    run, platform = stage.run(), Platform(stage, taken_and_then_refused)
    play(stage, platform, 8)
    assert len(platform.delivered) == 3
    assert stage.states(run) == {"unknown": 3}
    assert stage.reasons(run) == {"43004 粉丝已取消关注"}
