"""What the sender hands to the platform: each follower's own words, their variant, their links."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models import message
from models.broadcast import Broadcast
from tests.scheduler.stage import Platform, Stage, play


def test_what_is_called_for_says_what_was_read_with_the_reservation(staged: Callable[..., Stage]) -> None:
    stage = staged(links={"base": "https://wx.example.com"})
    stage.crowd(40)
    stage.do("INSERT INTO balance (follower_id, asset, amount) SELECT id, 'points', id * 10 FROM follower")
    stage.do("INSERT INTO balance (follower_id, asset, amount) SELECT id, 'card', id FROM follower WHERE id > 20")
    stage.do("UPDATE follower SET untracked_at = state_at WHERE id = 7")
    plan: dict[str, Any] = {
        "data": {"thing1": "有 {points} 分", "number2": "{cards}"},
        "url": "https://example.com/a",
        "variants": [{"key": "A"}, {"key": "B", "data": {"thing1": "还有 {points} 分"}, "url": "https://example.com/b"}],
    }
    run, platform = stage.run(**plan), Platform(stage)
    play(stage, platform)
    assert len(platform.texts) == 40
    planned = Broadcast.model_validate({"key": "digest", "template": "T", **plan})
    codes = dict(stage.sql("SELECT url, code FROM link"))
    for number in range(1, 41):
        call, key = platform.texts[f"o{number - 1:027d}"], message.variant(planned, number)
        assert call["data"]["thing1"]["value"] == f"{'还' if key == 'B' else ''}有 {number * 10} 分"
        assert call["data"]["number2"]["value"] == str(number if number > 20 else 0)
        code = codes[f"https://example.com/{'b' if key == 'B' else 'a'}"]
        assert call["url"].startswith(f"https://wx.example.com/l/{code}")
        assert len(call["url"]) == len("https://wx.example.com/l/") + 12 + (0 if number == 7 else 22)
        assert stage.sql("SELECT variant FROM delivery WHERE run_id = :run AND follower_id = :who", run=run, who=number) == [(key,)]
    assert len({call["url"] for call in platform.texts.values()}) == 40
