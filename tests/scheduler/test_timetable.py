"""The timetable: the clock wakes, the database decides."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from models.broadcast import Broadcast, BroadcastsSection
from models.config import Config
from models.push import PushSection
from models.segment import SegmentsSection
from scheduler.mass import MassSender
from scheduler.media import MediaKeeper
from scheduler.messenger import Messenger
from scheduler.referral_codes import ReferralCodes
from scheduler.timetable import Timetable
from scheduler.upkeep import CHORES
from tests.scheduler.stage import ZONE, Platform, Stage, sender, shanghai


def test_what_is_due_is_planned_sent_and_reconciled_without_a_hand(staged: Callable[..., Stage]) -> None:
    stage, platform = staged(), Platform(staged())
    stage.crowd(30)
    stage.at = shanghai("2026-11-21 08:59:59")
    plan = Broadcast.model_validate({"key": "digest", "template": "T", "cron": "0 9 * * *"})
    unplanned = Broadcast.model_validate({"key": "by_hand", "template": "T"})
    sections: dict[type, Any] = {
        PushSection: stage.push,
        SegmentsSection: SegmentsSection([]),
        BroadcastsSection: BroadcastsSection([unplanned, plan]),
    }
    config = Config(ZONE, "1", sections)

    async def scene() -> None:
        async with platform.open(), sender(stage, platform) as made:
            tables = [Timetable(stage.database, lambda: config, stage.clock) for _ in range(2)]  # as two processes
            for table in tables:
                table.plan()
            keeper = MediaKeeper(stage.database, made._client, lambda: config, lambda name: b"", stage.clock)
            codes = ReferralCodes(stage.database, made._client, lambda: config, stage.clock)
            lists = MassSender(stage.database, made._client, keeper, lambda: config, stage.clock, stage)
            tables[0].work(made, lists, Messenger(stage.database, made._client, keeper, stage.clock), keeper, codes)
            for table in tables:
                table.start()
            await asyncio.sleep(0.5)
            assert stage.sql("SELECT count(*) FROM broadcast_run") == [(0,)]
            stage.later(seconds=2)
            for _ in range(100):
                await asyncio.sleep(0.1)
                if stage.sql("SELECT state FROM broadcast_run") == [("done",)]:
                    break
            assert set(tables[0].alive) == {"due", "look", "mass", "messages", "media", "referral codes", "reconcile", *CHORES}
            for table in tables:
                table.stop()

    asyncio.run(scene())
    assert [tuple(row) for row in stage.sql("SELECT broadcast, state FROM broadcast_run")] == [("digest", "done")]
    assert len(platform.delivered) == len(platform.asked) == 30
