"""One draw in a lottery: its number, what it cost, the prize off the stock and the award, in one transaction.

Draws of one lottery queue up behind its row, so the order of their numbers is the order in which the stock was taken, and whoever replays
them in that order comes to the same winners.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Integer, and_, bindparam, case, func, or_, select, update

from models import draw as fair
from models import points, reward, stock
from models.base import Hot, Instant, insert
from models.clock import business_day
from models.condition import Circumstances, unmet
from models.config import Config
from models.database import undone_on_error
from models.follower import Follower
from models.lottery import announce, differs, lotteries, lottery_draws, lottery_turns, standing, subject
from models.order import open_prize
from models.prize import LotteryRules, PrizeRules
from models.refusal import Refusal
from models.reward import Granted


class NotBegun(Refusal):
    """It has not begun. Details: begins_at."""


class Ended(Refusal):
    """It is over: no draw, ever again. Details: ends_at."""


class NotInvited(Refusal):
    """The follower does not meet the conditions. Details: why (for an operator)."""


class UsedUpToday(Refusal):
    """They have drawn as often today as one may. Details: per_day."""


class UsedUp(Refusal):
    """They have drawn as often as one may. Details: per_follower."""


class NoChance(Refusal):
    """No free chance and none they won is left, and points buy none."""


_l, _d = lotteries.c, lottery_draws.c
_NUMBER = Hot(
    update(lotteries)
    .where(_l.key == bindparam("which"), _l.rules_hash == bindparam("under"), _l.revealed_at.is_(None))
    .values(draws=_l.draws + 1, first_draw_at=func.coalesce(_l.first_draw_at, bindparam("now", type_=Instant)))
    .returning(_l.draws, _l.seed)
)
_first_turn = insert(lottery_turns).values(
    follower_id=bindparam("follower_id"), lottery=bindparam("lottery"), total=1, day=bindparam("day"), today=1
)
_later = _first_turn.excluded.day > lottery_turns.c.day  # a message of yesterday that comes after midnight counts for today
_TURN = Hot(
    _first_turn.on_conflict_do_update(
        index_elements=[lottery_turns.c.follower_id, lottery_turns.c.lottery],
        set_={
            "total": lottery_turns.c.total + 1,
            "today": case((_later, 1), else_=lottery_turns.c.today + 1),
            "day": case((_later, _first_turn.excluded.day), else_=lottery_turns.c.day),
        },
        where=and_(
            lottery_turns.c.total < bindparam("per_follower", type_=Integer),
            or_(_later, lottery_turns.c.today < bindparam("per_day", type_=Integer)),
        ),
    ).returning(lottery_turns.c.total, lottery_turns.c.today)
)
_TURNS = Hot(
    select(lottery_turns.c.total, lottery_turns.c.day, lottery_turns.c.today).where(
        lottery_turns.c.follower_id == bindparam("follower"), lottery_turns.c.lottery == bindparam("which")
    )
)
_KEEP = Hot(
    insert(lottery_draws).values(
        {
            name: bindparam(name)
            for name in ("lottery", "number", "follower_id", "ticket", "proof", "at", "fell_on", "prize", "paid", "owed")
        }
    )
)
_KEPT = Hot(
    select(_d.number, _d.proof, _d.fell_on, _d.prize, _d.paid, _d.owed).where(
        _d.lottery == bindparam("which"), _d.ticket == bindparam("called")
    )
)
_UNLIMITED = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Drawn:
    """A draw: its number and ticket, what was won, and how many more draws the follower has (None: no limit)."""

    number: int
    ticket: str
    proof: str
    rules: LotteryRules
    fell_on: PrizeRules | None
    prize: PrizeRules | None
    granted: Granted
    owed: bool  # it has to be claimed
    order: str  # the number of the order that ships it; '' where nothing is shipped
    paid: str
    left: int | None
    new: bool


def draw(
    db: Connection,
    config: Config,
    person: Follower,
    rules: LotteryRules,
    act: str,
    said_at: datetime,
    now: datetime,
    *,
    luck: float | None = None,
) -> Drawn:
    """Afterwards the message `act` (its inbound key) has drawn once: paid for, numbered, kept, and what it won is given.

    The rules that hold are the pinned ones. A second call for the same message returns the same draw and changes nothing. Raises NotBegun,
    Ended, NotInvited, UsedUpToday, UsedUp, NoChance, NotEnoughPoints. `luck` in [0, 1) takes the number's place where somebody rehearses.
    """
    ticket = fair.ticket(person.openid, act)
    if (before := _KEPT.row(db, which=rules.key, called=ticket)) is not None:
        return _again(db, config, person, rules, ticket, before, said_at)
    number, seed, held = _numbered(db, config, rules, said_at, now)
    who = Circumstances(db, config, person, said_at, lambda name: 0.0)
    if held.who is not None and (why := unmet(held.who, f"lottery:{held.key}", who)):
        raise NotInvited(why=why)
    total, today = _turn(db, person.id, held, business_day(said_at, config.zone))
    cause = f"lottery:{held.key}:{number}"
    paid = _pay(db, person.id, held, today, f"{cause}:cost", said_at)
    lot = fair.at(luck) if luck is not None else fair.number(seed, held.key, number, ticket)
    place = fair.falls_on(lot, held.shares)
    fell_on = held.prizes[place] if place is not None else None
    prize = fell_on if fell_on is not None and _taken(db, held.key, fell_on) else None
    given = prize.reward if prize is not None else held.consolation
    granted, owed = _award(db, config, person.id, given, cause, said_at)
    ships = prize is not None and prize.ship
    order = open_prize(db, person.id, prize.name, cause, said_at).number if prize is not None and ships else ""
    owed = prize is not None and not ships and (owed or prize.goods)
    fell, won = fell_on.key if fell_on else None, prize.key if prize else None
    proof = fair.proof(seed, person.openid, act)
    kept = {"number": number, "ticket": ticket, "proof": proof, "at": said_at, "fell_on": fell, "prize": won, "paid": paid, "owed": owed}
    _KEEP.count(db, lottery=held.key, follower_id=person.id, **kept)
    more = _left(db, person.id, held, total, today)
    return Drawn(number, ticket, proof, held, fell_on, prize, granted, owed, order, paid, more, new=True)


def _numbered(db: Connection, config: Config, rules: LotteryRules, said_at: datetime, now: datetime) -> tuple[int, bytes, LotteryRules]:
    """The next number, the seed and the rules that hold; from here to the commit nobody else draws in this lottery."""
    while True:
        holds = standing(db, rules.key)
        if holds is None or (not holds.draws and not holds.revealed_at and differs(rules, holds)):
            if holds is None and said_at >= rules.ends(config.zone):
                raise Ended(ends_at=rules.ends(config.zone))
            announce(db, config.zone, rules, now)
            continue
        if holds.begins_at is not None and said_at < holds.begins_at:
            raise NotBegun(begins_at=holds.begins_at)
        if said_at >= holds.ends_at or holds.revealed_at is not None:
            raise Ended(ends_at=holds.ends_at)
        if row := _NUMBER.row(db, which=rules.key, under=holds.rules_hash, now=said_at):
            return row[0], bytes(row[1]), holds.rules


def _turn(db: Connection, follower: int, rules: LotteryRules, day: date) -> tuple[int, int]:
    """One more draw of theirs: how many that makes, in all and today."""
    limits = {"per_follower": rules.per_follower or _UNLIMITED, "per_day": rules.per_day or _UNLIMITED}
    row = _TURN.row(db, follower_id=follower, lottery=rules.key, day=day, **limits)
    if row is not None:
        return row[0], row[1]
    total, _, _ = _TURNS.row(db, follower=follower, which=rules.key) or (0, day, 0)
    if rules.per_follower is not None and total >= rules.per_follower:
        raise UsedUp(per_follower=rules.per_follower)
    raise UsedUpToday(per_day=rules.per_day)


def _pay(db: Connection, follower: int, rules: LotteryRules, today: int, cause: str, at: datetime) -> str:
    """What is free comes first, then chances they won, then points."""
    if today <= rules.free_per_day:
        return "free"
    chance = reward.chance_of(rules.key)
    if points.balance(db, follower, chance):
        points.post(db, follower, -1, cause, at, asset=chance)
        return "chance"
    if rules.cost is None:
        raise NoChance
    if rules.cost:
        points.post(db, follower, -rules.cost, cause, at)
    return "points" if rules.cost else "free"


def _taken(db: Connection, key: str, prize: PrizeRules) -> bool:
    try:
        stock.take(db, subject(key, prize.key), prize.stock)
    except stock.SoldOut:
        return False
    return True


def _award(
    db: Connection, config: Config, follower: int, given: reward.RewardRules | None, cause: str, at: datetime
) -> tuple[Granted, bool]:
    """What was given, and whether it could not be: a coupon whose batch has run out is still won, and owed."""
    if given is None:
        return Granted(), False
    try:
        with undone_on_error(db):
            return reward.grant(db, config, follower, given, cause, at), False
    except Refusal:
        return Granted(), True


def _left(db: Connection, follower: int, rules: LotteryRules, total: int, today: int) -> int | None:
    limits = [limit - used for limit, used in ((rules.per_day, today), (rules.per_follower, total)) if limit is not None]
    if rules.cost == 0:
        return min(limits, default=None)
    bought = points.balance(db, follower) // rules.cost if rules.cost else 0
    chances = max(rules.free_per_day - today, 0) + points.balance(db, follower, reward.chance_of(rules.key)) + bought
    return max(min([*limits, chances]), 0)


def left(db: Connection, follower: int, rules: LotteryRules, day: date) -> int | None:
    """How often they may draw on this day, as their points and chances are now; None: no limit."""
    total, last, today = _TURNS.row(db, follower=follower, which=rules.key) or (0, day, 0)
    return _left(db, follower, rules, total, today if last >= day else 0)


def _again(
    db: Connection, config: Config, person: Follower, rules: LotteryRules, ticket: str, row: tuple[Any, ...], said_at: datetime
) -> Drawn:
    number, proof, fell_on, prize, paid, owed = row
    holds = standing(db, rules.key)
    held = holds.rules if holds is not None else rules
    chances = left(db, person.id, held, business_day(said_at, config.zone))
    fell, won = held.prize(fell_on), held.prize(prize)
    return Drawn(number, ticket, proof, held, fell, won, Granted(), bool(owed), "", paid, chances, new=False)
