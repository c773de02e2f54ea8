"""YZ841 to YZ844: coupons that nobody can get or use any more, and reminders that never come."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from handlers.coupon import CouponsSection
from models.claim import Batch
from models.config import Config, Location, Problem


def unusable(config: Config, today: date) -> Iterator[Problem]:
    """Batches whose validity is over, without stock, claimable only when it is too late, with a reminder before they are claimed."""
    section = config.get(CouponsSection)
    for number, batch in enumerate(section.batches if section else ()):
        yield from _batch(batch, ("coupons", "batches", number), today)


def _batch(batch: Batch, where: Location, today: date) -> Iterator[Problem]:
    last, name = batch.valid.to, batch.name
    if last is not None and last < today:
        zh, en = f"「{name}」的有效期到 {last} 就过了，领不到也用不了", f"{name!r} is valid until {last}, which is over: nobody can get it"
        yield Problem((*where, "valid", "to"), zh, en, "YZ841")
    elif last is not None and (begin := _begin(batch)) is not None and begin > last:
        zh, en = (
            f"「{name}」{begin} 才开始领，那时有效期（到 {last}）已经过了",
            f"{name!r} can be claimed from {begin}, when it is over ({last})",
        )
        yield Problem((*where, "claim", "dates"), zh, en, "YZ843", (*where, "valid", "to"))
    if batch.stock == 0:
        yield Problem((*where, "stock"), f"「{name}」库存是 0，谁也领不到", f"the stock of {name!r} is 0: nobody can get it", "YZ842")
    if "remind_days" in batch.model_fields_set and batch.valid.days is not None and batch.remind_days >= batch.valid.days:
        zh = f"「{name}」{batch.valid.days} 天有效，提前 {batch.remind_days} 天的提醒在领到之前，永远不会发"
        en = f"{name!r} is good for {batch.valid.days} days: a reminder {batch.remind_days} days before its end never comes"
        yield Problem((*where, "remind_days"), zh, en, "YZ844")


def _begin(batch: Batch) -> date | None:
    """The first day on which it can be claimed; None where that is open."""
    begins = [dates.from_ for dates in (batch.claim.dates if batch.claim else None) or ()]
    return min((day for day in begins if day is not None), default=None) if all(begins) else None
