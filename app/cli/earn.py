"""Commands about earning points: which days multiply, and what is left of the code words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated

import typer

from app.cli.options import ConfigOption, JsonOption, database_of, print_json, print_table, settings_of
from models import code_word, festival, lunar
from models.clock import business_day, utc_now
from models.code_word import CodeWordRules
from models.festival import KINDS, Kind, Multiplier

cli = typer.Typer(no_args_is_help=True, help="挣积分：哪些日子翻倍、口令还剩多少")


@cli.command()
def days(
    most: Annotated[int, typer.Option("--days", min=1, max=800, help="看多少天")] = 60,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """从今天起哪些日子翻倍、几倍 / the days on which more is earned."""
    settings = settings_of(config)
    rules = settings.config.of_kind(CodeWordRules) or CodeWordRules()
    today = business_day(utc_now(), settings.zone)
    rows = []
    for day in (today + timedelta(days=number) for number in range(most)):
        for one, kinds in _on(rules.multipliers, day):
            rows.append((day.isoformat(), _lunar(day), one.name, one.times, kinds))
    if as_json:
        print_json([dict(zip(("day", "lunar", "name", "times", "for"), row, strict=True)) for row in rows])
        return
    shown = [(*row[:3], f"{row[3]:g}", "全部" if len(row[4]) == len(KINDS) else "、".join(row[4])) for row in rows]
    print_table(["日期", "农历", "叫什么", "几倍", "哪些行为"], shown, settings.zone)


def _on(multipliers: list[Multiplier], day: date) -> Iterator[tuple[Multiplier, list[Kind]]]:
    """The multipliers that count on this day, each with the kinds for which it is the highest."""
    best = {kind: festival.highest(multipliers, kind, day) for kind in KINDS}
    for one in multipliers:
        if kinds := [kind for kind, found in best.items() if found is one]:
            yield one, kinds


def _lunar(day: date) -> str:
    found = lunar.of(day)
    return f"{'闰' if found.leap else ''}{found.month:02}-{found.day:02}" if found is not None else ""


@cli.command()
def words(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """口令：用掉多少次、还剩多少 / the code words, how often they were used and what is left."""
    settings = settings_of(config)
    rules = settings.config.of_kind(CodeWordRules) or CodeWordRules()
    with database_of(settings) as database, database.snapshot() as db:
        used = code_word.claimed(db)
    rows = []
    for one in rules.words:
        count = used.get(one.key, 0)
        dates = [day.isoformat() if day else "" for day in (one.from_, one.to)]
        rows.append((one.key, one.word, one.points or 0, *dates, count, "" if one.total is None else max(one.total - count, 0)))
    if as_json:
        print_json([dict(zip(("key", "word", "points", "from", "to", "used", "left"), row, strict=True)) for row in rows])
        return
    print_table(["代号", "口令", "积分", "从", "到", "用掉", "还剩"], rows, settings.zone)
