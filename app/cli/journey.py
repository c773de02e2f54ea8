"""Commands about journeys: list, show."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.options import ConfigOption, JsonOption, WrongInput, database_of, out, print_json, print_table, settings_of
from models import journey
from models.journey import Journey, JourneysSection

cli = typer.Typer(no_args_is_help=True, help="旅程：谁走到哪一步、停在哪里")

_ENDED = {
    "done": "走完",
    "left": "取关或退订",
    "late": "停机太久，没发",
    "removed": "从文件里删掉了",
    "checkin": "签到了",
    "survey": "填完问卷了",
    "vote": "投票了",
    "order": "换了东西",
    "message": "来说话了",
    "follow": "关注了",
}


def _journeys(config: ConfigOption) -> list[Journey]:
    section = settings_of(config).config.get(JourneysSection)
    return section.root if section else []


@cli.command(name="list")
def list_(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """每条旅程有多少人在路上、多少人走完、多少人提前结束 / how many are on each journey."""
    settings = settings_of(config)
    with database_of(settings) as database, database.snapshot() as db:
        found = [(one, journey.progress(db, one)) for one in _journeys(config)]
    rows = [
        {
            "key": one.key,
            "title": one.title,
            "steps": len(one.steps),
            "under_way": sum(many for _, why, many in counts if why is None),
            "done": sum(many for _, why, many in counts if why == "done"),
            "ended": sum(many for _, why, many in counts if why not in (None, "done")),
        }
        for one, counts in found
    ]
    if as_json:
        print_json(rows)
        return
    print_table(["代号", "标题", "几步", "在路上", "走完", "提前结束"], [tuple(row.values()) for row in rows], settings.zone)


@cli.command()
def show(key: Annotated[str, typer.Argument(help="旅程代号")], config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """一条旅程的每一步：多少人在等、多少人停在这里、为什么 / who waits and who stopped at each step."""
    settings = settings_of(config)
    one = next((each for each in _journeys(config) if each.key == key), None)
    if one is None:
        known = "、".join(each.key for each in _journeys(config)) or "（无）"
        raise WrongInput(f"没有旅程 {key}；有：{known} / no such journey")
    with database_of(settings) as database, database.snapshot() as db:
        counts = journey.progress(db, one)
    if as_json:
        print_json([{"step": number, "ended_by": why, "count": many} for number, why, many in counts])
        return
    for number, step in enumerate([*one.steps, None]):
        words = f"第 {number + 1} 步 {step.broadcast}（{step.after}{f' {step.at}' if step.at else ''}）" if step else "走完以后"
        here = [(why, many) for at, why, many in counts if at == number]
        told = "，".join(f"{_ENDED.get(why, why) if why else '在等'} {many} 人" for why, many in here) or "没有人"
        out.print(f"{words}：{told}", markup=False)
