"""Commands about polls: list, results."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.options import ConfigOption, JsonOption, WrongInput, database_of, out, print_json, print_table, settings_of
from handlers.poll import PollsSection
from models import poll

cli = typer.Typer(no_args_is_help=True, help="投票：有哪些、票数")


@cli.command(name="list")
def list_(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """所有投票和各自的票数 / every poll and how many voted."""
    settings = settings_of(config)
    section = settings.config.get(PollsSection)
    with database_of(settings) as database, database.snapshot() as db:
        found = [(one.key, one.title, sum(poll.standing(db, one).values())) for one in (section.root if section else ())]
    if as_json:
        print_json([{"key": key, "title": title, "votes": votes} for key, title, votes in found])
        return
    print_table(["代号", "标题", "票数"], found, settings.zone)


@cli.command()
def results(key: Annotated[str, typer.Argument(help="投票代号")], config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """一个投票的票数；文件里已经删掉的选项也算 / the votes of each choice."""
    settings = settings_of(config)
    section = settings.config.get(PollsSection)
    one = section.named(key) if section else None
    if one is None:
        known = "、".join(each.key for each in section.root) if section else ""
        raise WrongInput(f"没有投票 {key}；有：{known or '（无）'} / no such poll")
    with database_of(settings) as database, database.snapshot() as db:
        votes = poll.standing(db, one)
    if as_json:
        print_json({"key": one.key, "title": one.title, "votes": votes})
        return
    total = sum(votes.values())
    rows = [(choice, count, f"{count / total:.0%}" if total else "—") for choice, count in votes.items()]
    print_table(["选项", "票数", "占比"], rows, settings.zone)
    out.print(f"共 {total} 票")
