"""Somebody to try things as: a follower with the tags, points and past that a rule asks for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from difflib import get_close_matches
from typing import Annotated

from pydantic import AfterValidator, Field
from sqlalchemy import Connection, select

from models import checkin, follower, membership, points
from models.checkin import CheckinRules
from models.clock import span
from models.config import Config, Location, Problem, Rules, wrong
from models.follower import LONGEST_SCENE, Described
from models.level import level_rules
from models.points import GROWTH, MOST, POINTS

_Some = Annotated[str, Field(min_length=1)]
_ONE_MOMENT = timedelta(seconds=1)


def _since(text: str) -> str:
    try:
        _began(text, datetime(2000, 1, 1))  # noqa: DTZ001
    except ValueError:
        zh = "关注了多久要写成 30d、2w、12h，或从哪天起，例如 2026-10-01"
        raise wrong(zh, "write 30d, 2w, 12h, or the day since when, such as 2026-10-01") from None
    return text


def _began(text: str, now: datetime) -> datetime:
    """The instant that '30d' or '2026-10-01' means now."""
    try:
        return now - span(text)
    except ValueError:
        return datetime.combine(date.fromisoformat(text), time(0), now.tzinfo)


class Persona(Rules):
    """Who speaks in a test. Nothing written: somebody whom we never met."""

    name: str | None = Field(None, min_length=1, max_length=64, description="怎么称呼（回复里的 {name}），等于公众平台里的备注")
    tags: list[_Some] = Field(default_factory=list, description="有哪些标签")
    level: str | None = Field(None, description="等级；不写 points 就给刚好够的积分")
    points: Annotated[int, Field(ge=0, le=MOST)] | None = Field(None, description="有多少积分")
    streak: Annotated[int, Field(ge=0, le=400)] = Field(0, description="到昨天为止连续签到了几天")
    channel: str | None = Field(None, min_length=1, max_length=LONGEST_SCENE, description="从哪个渠道二维码来的：channels 里的 key")
    following_since: Annotated[str, AfterValidator(_since)] | None = Field(
        None, description="关注多久了，例如 30d；或从哪天起，例如 2026-10-01。不写就是第一次见到的人"
    )


def become(db: Connection, openid: str, persona: Persona, config: Config, now: datetime) -> None:
    """Afterwards the follower of this openid is like that; what the persona does not say stays as it is."""
    local = now.astimezone(config.zone)
    since = _began(persona.following_since, local) if persona.following_since else now
    known = follower.find(db, openid)
    follows = persona.following_since is not None or (known is not None and known.subscribed)
    # Whoever is met right now for the first time was not met before: first seen at this very instant.
    person = follower.seen(db, openid, since - (timedelta() if follows else _ONE_MOMENT), since, subscribed=follows, scene=persona.channel)
    if persona.tags or persona.name:
        _describe(db, openid, persona, person.remark)
    reached = level_rules(config).levels.get(persona.level or "")
    wanted = persona.points if persona.points is not None else reached
    for asset, amount in ((POINTS, wanted), (GROWTH, wanted if reached is None else reached)):
        if amount is not None and (missing := amount - points.balance(db, person.id, asset)):
            points.post(db, person.id, missing, f"rehearsal:{amount}", since, asset=asset)
    membership.acquaint(db, config, person.id, now)
    for days in range(persona.streak, 0, -1):
        checkin.check_in(db, config, person.id, CheckinRules(points=0), now - timedelta(days=days))


def _describe(db: Connection, openid: str, persona: Persona, remark: str | None) -> None:
    known = {name: key for key, name in db.execute(select(follower.tags.c.id, follower.tags.c.name))}
    new = {name: -number for number, name in enumerate(persona.tags, 1) if name not in known}
    follower.know_tags(db, {key: name for name, key in new.items()})
    keys = tuple((known | new)[name] for name in persona.tags)
    follower.described(db, [Described(openid, keys, "", persona.name or remark or "")])


def check(persona: Persona, where: Location, config: Config) -> Iterator[Problem]:
    """What the persona names and the file does not have, and what contradicts itself."""
    rules = level_rules(config)
    if persona.level is not None and persona.level not in rules.levels:
        near = get_close_matches(persona.level, rules.levels, 1, 0.3)
        names = "、".join(rules.levels) or "（无）"
        zh = f"没有等级 {persona.level}；" + (f"你是不是想写 {near[0]}？" if near else f"points.levels 里有：{names}")
        yield Problem((*where, "level"), zh, f"no level {persona.level}; points.levels has: {', '.join(rules.levels) or 'none'}")
    elif persona.level is not None and persona.points is not None and rules.level(persona.points) != persona.level:
        reached = rules.level(persona.points) or "（无）"
        yield Problem(
            (*where, "points"),
            f"{persona.points} 积分的等级是 {reached}，不是 {persona.level}；只写 level 就给刚好够的积分",
            f"{persona.points} points make the level {rules.level(persona.points) or 'none'}, not {persona.level}",
        )
