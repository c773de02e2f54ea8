"""Membership: followers rise to the levels they reach, are told of it once, get the gift once; and fall from levels they do not keep."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator
from sqlalchemy import BigInteger, Column, Connection, Row, String, Table, and_, bindparam, func, or_, select, update

from models import level, notice, points, reward
from models.base import Hot, Instant, insert, metadata
from models.clock import span
from models.config import Config, Looks, Rules, fill, says, wrong
from models.database import undone_on_error
from models.follower import followers, hold
from models.level import Growth, Held, Level, LevelRules, Name, level_rules, memberships
from models.notice import LeavesNotices
from models.refusal import Refusal
from models.reward import RewardRules

reviews = Table(
    "level_review",  # when the file's levels change, every follower is looked at once
    metadata,
    Column("rules", String(64), primary_key=True),  # a hash of the levels and what keeps them
    Column("up_to", BigInteger, nullable=False),  # followers up to this id were looked at
    Column("done_at", Instant),
)

_SOME = 50  # followers in one piece of the chores
_NEWS_FOR = timedelta(days=30)  # afterwards a fall or a rise is no news


class MemberLevel(Level):
    """A level with what its followers get on reaching it."""

    gift: RewardRules | None = Field(None, description="升级礼：每人每级一次，降级后再升不重复送")

    @model_validator(mode="after")
    def _not_at_first(self) -> Self:
        for key in ("gift", "keep"):
            if self.growth == 0 and getattr(self, key) is not None:
                zh, en = (
                    f"成长值为 0 的等级人人一开始就有，不能有 {key}",
                    f"everybody has a level of growth 0 from the first: it cannot have `{key}`",
                )
                raise wrong(zh, en, key)
        return self


class MemberLevels(LevelRules, LeavesNotices):
    """How much growth makes a level, and what the level brings."""

    ranks: Mapping[Name, Growth | MemberLevel] = Field(
        default_factory=dict, alias="levels", description="等级名称 → 需要的成长值，或 {growth, multiplier, keep, gift, words}"
    )


def _check_span(text: str) -> str:
    try:
        if span(text) < timedelta(days=1):
            raise ValueError(text)
    except ValueError:
        raise wrong(f"时间要写成 365d、52w，至少 1d；这里是 {text!r}", f"write 365d or 52w, 1d at least; this is {text!r}") from None
    return text


Days = Annotated[str, AfterValidator(_check_span), Looks(r"^\s*[0-9]{1,4}[hdw]\s*$", ("365d", "30d"))]


class MembershipNotices(Rules):
    """What followers are told of their level without asking."""

    reached: Annotated[str, says("level", "gift", "privileges")] = Field(
        "恭喜，您升级为「{level}」了！{gift}{privileges}", description="升级；一次升几级就说最高的那级"
    )
    gift: Annotated[str, says("gift")] = Field("\n升级礼：{gift}", description="有升级礼时加的一行")
    privileges: Annotated[str, says("privileges")] = Field("\n权益：{privileges}", description="有权益时加的一行")
    multiplier: Annotated[str, says("times")] = Field("积分 {times} 倍", description="权益里怎么说倍数")
    kept: Annotated[str, says("level", "date")] = Field("保级成功，「{level}」有效期到 {date}", description="在宽限期里攒够了")
    warned: Annotated[str, says("level", "missing", "date", "lower")] = Field(
        "您的「{level}」到期了，{date}前再攒 {missing} 成长值就能保级，否则降为「{lower}」", description="周期结束没攒够，进入宽限期"
    )
    fallen: Annotated[str, says("level", "lower", "keep")] = Field(
        "您的「{level}」没有保住，现在是「{lower}」。再攒 {keep} 成长值就能升回去", description="宽限期也过了，降一级"
    )
    nobody: Annotated[str, says()] = Field("普通会员", description="没有等级的人怎么称呼")


class MembershipRules(Rules, LeavesNotices):
    """How long levels are held, and what followers are told of them."""

    period: Days = Field("365d", description="有 keep 的等级多久看一次保级，从得到等级那天起")
    grace: Days = Field("30d", description="到期没攒够，再宽限多久才降级")
    notices: MembershipNotices = Field(default_factory=MembershipNotices, description="主动告诉粉丝的话")

    def until(self, one: Level | None, since: datetime) -> datetime | None:
        """When a level that is held from then on is looked at."""
        return since + span(self.period) if one is not None and one.keep is not None else None


def membership_rules(config: Config) -> MembershipRules:
    """The file's, or what holds without."""
    return config.of_kind(MembershipRules) or MembershipRules()


