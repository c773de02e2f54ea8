"""What the `coupons` section alone cannot see: levels, segments, and rewards that name a batch."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.coupon.section import CouponsSection
from models import condition
from models.config import Config, Location, Problem
from models.reward import RewardRules


def check(config: Config) -> Iterator[Problem]:
    """Batches that are there twice, conditions that name what is not there, rewards of coupons that are not there."""
    section = config.get(CouponsSection)
    keys: list[str] = []
    for number, batch in enumerate(section.batches if section else ()):
        where: Location = ("coupons", "batches", number)
        if batch.key in keys:
            yield Problem((*where, "key"), f"已经有一批券叫 {batch.key}", f"there is a batch {batch.key} already")
        keys.append(batch.key)
        if batch.claim is not None:
            yield from condition.check(batch.claim, (*where, "claim"), config)
    for where, key in rewarded(config):
        if key not in keys:
            known, known_en = "、".join(keys) or "（无）", ", ".join(keys) or "none"
            zh, en = f"没有券 {key}；coupons.batches 里有：{known}", f"no batch {key}; coupons.batches has: {known_en}"
            yield Problem(where, zh, en)


def rewarded(config: Config) -> Iterator[tuple[Location, str]]:
    """Every batch that a reward gives, and where it says so."""
    return (((*where, "coupon"), reward.coupon) for where, reward in config.every(RewardRules) if reward.coupon is not None)
