"""Paying for newcomers: when they have stayed and done something, once; and taking it back when they leave soon after.

Whether one is paid is a conditional UPDATE of its state, and so is whether it is taken back: of any number of processes one does it, in
the transaction that posts the points. A newcomer who comes back is not paid for again: they are a row, and the row is over.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, and_, bindparam, func, or_, select, update

from models import earning, notice, points, referral_code, referral_evidence, reward, suspicion
from models.base import Instant
from models.clock import business_day
from models.config import Config, fill
from models.follower import followers, hold
from models.points import ledger
from models.referral import LEFT, Case, ReferralRules, gone, referrals
from models.referral_code import referral_codes
from models.refusal import Refusal

MOST = 50  # looked at in one piece
SYSTEM = "system"
_TOLD_WITHIN = timedelta(days=7)  # afterwards it is no news any more
_SOONEST, _LATEST = timedelta(minutes=10), timedelta(hours=6)


class UnknownReferral(Refusal):
    """There is none of this number."""


class AlreadyDecided(Refusal):
    """It waits for no operator. Details: state."""


class NewcomerLeft(Refusal):
    """They have left: nothing is paid for them."""


_r, _c, _f = referrals.c, referral_codes.c, followers.c
_COLUMNS = (
    _r.id,
    _r.follower_id.label("newcomer"),
    _r.code_id,
    _c.follower_id.label("referrer"),
    _r.first_at,
    _r.state,
    _r.safe_at,
    _f.subscribed,
)
_ROWS = select(*_COLUMNS).select_from(referrals.join(referral_codes, _c.id == _r.code_id).join(followers, _f.id == _r.follower_id))
_DUE = (
    _ROWS.where(_r.look_at <= bindparam("now", type_=Instant))
    .order_by(_r.look_at)
    .limit(MOST)
    .with_for_update(skip_locked=True, key_share=True, of=[referrals, followers])
)
_ONE = _ROWS.where(_r.id == bindparam("referral"))
_OF_NEWCOMER = _ROWS.where(_r.follower_id == bindparam("newcomer"), _r.state == "paid")
_THIS = update(referrals).where(_r.id == bindparam("referral"))
_LATER = _THIS.values(look_at=bindparam("next"))
_REFUSE = _THIS.where(_r.state.in_(("pending", "held"))).values(
    state="refused", reasons=bindparam("why"), look_at=None, settled_by=bindparam("who")
)
_HOLD = _THIS.where(_r.state == "pending").values(state="held", reasons=bindparam("why"), look_at=None)
_PAY = _THIS.where(_r.state == bindparam("was")).values(
    state="paid", paid_at=bindparam("now"), safe_at=bindparam("safe"), look_at=bindparam("next"), settled_by=bindparam("who")
)
_PAID = _THIS.values(points=bindparam("earned"), reasons=bindparam("why"))
_CLAW_BACK = _THIS.where(_r.state == "paid", _r.safe_at > bindparam("left", type_=Instant)).values(
    state="clawed_back", left_at=bindparam("left"), look_at=None, reasons=LEFT
)
_l = ledger.c
_ENTRIES = (
    select(_l.id, _l.follower_id, _l.asset)
    .where(
        or_(
            and_(_l.follower_id == bindparam("referrer"), _l.cause == bindparam("paid_for")),
            and_(_l.follower_id == bindparam("newcomer"), _l.cause == bindparam("gift_for")),
        ),
        _l.amount > 0,
        _l.asset != points.GROWTH,  # goes with the points
    )
    .order_by(_l.id)
)


def decide(db: Connection, config: Config, now: datetime) -> int:
    """Afterwards up to 50 newcomers whose time has come are paid for, held, refused or left for later, and leavers' points are taken back.

    Returns how many were looked at. At most one of them moves points, so that no two transactions wait for each other's balances.
    """
    rules = config.of_kind(ReferralRules)
    looked = 0
    for row in db.execute(_DUE, {"now": now}).all() if rules is not None else ():
        looked += 1
        assert rules is not None
        look = _look_at_paid if row.state == "paid" else _look_at_pending
        if look(db, config, rules, Case(*row), now):
            break
    return looked


def _look_at_pending(db: Connection, config: Config, rules: ReferralRules, case: Case, now: datetime) -> bool:
    """Whether points were moved."""
    if not case.subscribed:
        gone(db, case.newcomer, max(now, case.first_at + timedelta(seconds=1)))
    elif not referral_evidence.done(db, case.newcomer, rules.after.acts):
        if now >= case.first_at + timedelta(days=max(rules.after.within, rules.after.days)):
            db.execute(_REFUSE, {"referral": case.id, "why": f"{rules.after.within} 天里没有做到要求的事", "who": None})
        else:
            _look_again(db, case, now + min(max((now - case.first_at) / 20, _SOONEST), _LATEST))
    elif why := suspicion.reasons(referral_evidence.facts(db, case, rules, now), rules.hold):
        db.execute(_HOLD, {"referral": case.id, "why": "；".join(why)})
    else:
        return _pay(db, config, rules, case, None, now)
    return False


def _look_at_paid(db: Connection, config: Config, rules: ReferralRules, case: Case, now: datetime) -> bool:
    if case.safe_at is None or case.safe_at <= now:
        _look_again(db, case, None)
    elif case.subscribed:
        _look_again(db, case, min(now + _LATEST, case.safe_at))
    else:  # their event never came: the platform's list told us, or a refused message did
        return _claw_back(db, config, rules, case, now, now)
    return False


def _look_again(db: Connection, case: Case, at: datetime | None) -> None:
    db.execute(_LATER, {"referral": case.id, "next": at})


def _pay(db: Connection, config: Config, rules: ReferralRules, case: Case, by: str | None, now: datetime) -> bool:
    hold(db, case.newcomer, case.referrer)
    safe = now + timedelta(days=rules.clawback_days)
    values = {"referral": case.id, "was": case.state, "now": now, "safe": safe, "next": min(now + _LATEST, safe), "who": by}
    if db.execute(_PAY, values).rowcount != 1:
        return False
    room = referral_code.count(db, case.code_id, f"{business_day(now, config.zone):%Y-%m}", rules.per_month)
    cause, earned = f"referral:{case.newcomer}", 0
    if room and rules.points:
        earned = earning.earn(db, config, case.referrer, "referral", rules.points, cause, now).points
    why = "" if room else f"这个月已经算满 {rules.per_month} 位，没有积分"
    db.execute(_PAID, {"referral": case.id, "earned": earned, "why": why})
    words, until = rules.notices, now + _TOLD_WITHIN
    if earned:
        notice.leave(db, config, case.referrer, cause, fill(words.paid, {"points": earned}), now, until)
    if rules.newcomer is not None:
        gift = reward.told(config, reward.grant(db, config, case.newcomer, rules.newcomer, f"invited:{case.newcomer}", now))
        if gift:
            notice.leave(db, config, case.newcomer, "invited", fill(words.gift, {"gift": gift}), now, until)
    return True


def left(db: Connection, config: Config, newcomer: int, left_at: datetime, now: datetime) -> None:
    """They unfollowed at `left_at`: afterwards nothing will be paid for them, and what was paid within `clawback_days` is taken back, once.

    No balance goes below zero: of what was spent already nothing is taken.
    """
    rules = config.of_kind(ReferralRules)
    if gone(db, newcomer, left_at) or rules is None:
        return
    row = db.execute(_OF_NEWCOMER, {"newcomer": newcomer}).one_or_none()
    if row is not None and row.first_at < left_at:
        _claw_back(db, config, rules, Case(*row), left_at, now)


def _claw_back(db: Connection, config: Config, rules: ReferralRules, case: Case, left_at: datetime, now: datetime) -> bool:
    if db.execute(_CLAW_BACK, {"referral": case.id, "left": left_at}).rowcount != 1:
        return False
    before = points.balance(db, case.referrer)
    causes = {"paid_for": f"referral:{case.newcomer}", "gift_for": f"invited:{case.newcomer}"}
    for entry in db.execute(_ENTRIES, {"referrer": case.referrer, "newcomer": case.newcomer} | causes).all():
        points.reverse(db, entry.id, now, by=SYSTEM, reason=fill(rules.notices.left, {}), at_most=True)
    taken = before - points.balance(db, case.referrer)
    if taken:
        text = fill(rules.notices.clawed_back, {"points": taken})
        notice.leave(db, config, case.referrer, f"referral_back:{case.newcomer}", text, now, now + _TOLD_WITHIN)
    return True


# Operators


class Listed(NamedTuple):
    """A newcomer and whoever brought them, as an operator sees them."""

    id: int
    newcomer: str  # openids
    referrer: str
    first_at: datetime
    state: str
    reasons: str
    points: int
    paid_at: datetime | None
    left_at: datetime | None
    settled_by: str | None


_who = followers.alias("who")
_LISTED = (
    select(_r.id, _f.openid, _who.c.openid, _r.first_at, _r.state, _r.reasons, _r.points, _r.paid_at, _r.left_at, _r.settled_by)
    .select_from(
        referrals.join(followers, _f.id == _r.follower_id).join(referral_codes, _c.id == _r.code_id).join(_who, _who.c.id == _c.follower_id)
    )
    .limit(bindparam("most"))
)


def held(db: Connection, most: int) -> list[Listed]:
    """Those that wait for an operator, oldest first."""
    return [Listed._make(row) for row in db.execute(_LISTED.where(_r.state == "held").order_by(_r.id), {"most": most})]


def newest(db: Connection, most: int) -> list[Listed]:
    """The newest ones first."""
    return [Listed._make(row) for row in db.execute(_LISTED.order_by(_r.id.desc()), {"most": most})]


def totals(db: Connection) -> Mapping[str, int]:
    """How many there are of each state."""
    return dict(db.execute(select(_r.state, func.count()).group_by(_r.state)).all())


def pay(db: Connection, config: Config, number: int, by: str, now: datetime) -> None:
    """An operator has looked: afterwards the held one is paid. Raises UnknownReferral, AlreadyDecided, NewcomerLeft.

    Also where the month is full: then it counts and earns nothing.
    """
    case, rules = _found(db, number), config.of_kind(ReferralRules)
    if rules is None or case.state != "held":
        raise AlreadyDecided(state=case.state)
    if not case.subscribed:
        raise NewcomerLeft
    if not _pay(db, config, rules, case, by, now):
        raise AlreadyDecided(state=_found(db, number).state)


def refuse(db: Connection, number: int, reason: str, by: str) -> None:
    """An operator says no: afterwards nothing will be paid for this newcomer. Raises UnknownReferral, AlreadyDecided."""
    case = _found(db, number)
    if db.execute(_REFUSE, {"referral": number, "why": reason, "who": by[:100]}).rowcount != 1:
        raise AlreadyDecided(state=case.state)


def _found(db: Connection, number: int) -> Case:
    row = db.execute(_ONE, {"referral": number}).one_or_none()
    if row is None:
        raise UnknownReferral
    return Case(*row)
