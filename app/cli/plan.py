"""The command that looks weeks ahead: what the schedules will send, to whom, who is starved by whom, and what to move."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from sqlalchemy import Connection

from app import what_if
from app.cli.options import ConfigOption, JsonOption, WrongInput, database_of, out, print_json, print_table, settings_of
from app.config_file import Settings
from app.plan_words import ASSUMES, advised, differences
from models import follower, plan
from models.broadcast import Broadcast, BroadcastsSection
from models.clock import utc_now
from models.plan import Advice, Forecast, Planner, Sending

SAMPLE = 5_000  # followers that advice is tried on


def plan_(
    weeks: Annotated[int, typer.Option(min=1, max=13, help="往后看几周")] = 4,
    with_: Annotated[Path | None, typer.Option("--with", help="假如再加上这个文件里的群发（代号相同就是替换）", show_default=False)] = None,
    openid: Annotated[str | None, typer.Option("--follower", help="只看一位粉丝：每一次收到还是没收到、为什么", show_default=False)] = None,
    ids: Annotated[bool, typer.Option("--ids", help="JSON 里带上每一次会收到的粉丝编号")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """未来几周会发什么、发给多少人、谁被谁挤掉、挪哪个 / what the schedules will send, who is starved by whom, what to move; sends nothing."""
    settings, now = settings_of(config), utc_now()
    planned: Sequence[Broadcast] = settings.config[BroadcastsSection].root
    if with_ is not None:
        planned = what_if.together(planned, _more(with_, settings))
    with database_of(settings) as database, database.snapshot() as db:
        planner = Planner(db, settings.config, now, weeks)
        forecast = planner.forecast(planned)
        if openid is not None:
            _story(db, forecast, openid, settings.zone, as_json)
            return
        sample = Planner(db, settings.config, now, weeks, one_in=max(1, len(forecast.crowd.ids) // SAMPLE))
        advice = plan.advise(sample, planned)
        without = planner.forecast() if with_ is not None else None
    if as_json:
        print_json(as_values(forecast, advice, ids) | ({"without": as_values(without, [], ids)} if without else {}))
        return
    _print(forecast, advice, without, settings.zone)


def _more(path: Path, settings: Settings) -> list[Broadcast]:
    try:
        return what_if.read(path.read_bytes(), str(path), settings.config)
    except OSError as error:
        raise WrongInput(f"读不了 {path}：{error.strerror} / cannot read it") from None
    except what_if.Unclear as unclear:
        raise WrongInput(str(unclear)) from None


def as_values(forecast: Forecast, advice: Sequence[Advice], ids: bool = False) -> dict[str, object]:
    """The forecast as JSON says it."""
    return {
        "from": forecast.at,
        "until": forecast.until,
        "assumes": ASSUMES,
        "followers": len(forecast.crowd.ids),
        "pushes": forecast.total(),
        "sendings": [_sending(forecast, sending, ids) for sending in forecast.sendings],
        "pushes_per_follower": [{"pushes": number, "followers": many} for number, many in forecast.shares()],
        "advice": [
            {
                "broadcast": one.broadcast,
                "starved_by": [{"broadcast": key, "followers": many} for key, many in one.starved_by],
                "change": {one.setting: one.then} if one.then else None,
                "reaches": one.reaches,
                "would_reach": one.would_reach,
                "others": one.others,
            }
            for one in advice
        ],
        "stopped": [{"run": run, "broadcast": key, "state": state} for run, key, state in forecast.stopped],
        "journeys": [{"journey": one.key, "followers": many} for one, many in forecast.travelling],
    }


def _sending(forecast: Forecast, sending: Sending, ids: bool) -> dict[str, object]:
    occasion = sending.occasion
    return {
        "broadcast": occasion.planned.key,
        "due": occasion.due,
        "run": occasion.run.id if occasion.run else None,
        "begins": sending.begins,
        "ends": sending.ends,
        "waterfall": [step._asdict() for step in forecast.waterfall(sending)],
        "reasons": {reason: forecast.scaled(len(who)) for reason, who in sending.left_out.items()},
        "ways": {way: forecast.scaled(many) for way, many in sending.by_way.items()},
        "final": forecast.scaled(sending.final),
        "starved_by": {key: forecast.scaled(many) for key, many in sending.starved_by.most_common()},
        "contested": forecast.scaled(len(sending.contested)),
        "delayed_by_quiet_hours": forecast.scaled(sending.delayed),
        "waited_for_a_limit": forecast.scaled(sending.waited),
        "held_by_quota": sending.held,
    } | ({"followers": forecast.reached(sending)} if ids else {})


def _print(forecast: Forecast, advice: Sequence[Advice], without: Forecast | None, zone: ZoneInfo) -> None:
    _line(
        f"{forecast.at.astimezone(zone):%m-%d} 到 {forecast.until.astimezone(zone):%m-%d}：发 {len(forecast.sendings)} 次，共 {forecast.total()} 条"
    )
    _line(f"{ASSUMES}。")
    for sending in forecast.sendings:
        _line(_said(forecast, sending, zone))
    _line("每人收到：" + "，".join(f"{number} 条 {many} 人" for number, many in forecast.shares() if many))
    for run, key, state in forecast.stopped:
        _line(f"没有算进去：执行 {run}（{key}）停着，等人处理 {state}")
    for journey, many in forecast.travelling:
        _line(f"没有算进去：旅程 {journey.key}，{many} 人这期间有下一步，会先占他们的上限")
    for one in advice:
        _line(advised(one))
    if without is not None:
        _compare(forecast, without)


def _said(forecast: Forecast, sending: Sending, zone: ZoneInfo) -> str:
    """One sending on one line; whoever does not get it because of a limit, and of whom, behind it."""
    steps = {step.stage: step for step in forecast.waterfall(sending)}
    parts = [
        f"{sending.occasion.due.astimezone(zone):%m-%d %H:%M}  {sending.occasion.planned.key}  会收到 {steps['final'].left} / {steps['segment'].left}"
    ]
    if many := forecast.capped(sending):
        by = "、".join(f"{key} {forecast.scaled(of_them)}" for key, of_them in sending.starved_by.most_common(3))
        parts.append(f"上限挡住 {many}" + (f"，没有这些就能收到：{by}" if by else ""))
    if "holdout" in steps:
        parts.append(f"对照组 {steps['holdout'].out}")
    if "way" in steps:
        parts.append(f"没有通道 {steps['way'].out}")
    if sending.delayed:
        parts.append(f"过了免打扰才发 {forecast.scaled(sending.delayed)}")
    if sending.waited:
        parts.append(f"等到有空位 {forecast.scaled(sending.waited)}，最晚 {_at(sending.ends, zone)}")
    if sending.contested:
        parts.append(f"要看同时在发的哪个快 {forecast.scaled(len(sending.contested))}")
    return "；".join(parts)


def _compare(forecast: Forecast, without: Forecast) -> None:
    _line("")
    _line(f"和现在比：共 {without.total()} 条 → {forecast.total()} 条")
    for key, before, after in differences(without, forecast):
        _line(f"  {key}：{before} → {after}")


def _story(db: Connection, forecast: Forecast, openid: str, zone: ZoneInfo, as_json: bool) -> None:
    found = follower.find(db, openid)
    if found is None or found.id not in forecast.crowd.place:
        raise WrongInput("没有这位粉丝 / there is no such follower")
    stories = list(forecast.story(found.id))
    if as_json:
        print_json([story._asdict() for story in stories])
        return
    print_table(
        ["应发时间", "群发", "收到", "没收到的原因"], [(one.due, one.broadcast, _at(one.at, zone), one.reason) for one in stories], zone
    )


def _at(at: datetime | None, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%m-%d %H:%M:%S}" if at else ""


def _line(text: str) -> None:
    out.print(text, markup=False)
