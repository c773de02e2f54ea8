"""Commands about lotteries: list, status, reveal, winners, claimed, verify."""

from __future__ import annotations

import csv
import sys
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from app.cli.options import ConfigOption, JsonOption, WrongInput, database_of, out, print_json, print_table, settings_of, shown, who
from app.config_file import Settings
from app.draws.document import document, row
from app.draws.verify import wrong
from app.logs import mask
from handlers.lottery.section import LotteriesSection
from models import audit, lottery
from models.clock import utc_now
from models.lottery import Published
from models.prize import percent

cli = typer.Typer(no_args_is_help=True, help="抽奖：进度、公开种子、中奖名单、验证")

Key = Annotated[str, typer.Argument(help="抽奖代号")]
_MOST = 100_000


@cli.command(name="list")
def list_(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """所有抽奖 / every lottery that was published, the newest first."""
    settings = settings_of(config)
    with database_of(settings) as database, database.snapshot() as db:
        found = lottery.published(db)
    if as_json:
        print_json([document(one) for one in found])
        return
    rows = [(one.key, one.rules.title, one.draws, one.announced_at, one.ends_at, _state(one, settings)) for one in found]
    print_table(["代号", "名称", "抽了几次", "公布", "截止", "状态"], rows, settings.zone)


@cli.command()
def status(key: Key, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """一个抽奖：奖品还剩多少、承诺、文件有没有被改过 / how far it is, and whether the file still says what holds."""
    settings = settings_of(config)
    with database_of(settings) as database, database.snapshot() as db:
        found = _found(db, key)
        prizes = lottery.progress(db, found)
    if as_json:
        stock = [
            {"key": prize.key, "name": prize.name, "odds": str(prize.odds), "stock": prize.stock, "won": won, "claimed": claimed}
            for prize, won, claimed in prizes
        ]
        print_json({**document(found), "prizes": stock, "file": _file(found, settings)})
        return
    facts = [
        *(("名称", found.rules.title), ("状态", _state(found, settings)), ("抽了几次", found.draws)),
        *(
            ("公布", found.announced_at),
            *((("规则改过", found.changed_at),) if found.changed_at else ()),
            ("第一次抽奖", found.first_draw_at),
            ("截止", found.ends_at),
        ),
        *(("承诺", found.commitment), ("种子", found.seed or "还没有公开")),
    ]
    for name, value in facts:
        out.print(f"{name}：{shown(value, settings.zone)}", markup=False)
    rows = [(prize.name, percent(prize.odds), prize.stock, won, round(found.draws * prize.odds, 1)) for prize, won, _ in prizes]
    print_table(["奖品", "概率", "数量", "已抽中", "按概率应有"], rows, settings.zone)
    if (said := _file(found, settings)) == "differs":
        out.print("注意：配置文件里的规则和公布的不一样。第一次抽奖以后规则不能改，现在按公布的执行；要改请换一个代号", markup=False)
    elif said == "missing":
        out.print("配置文件里已经没有这个抽奖", markup=False)


@cli.command()
def reveal(
    key: Key,
    early: Annotated[bool, typer.Option("--early", help="还没到时间也公开：抽奖就此结束")] = False,
    reason: Annotated[str, typer.Option(help="为什么提前结束")] = "",
    config: ConfigOption = None,
) -> None:
    """公开种子，之后谁也不能再抽 / tells the seed; ends the lottery for good. By itself it happens an hour after the end."""
    settings, now = settings_of(config), utc_now()
    if early and not reason.strip():
        raise WrongInput("提前结束要写 --reason：公布过的时间不能随便改 / say why with --reason")
    with database_of(settings) as database, database.transaction() as db:
        found = _found(db, key)
        try:
            new = lottery.reveal(db, key, now, by=who(), early=early)
        except lottery.StillGoingOn:
            raise WrongInput(
                f"{shown(found.ends_at, settings.zone)} 才结束，之后一小时自动公开；要提前结束加 --early / it is not over"
            ) from None
        if new:
            audit.note(db, who(), "lottery_revealed", now, subject=key, detail=reason)
        seed = _found(db, key).seed
    out.print(f"{'种子公开了' if new else '种子早就公开了'}：{seed}", markup=False)


@cli.command()
def winners(
    key: Key, as_csv: Annotated[bool, typer.Option("--csv", help="输出 CSV，openid 不打码")] = False, config: ConfigOption = None
) -> None:
    """中奖名单 / who won what; keep the CSV for two years (the law asks for a file)."""
    settings = settings_of(config)
    with database_of(settings) as database, database.snapshot() as db:
        _found(db, key)
        found = lottery.wins(db, key=key, most=_MOST)[::-1]
    table = [(win.number, win.at, win.ticket, (prize := win.rules.prize(win.prize)) and prize.name, win) for win in found]
    if as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(["number", "at", "ticket", "prize", "openid", "to_claim", "claimed_at"])
        for number, at, ticket, _, win in table:
            claimed_at = win.claimed_at.isoformat() if win.claimed_at else ""
            writer.writerow([number, at.isoformat(), ticket, win.prize, win.openid, int(win.owed), claimed_at])
        return
    rows = [(number, at, ticket, name, mask(win.openid), _claim(win)) for number, at, ticket, name, win in table]
    print_table(["第几次", "时间", "凭证", "奖品", "粉丝", "兑奖"], rows, settings.zone)


def _claim(win: lottery.Win) -> object:
    return (win.claimed_at or "还没领") if win.owed else "已到账"


@cli.command()
def claimed(
    key: Key,
    proof: Annotated[str, typer.Argument(help="领奖码：粉丝回复「我的奖品」看得到，别人看不到")],
    note: Annotated[str, typer.Option(help="备注，例如单号")] = "",
    config: ConfigOption = None,
) -> None:
    """记下这件奖品已经领了 / the prize of this draw has been handed over."""
    settings, now = settings_of(config), utc_now()
    with database_of(settings) as database, database.transaction() as db:
        try:
            ticket, new = lottery.claimed(db, key, proof.strip().lower(), now, by=who(), note=note)
        except lottery.NoSuchDraw:
            raise WrongInput(
                "没有这个领奖码，或者它没有要领的奖品。凭证在公示页上谁都看得到，不能用来领奖 / nothing to claim by this code"
            ) from None
        if new:
            audit.note(db, who(), "prize_claimed", now, subject=f"{key}:{ticket}", detail=note)
    out.print("记下了" if new else "早就领过了")


@cli.command()
def verify(key: Key, config: ConfigOption = None) -> None:
    """把每一次抽奖重算一遍，和公布给大家的脚本一样 / recomputes every draw as anybody can; exit 2 where one is wrong."""
    settings = settings_of(config)
    with database_of(settings) as database, database.snapshot() as db:
        found = _found(db, key)
        if found.seed is None:
            raise WrongInput("种子还没有公开，公开以后才能验证 / the seed is not told yet")
        doc: dict[str, Any] = {**document(found), "list": [row(one) for one in lottery.listed(db, key, 0, found.draws)]}
    bad = wrong(doc)
    out.print(bad or f"OK：{found.draws} 次抽奖全部重算无误", markup=False)
    if bad:
        raise typer.Exit(2)


def _found(db: Connection, key: str) -> Published:
    found = lottery.published(db, key)
    if not found:
        known = "、".join(one.key for one in lottery.published(db)) or "（无）"
        raise WrongInput(f"没有公布过抽奖 {key}；有：{known} / no such lottery")
    return found[0]


def _file(found: Published, settings: Settings) -> str:
    """Whether the file says what holds: same, differs, missing."""
    section = settings.config.get(LotteriesSection)
    one = next((one for one in section.root if one.key == found.key), None) if section else None
    if one is None:
        return "missing"
    holds = lottery.Pinned(found.text, found.rules_hash, found.begins_at, found.ends_at, found.draws, found.revealed_at)
    return "differs" if lottery.differs(one, holds) else "same"


def _state(found: Published, settings: Settings) -> str:
    now = utc_now()
    if found.revealed_at is not None:
        said = "已提前结束" if found.ended_early else "已结束"
    elif found.begins_at is not None and now < found.begins_at:
        said = "还没开始"
    else:
        said = "进行中" if now < found.ends_at else "已结束，种子即将公开"
    return said + {"differs": "；文件里的规则不一样", "missing": "；文件里没有了", "same": ""}[_file(found, settings)]