def date_of(config: Config, at: datetime) -> str:
    """The day as followers read it."""
    local = at.astimezone(config.zone)
    return f"{local.year}年{local.month}月{local.day}日"


def privileges(config: Config, name: str) -> str:
    """What a level is worth, in words; '' where it is nothing."""
    rules, words = level_rules(config), membership_rules(config).notices
    one, number = rules.named(name), rules.multiplier(name)
    times = fill(words.multiplier, {"times": f"{number.normalize():f}"}) if number != 1 else ""
    return "；".join(part for part in (times, one.words if one else "") if part)


_follower = memberships.c.follower_id == bindparam("follower")
_columns = ("level", "since", "growth_at", "until", "warned_at", "lost")
_first = insert(memberships).values({name: bindparam(name) for name in ("follower_id", *_columns)})
_FIRST = Hot(_first.on_conflict_do_nothing(index_elements=[memberships.c.follower_id]).returning(memberships.c.follower_id))
_new = {name: bindparam(f"new_{name}", type_=memberships.c[name].type) for name in _columns}
_AS_IT_WAS = (_follower, memberships.c.level == bindparam("old_level"), memberships.c.since == bindparam("old_since", type_=Instant))
_MOVE = update(memberships).where(*_AS_IT_WAS).values(_new)
_growth = (
    select(func.coalesce(func.max(points.balances.c.amount), 0))
    .where(points.balances.c.follower_id == bindparam("follower"), points.balances.c.asset == points.GROWTH)
    .scalar_subquery()
)
# Only what is still so: neither warned nor fallen who has gathered enough in the meantime, nor twice by two processes.
_FAIL = _MOVE.where(memberships.c.until == bindparam("old_until", type_=Instant), _growth - memberships.c.growth_at < bindparam("needed"))


def _store(db: Connection, follower: int, old: Held | None, new: Held, needed: int | None = None) -> bool:
    """Afterwards the follower holds this; False where somebody else has changed it since it was read, or (`needed`) enough was gathered."""
    if old is None:
        return _FIRST.value(db, follower_id=follower, **{name: getattr(new, name) for name in _columns}) is not None
    values = {"follower": follower, "old_level": old.level, "old_since": old.since}
    values |= {f"new_{name}": getattr(new, name) for name in _columns}
    if needed is None:
        return db.execute(_MOVE, values).rowcount == 1
    return db.execute(_FAIL, values | {"old_until": old.until, "needed": needed}).rowcount == 1


def promote(db: Connection, config: Config, follower: int, now: datetime) -> str | None:
    """Afterwards the level that the follower has reached is stored and its gifts are granted, once. Returns what they are to be told.

    One statement where there is nothing to tell, none where there are no levels. Of several levels at once the highest is named, and
    the gifts of all are granted. A level whose name the file has no longer gives way to what growth reaches, without a word.
    """
    rules = level_rules(config)
    if not rules.ladder:
        return None
    growth, old = level.held(db, follower)
    name = rules.standing(growth, old)
    if old is None and not name:
        return None
    before = rules.rank(old.level if old else rules.level(0))
    if old is not None and old.warned_at is not None and rules.rank(name) == before and _gathered(rules, old, growth):
        return _renewed(db, config, follower, old, growth, now)
    renamed = old is not None and bool(old.level) and not before
    if rules.rank(name) <= before:
        return None
    new = _anew(config, name, growth, now, old)
    if not _store(db, follower, old, new) or renamed:
        return None
    words = membership_rules(config).notices
    gifts = "、".join(filter(None, (_gift(db, config, follower, each, now) for each, _ in rules.ladder[before : rules.rank(name)])))
    worth = privileges(config, name)
    gift, more = fill(words.gift, {"gift": gifts}) if gifts else "", fill(words.privileges, {"privileges": worth}) if worth else ""
    return fill(words.reached, {"level": name, "gift": gift, "privileges": more})


