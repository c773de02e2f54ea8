"""What is known of a newcomer when they are about to be paid for: what they did, and how everybody came whom the same code brought."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, func, literal, select, union_all

from models.base import Hot, Id, Instant
from models.inbox import inbox_entries
from models.points import POINTS, ledger
from models.poll import ballots
from models.referral import Act, AfterRules, Case, ReferralRules, referrals
from models.referral_code import referral_codes
from models.streak import checkins
from models.survey import responses
from models.suspicion import Facts

LOOKED_BACK = timedelta(days=30)
MOST = 100  # newcomers of one code that are looked at, the newest: enough to see a habit, and quick
_LONGEST_CHAIN = 50

_who = bindparam("follower", type_=Id)
_r, _i, _l = referrals.c, inbox_entries.c, ledger.c
_ACTS = union_all(
    select(literal("checkin").label("act"), func.count().label("times")).where(
        checkins.c.follower_id == _who, checkins.c.made_up_at.is_(None)
    ),
    select(literal("survey"), func.count()).where(responses.c.follower_id == _who, responses.c.finished_at.is_not(None)),
    select(literal("vote"), func.count()).where(ballots.c.follower_id == _who),
    select(_l.account, func.count())
    .where(_l.follower_id == _who, _l.asset == POINTS, _l.amount > 0, _l.account.in_(("activity", "message")))
    .group_by(_l.account),
)
_TIMES = select(_r.first_at).where(
    _r.code_id == bindparam("code"), _r.first_at.between(bindparam("begin", type_=Instant), bindparam("end", type_=Instant))
)
# What people do of their own accord: that they came or scanned, and where they are, is not.
_OWN = _i.kind.in_(("text", "image", "voice", "video", "shortvideo", "location", "link", "msgmenu", "click", "view", "view_miniprogram"))
_wrote = select(func.count()).where(_i.follower_id == _r.follower_id, _OWN).correlate(referrals).scalar_subquery()
_BROUGHT = (
    select(_r.first_at, _r.left_at, _wrote.label("wrote"))
    .where(_r.code_id == bindparam("code"), _r.first_at > bindparam("since", type_=Instant))
    .order_by(_r.id.desc())
    .limit(MOST)
)
_PARENT = Hot(
    select(_r.first_at, referral_codes.c.follower_id)
    .select_from(referrals.join(referral_codes, referral_codes.c.id == _r.code_id))
    .where(_r.follower_id == _who)
)


def done(db: Connection, newcomer: int, acts: Mapping[Act, int]) -> bool:
    """Whether they have done everything that is asked of a newcomer, so often. Days that were mended do not count as check-ins."""
    if not acts:
        return True
    times: dict[str, int] = dict(db.execute(_ACTS, {"follower": newcomer}).all())
    return all((sum(times.values()) if act == "any" else times.get(act, 0)) >= needed for act, needed in acts.items())


def facts(db: Connection, case: Case, rules: ReferralRules, now: datetime) -> Facts:
    """What the suspicions go by: of this newcomer, of those of the same code, of who brought whom before."""
    burst = timedelta(minutes=rules.hold.burst.minutes) if rules.hold.burst else timedelta()
    times = db.execute(_TIMES, {"code": case.code_id, "begin": case.first_at - burst, "end": case.first_at + burst}).scalars().all()
    brought = db.execute(_BROUGHT, {"code": case.code_id, "since": now - LOOKED_BACK}).all()
    settled = [one for one in brought if one.first_at + timedelta(days=rules.after.days) <= now]
    asked = _asked(rules.after)
    return Facts(
        came_at=case.first_at,
        others_at=times,
        brought=len(brought),
        left=sum(one.left_at is not None for one in brought),
        settled=len(settled),
        idle=sum(one.wrote <= asked for one in settled),
        ancestors_at=_ancestors(db, case.referrer),
    )


def _asked(after: AfterRules) -> int:
    """The fewest messages in which it can all be done."""
    return sum(after.acts.values())


def _ancestors(db: Connection, follower: int) -> list[datetime]:
    """When whoever brought the newcomer came by a code, and whoever brought that one, and so on."""
    found: list[datetime] = []
    while len(found) < _LONGEST_CHAIN and (parent := _PARENT.row(db, follower=follower)) is not None:
        found.append(parent[0])
        follower = parent[1]
    return found
