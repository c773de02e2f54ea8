"""Commands about boards: list, show, freeze."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from sqlalchemy import Connection

from app.cli.options import ConfigOption, JsonOption, WrongInput, database_of, out, print_json, print_table, settings_of, shown, who
from app.config_file import Settings
from models import audit, board_closing, ranking
from models.board import BoardRules, Period, boards_of, formula_in_words, period_called
from models.board import shown as score_shown
from models.clock import business_day, utc_now
from models.ranking import Line

cli = typer.Typer(no_args_is_help=True, help="榜单：贡献榜、周榜、连签榜")

Key = Annotated[str, typer.Argument(help="榜的代号（boards 里的 key）")]
PeriodOption = Annotated[str | None, typer.Option("--period", help="哪一期：2026-10、2026-W46；不写就是现在", show_default=False)]


@cli.command(name="list")
def list_(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """所有的榜，和每个榜定过的榜期 / every board and its frozen periods."""
    settings = settings_of(config)
    with database_of(settings) as database, database.snapshot() as db:
        facts = [_facts(db, board) for board in boards_of(settings.config)]
    if as_json:
        print_json(facts)
        return
    rows = [(f["key"], f["title"], f["per"], f["formula"], f["frozen"]) for f in facts]
    print_table(["代号", "榜名", "周期", "计分", "定过榜的期"], rows, settings.zone)


def _facts(db: Connection, board: BoardRules) -> dict[str, object]:
    formula = formula_in_words(board, {}, "{act}×{weight}", "points×{weight}")
    frozen = [period for period, _, _ in board_closing.periods(db, board.key)]
    return {"key": board.key, "title": board.title, "per": board.per, "formula": formula, "frozen": frozen}


@cli.command()
def show(key: Key, period: PeriodOption = None, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """一个榜：现在的，或某一期定榜的 / a board as it is now, or a frozen period."""
    settings, now = settings_of(config), utc_now()
    board = _board(settings, key)
    asked = _period(settings, board, period) if period else None
    with database_of(settings) as database, database.snapshot() as db:
        if asked is None or (board.per != "streak" and asked == board.current(now, settings.zone)):
            running = None if board.per == "streak" else board.current(now, settings.zone)
            lines, at = ranking.computed(db, board, running, settings.zone, now).top, None
        else:
            running, at = asked, board_closing.closed_at(db, board, asked)
            if at is None:
                raise WrongInput(f"{board.title} {asked.name}没有定榜 / not frozen")
            lines = board_closing.first(db, board, asked, board.top)
        facts = _lines(db, board, lines, running if at else None)
    if as_json:
        print_json({"key": key, "period": running and running.key, "frozen_at": at, "places": facts})
        return
    when = f" {running.name}" if running else ""
    out.print(f"{board.title}{when}" + (f"（{shown(at, settings.zone)} 定榜）" if at else "（进行中）"), markup=False)
    print_table(["名次", "称呼", "分数", "奖励", "OPENID"], [tuple(fact.values()) for fact in facts], settings.zone)


def _lines(db: Connection, board: BoardRules, lines: Sequence[Line], frozen: Period | None) -> list[dict[str, object]]:
    """The places; operators see whom they are, also those who do not want to be named."""
    names, openids = (
        ranking.names(db, board, [line.follower_id for line in lines]),
        ranking.openids(db, [line.follower_id for line in lines]),
    )
    awards = {line.follower_id: board_closing.place_of(db, board, frozen, line.follower_id) for line in lines} if frozen else {}
    return [
        {
            "place": line.place,
            "name": names.get(line.follower_id) or "（隐身）",
            "score": score_shown(line.score),
            "award": found[1] if (found := awards.get(line.follower_id)) else "",
            "openid": openids[line.follower_id],
        }
        for line in lines
    ]


@cli.command()
def freeze(
    key: Key,
    period: Annotated[str, typer.Option("--period", help="哪一期：2026-10、2026-W46、上月")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """给一期结束了的榜定榜、发奖，只有一次；平时时钟自己会做 / freezes and awards a period that is over, once."""
    settings, now = settings_of(config), utc_now()
    board = _board(settings, key)
    asked = _period(settings, board, period)
    due = asked.ends(settings.zone) + board_closing.PATIENCE
    if now < due:
        raise WrongInput(f"{board.title} {asked.name}还没结束，{shown(due, settings.zone)} 以后才能定榜 / not over yet")
    with database_of(settings) as database, database.transaction() as db:
        done = board_closing.freeze(db, settings.config, board, asked, now)
        if done:
            audit.note(db, who(), "board_frozen", now, subject=f"{key} {asked.key}")
        lines = board_closing.first(db, board, asked, board.last_awarded)
    if as_json:
        print_json({"key": key, "period": asked.key, "frozen": done, "awarded": len(lines)})
    elif done:
        out.print(f"{board.title} {asked.name}已定榜，{len(lines)} 人得奖", markup=False)
    else:
        out.print(f"{board.title} {asked.name}以前就定过榜，没有变化", markup=False)


def _board(settings: Settings, key: str) -> BoardRules:
    boards = {board.key: board for board in boards_of(settings.config)}
    if key not in boards:
        raise WrongInput(f"没有榜 {key}；配置里有：{'、'.join(boards) or '（无）'} / no such board")
    return boards[key]


def _period(settings: Settings, board: BoardRules, words: str) -> Period:
    if board.per == "streak":
        raise WrongInput("连签榜没有往期 / a streak board has no periods")
    found = period_called(board.per, words, business_day(utc_now(), settings.zone))
    if found is None:
        zh = "2026-10" if board.per == "month" else "2026-W46"
        raise WrongInput(f"--period 要写成 {zh}；这里是 {words!r} / write the period as {zh}")
    return found