def acquaint(db: Connection, config: Config, follower: int, now: datetime) -> None:
    """Afterwards the level that the follower has is no news to anybody: nothing is told of it, no gift granted."""
    growth, old = level.held(db, follower)
    name = level_rules(config).standing(growth, old)
    if name and (old is None or old.level != name):
        _store(db, follower, old, _anew(config, name, growth, now, old))


def _anew(config: Config, name: str, growth: int, now: datetime, old: Held | None) -> Held:
    """A period of this level that begins now."""
    rules = level_rules(config)
    lost = old.lost if old and rules.rank(old.lost) > rules.rank(name) else None
    return Held(name, now, growth, membership_rules(config).until(rules.named(name), now), None, lost)


def _gathered(rules: LevelRules, old: Held, growth: int) -> bool:
    """Whether what keeps the level was gathered since its period began."""
    one = rules.named(old.level)
    return one is None or one.keep is None or growth - old.growth_at >= one.keep


def _renewed(db: Connection, config: Config, follower: int, old: Held, growth: int, now: datetime) -> str | None:
    new = _anew(config, old.level, growth, now, old)
    if not _store(db, follower, old, new) or new.until is None:
        return None
    return fill(membership_rules(config).notices.kept, {"level": old.level, "date": date_of(config, new.until)})


def _gift(db: Connection, config: Config, follower: int, name: str, now: datetime) -> str:
    """What reaching the level gave them, in words; '' where it was nothing, or was given before, or there is none left."""
    one = level_rules(config).named(name)
    if not isinstance(one, MemberLevel) or one.gift is None:
        return ""
    try:
        with undone_on_error(db):  # a coupon that is out of stock keeps nobody from the level
            return reward.told(config, reward.grant(db, config, follower, one.gift, f"level:{name}", now))
    except Refusal:
        return ""


# By the clock


_DUE = (
    select(memberships, func.coalesce(points.balances.c.amount, 0).label("growth"))
    .outerjoin(
        points.balances,
        and_(points.balances.c.follower_id == memberships.c.follower_id, points.balances.c.asset == points.GROWTH),
    )
    .join(followers, followers.c.id == memberships.c.follower_id)
    .where(memberships.c.until <= bindparam("now", type_=Instant))
    .order_by(memberships.c.until)
    .limit(_SOME)
    .with_for_update(of=followers, key_share=True, skip_locked=True)
)


def review(db: Connection, config: Config, now: datetime) -> int:
    """Of those whose period or grace is over: who gathered enough keeps the level, who did not is warned, and then falls, each once.

    Up to 50 in one call; returns how many. Levels without `keep` are never looked at.
    """
    if not level_rules(config).falls:
        return 0
    looked = _look_once(db, config, now)
    due = db.execute(_DUE, {"now": now}).all()
    for row in due:
        _judge(db, config, row, now)
    return looked + len(due)


def _judge(db: Connection, config: Config, row: Row[tuple[object, ...]], now: datetime) -> None:
    rules = level_rules(config)
    old = Held(*(getattr(row, name) for name in _columns))
    one, follower, growth = rules.named(old.level), row.follower_id, row.growth
    if one is None or one.keep is None or rules.standing(growth, old) != old.level:
        _begin_anew(db, config, follower, old, now)
    elif growth - old.growth_at >= one.keep:
        _keep(db, config, follower, old, growth, now)
    elif old.warned_at is None:
        _warn(db, config, follower, old, growth, one.keep, now)
    else:
        _fall(db, config, follower, old, growth, one.keep, now)


def _begin_anew(db: Connection, config: Config, follower: int, old: Held, now: datetime) -> None:
    """The file has changed, or growth was taken back (which loses no level: it is theirs again with the growth): another period begins."""
    _tell(db, config, follower, promote(db, config, follower, now), f"level:{now.isoformat()}", now)
    rules, (growth, at_last) = level_rules(config), level.held(db, follower)
    if at_last == old:
        name = old.level if rules.rank(old.level) else rules.standing(growth, old)
        _store(db, follower, old, _anew(config, name, growth, now, old))


