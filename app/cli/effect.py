"""Commands about effects: list, show, hours."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.options import ConfigOption, JsonOption, WrongInput, database_of, out, print_json, print_table, settings_of
from app.effect_story import goal, percent, points, told, winner
from models import effect, rhythm
from models.clock import utc_now
from models.effect import Comparison, Effect
from models.inference import Interval
from models.push import rules_of
from models.segment import SegmentsSection

cli = typer.Typer(no_args_is_help=True, help="效果：群发有没有用、代价是多少、几点发")


@cli.command(name="list")
def list_(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """有目标（goal）或者几个版本（variants）的群发，各自有没有用 / what each broadcast with a goal led to."""
    settings, now = settings_of(config), utc_now()
    with database_of(settings) as database, database.snapshot() as db:
        found = [one for name in effect.measured(db) if (one := effect.of(db, name, now))]
    if as_json:
        print_json([_as_json(one) for one in found])
        return
    if not found:
        out.print("还没有发过写了 goal 或 variants 的群发 / nothing was sent with a goal or in variants yet", markup=False)
        return
    rows = [(one.name, goal(one), one.runs, told(one.goal) if one.goal else "—", winner(one)) for one in found]
    print_table(["代号", "目标", "次数", "结论", "版本"], rows, settings.zone)


@cli.command()
def show(name: Annotated[str, typer.Argument(help="群发代号")], config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """一个群发的效果：发了的和没发的（对照组）差多少，多少人因此取关，哪个版本好 / one broadcast, with intervals."""
    settings, now = settings_of(config), utc_now()
    with database_of(settings) as database, database.snapshot() as db:
        found, known = effect.of(db, name, now), effect.measured(db)
    if found is None:
        raise WrongInput(
            f"{name} 还没有可以比较的执行：写了 goal 或 variants 的群发，发过才有；有：{'、'.join(known) or '（无）'} / nothing to compare yet"
        )
    if as_json:
        print_json(_as_json(found))
        return
    watched = f"，还有 {found.watched} 次没到时间" if found.watched else ""
    out.print(f"{found.name}：目标 {goal(found)}，看最近 {found.runs} 次{watched}", markup=False)
    if found.goal:
        out.print(f"  发了 {found.goal.treated.size} 人，{percent(found.goal.treated.mean)} 做到了", markup=False)
        out.print(f"  没发 {found.goal.held.size} 人（对照组），{percent(found.goal.held.mean)} 做到了", markup=False)
        out.print(f"  差 {points(found.goal.gain)}：{told(found.goal)}", markup=False)
    else:
        out.print("  还没有可以比较的：没有对照组，或者还没有一次到了时间", markup=False)
    if found.cost:
        cost = found.cost
        out.print(
            f"  48 小时内取关：发了的 {percent(cost.treated.mean)}，没发的 {percent(cost.held.mean)}，差 {points(cost.gain)}", markup=False
        )
    if found.blocked:
        out.print(f"  {found.blocked} 条因为粉丝关了消息没送到", markup=False)
    for arm in found.arms:
        behind = f"，落后 {points(arm.behind)}" if arm.behind else "，领先"
        out.print(f"  版本 {arm.variant}：{arm.group.size} 人，{percent(arm.group.mean)}{behind}", markup=False)
    if found.arms:
        out.print(f"  {winner(found)}", markup=False)


def _as_json(found: Effect) -> dict[str, object]:
    return {
        "name": found.name,
        "goal": found.plan.goal.model_dump() if found.plan.goal else None,
        "runs": found.runs,
        "watched": found.watched,
        "effect": _comparison(found.goal),
        "unfollows": _comparison(found.cost),
        "blocked": found.blocked,
        "variants": [
            {"variant": arm.variant, "size": arm.group.size, "share": arm.group.mean, "behind": _interval(arm.behind)} for arm in found.arms
        ],
        "winner": found.arms[0].variant if found.arms and found.winner == "better" else None,
    }


def _comparison(found: Comparison | None) -> dict[str, object] | None:
    if found is None:
        return None
    groups = {"treated": found.treated.size, "treated_share": found.treated.mean, "held": found.held.size, "held_share": found.held.mean}
    return {**groups, "gain": _interval(found.gain), "verdict": found.verdict, "more": found.more}


def _interval(found: Interval | None) -> list[float] | None:
    return None if found is None else [found.estimate, found.low, found.high]


@cli.command(name="all")
def all_(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """所有营销加在一起，和总对照组（push.control）比 / all marketing together, against the global control group."""
    settings, now = settings_of(config), utc_now()
    control = rules_of(settings.config).control
    with database_of(settings) as database, database.snapshot() as db:
        found = effect.overall(db, control, now)
    if as_json:
        print_json({"came": _comparison(found.came), "left": _comparison(found.left)} if found else None)
    elif found is None:
        out.print("没有总对照组：在 push 里写 control: 2%，四周以后再看", markup=False)
    else:
        out.print(f"最近 28 天来说过话：差 {points(found.came.gain)}：{told(found.came)}", markup=False)
        out.print(f"最近 28 天取关：差 {points(found.left.gain)}", markup=False)


@cli.command()
def hours(
    segment: Annotated[str, typer.Argument(help="人群代号")] = "all", config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """一个人群一天里几点最活跃，按最近 28 天自己的数据 / at which hours a segment comes, from our own records."""
    settings, now = settings_of(config), utc_now()
    named = settings.config[SegmentsSection].named(segment)
    if named is None:
        raise WrongInput(f"没有人群 {segment} / there is no segment {segment}")
    with database_of(settings) as database, database.snapshot() as db:
        found = rhythm.of(db, named.where, settings.zone, now)
    best = {one.hour for one in found.best}
    if as_json:
        each = [{"hour": one.hour, "share": one.active.estimate, "low": one.active.low, "high": one.active.high} for one in found.hours]
        print_json({"segment": segment, "followers": found.followers, "best": sorted(best), "hours": each})
        return
    if not best:
        out.print("数据还不够，说不准几点最好 / not enough data yet", markup=False)
        return
    rows = [(f"{one.hour:02}:00", percent(one.active.estimate), "最好" if one.hour in best else "") for one in found.hours]
    print_table(["几点", "每天来的人", ""], rows, settings.zone)