def _keep(db: Connection, config: Config, follower: int, old: Held, growth: int, now: datetime) -> None:
    """The next period begins where the last one ended, or now, after a grace. None is over as soon as it begins."""
    terms = membership_rules(config)
    assert old.until is not None
    begun = now if old.warned_at else max(old.until, now - span(terms.period) + timedelta(days=1))
    until = terms.until(level_rules(config).named(old.level), begun)
    _store(db, follower, old, Held(old.level, begun, growth, until, None, old.lost))


def _warn(db: Connection, config: Config, follower: int, old: Held, growth: int, keep: int, now: datetime) -> None:
    """The grace begins, and they are told; where they have not gathered enough by this very moment."""
    terms = membership_rules(config)
    until = now + span(terms.grace)
    if _store(db, follower, old, Held(old.level, old.since, old.growth_at, until, now, old.lost), keep):
        missing, lower = keep - (growth - old.growth_at), level_rules(config).below(old.level) or terms.notices.nobody
        said = {"level": old.level, "missing": missing, "date": date_of(config, until), "lower": lower}
        notice.leave(db, config, follower, f"level_warned:{now.isoformat()}", fill(terms.notices.warned, said), now, until)


def _fall(db: Connection, config: Config, follower: int, old: Held, growth: int, keep: int, now: datetime) -> None:
    """They have the level below from now on, and are told; where they have not gathered enough by this very moment."""
    rules, terms = level_rules(config), membership_rules(config)
    lower = rules.below(old.level)
    lost = old.lost if rules.rank(old.lost) > rules.rank(old.level) else old.level
    if _store(db, follower, old, Held(lower, now, growth, terms.until(rules.named(lower), now), None, lost), keep):
        said = {"level": old.level, "lower": lower or terms.notices.nobody, "keep": keep}
        _tell(db, config, follower, fill(terms.notices.fallen, said), f"level_fallen:{now.isoformat()}", now)


def _tell(db: Connection, config: Config, follower: int, text: str | None, key: str, now: datetime) -> None:
    if text:
        notice.leave(db, config, follower, key, text, now, now + _NEWS_FOR)


_UNSEEN = (
    select(points.balances.c.follower_id)
    .outerjoin(memberships, memberships.c.follower_id == points.balances.c.follower_id)
    .where(
        points.balances.c.asset == points.GROWTH,
        points.balances.c.follower_id > bindparam("up_to"),
        points.balances.c.amount >= bindparam("least"),
        or_(memberships.c.follower_id.is_(None), memberships.c.until.is_(None)),
    )
    .order_by(points.balances.c.follower_id)
    .limit(_SOME)
)
_BEGIN = insert(reviews).values(rules=bindparam("rules"), up_to=0).on_conflict_do_nothing(index_elements=[reviews.c.rules])
_UP_TO = select(reviews.c.up_to, reviews.c.done_at).where(reviews.c.rules == bindparam("rules"))
_WENT_ON = update(reviews).where(reviews.c.rules == bindparam("which"), reviews.c.up_to == bindparam("old"), reviews.c.done_at.is_(None))


def _look_once(db: Connection, config: Config, now: datetime) -> int:
    """Whoever had a level before the file said what keeps it: its period begins now, also for those who never write again."""
    rules = level_rules(config)
    ladder = [(name, one.growth, one.keep) for name, one in rules.ladder]
    which = hashlib.sha256(repr(ladder).encode()).hexdigest()
    row = db.execute(_UP_TO, {"rules": which}).one_or_none()
    if row is None:
        db.execute(_BEGIN, {"rules": which})
    up_to, done_at = row or (0, None)
    if done_at is not None:
        return 0
    least = min(one.growth for _, one in rules.ladder if one.keep is not None)
    found = list(db.execute(_UNSEEN, {"up_to": up_to, "least": least}).scalars())
    went_on = _WENT_ON.values(up_to=found[-1]) if found else _WENT_ON.values(done_at=now)
    if not db.execute(went_on, {"which": which, "old": up_to}).rowcount:
        return 0  # another process looks at these
    hold(db, *found)
    for follower in found:
        text = promote(db, config, follower, now)
        _tell(db, config, follower, text, f"level:{which[:8]}", now)
        growth, old = level.held(db, follower)
        one = rules.named(old.level) if old else None
        if old is not None and old.until is None and one is not None and one.keep is not None:
            _store(db, follower, old, Held(old.level, now, growth, membership_rules(config).until(one, now), None, old.lost))
    return len(found)
