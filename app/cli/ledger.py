"""Commands about the ledger: audit, statement, adjust, reverse."""

from __future__ import annotations

import secrets
from datetime import date, datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import typer

from app.cli.options import ConfigOption, JsonOption, WrongInput, database_of, out, print_json, print_table, settings_of, who
from models import audit as trail
from models import bookkeeping, expiry, follower, points, seal
from models.bookkeeping import FOLLOWERS, Proof
from models.clock import utc_now
from models.points import MOST, NotEnoughPoints, Posted, RequestUsed, UnknownEntry

cli = typer.Typer(no_args_is_help=True, help="积分账本：核对、明细、调整、撤回")

Openid = Annotated[str, typer.Argument(help="粉丝的 openid")]
ReasonOption = Annotated[str, typer.Option("--reason", help="理由，最多 200 字；粉丝在明细里看得到")]
AssetOption = Annotated[Literal["points", "growth", "card"], typer.Option("--asset", help="points 积分、growth 成长值、card 补签卡")]


@cli.command()
def audit(
    anchor: Annotated[str, typer.Option(help="以前记下的封条（12 位以上），核对它还在")] = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """核对全部账目：余额、来源、撤回、封条 / proves the whole ledger; exit 2 where anything is wrong."""
    settings = settings_of(config)
    with database_of(settings) as database, database.snapshot() as db:
        proof = bookkeeping.prove(db)
        lost = bool(anchor) and not seal.is_anchored(db, anchor)
    if as_json:
        print_json(proof)
    else:
        _tell(proof, settings.zone)
    if lost:
        out.print(f"封条 {anchor} 不见了：流水和封条一起被重做过 / the anchor is gone", markup=False)
    if lost or not proof.right:
        raise typer.Exit(2)


def _tell(proof: Proof, zone: ZoneInfo) -> None:
    print_table(["种类", "来源", "条数", "给出", "收回"], [_account(line) for line in proof.trial], zone)
    for off in proof.differences:
        out.print(f"粉丝 {off.follower_id} 的 {off.asset}：余额 {off.balance}，流水之和 {off.entries}", markup=False)
    for asset in proof.unbalanced:
        out.print(f"{asset}：粉丝手里的总数和各来源给出的不相等", markup=False)
    for fault in proof.faults:
        out.print(f"流水 {fault.entry}（粉丝 {fault.follower_id}）：{fault.zh}", markup=False)
    for broken in proof.seals.broken:
        out.print(f"封条 {broken.number}（流水 {broken.first_id}–{broken.last_id}）：{broken.zh}", markup=False)
    seals = f"封条 {proof.seals.seals} 个，到流水 {proof.seals.last_id}，最新 {proof.seals.digest[:16] or '还没有'}"
    if proof.right:
        out.print(f"账实相符：{proof.followers} 位粉丝，{proof.entries} 条流水，合计 {proof.total} 积分；{seals}")
    else:
        out.print(f"账不对，见上面；怎么办见 docs/handbook/points.md；{seals}")


def _account(line: bookkeeping.Account) -> tuple[object, ...]:
    held = line.account == FOLLOWERS
    given, taken = ("", line.amount) if held else (line.amount, "") if line.amount > 0 else ("", -line.amount)
    return line.asset, "粉丝手里" if held else line.account, line.entries, given, taken


def _until(expires_at: datetime | None, zone: ZoneInfo) -> date | None:
    """The last day, as followers are told it."""
    return None if expires_at is None else expiry.last_day(expires_at, zone)


@cli.command()
def statement(
    openid: Openid,
    most: Annotated[int, typer.Option(min=1, max=100_000, help="最多几条")] = 100,
    asset: AssetOption = "points",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """一位粉丝的积分明细 / one follower's entries, newest first."""
    settings = settings_of(config)
    with database_of(settings) as database, database.snapshot() as db:
        person = follower.find(db, openid)
        if person is None:
            raise WrongInput("没有这位粉丝 / no such follower")
        balance, entries = points.balance(db, person.id, asset), points.statement(db, person.id, most, asset)
    if as_json:
        names = ("id", "at", "amount", "balance", "cause", "account", "expires_at", "reverses_id", "by", "reason")
        print_json({"balance": balance, "entries": [{name: getattr(row, name) for name in names} for row in entries]})
        return
    rows = [
        (row.id, row.at, f"{row.amount:+d}", row.balance, row.cause, _until(row.expires_at, settings.zone), row.by, row.reason)
        for row in entries
    ]
    print_table(["编号", "时间", "数量", "余额", "原因", "有效期到", "谁", "理由"], rows, settings.zone)
    out.print(f"余额 {balance}")


@cli.command(context_settings={"ignore_unknown_options": True})
def adjust(
    openid: Openid,
    amount: Annotated[int, typer.Argument(help="加多少；减就写负数，例如 -50", min=-MOST, max=MOST)],
    reason: ReasonOption,
    request: Annotated[str, typer.Option("--request", help="这次调整的编号；同一个编号只做一次，重试时用同一个")] = "",
    asset: AssetOption = "points",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """人工加减积分，一定有理由 / an operator's adjustment."""
    settings, now, by = settings_of(config), utc_now(), who()
    _refuse_bad(reason, request)
    if not amount:
        raise WrongInput("加减的数量不能是 0 / not zero")
    with database_of(settings) as database, database.transaction() as db:
        person = follower.find(db, openid)
        if person is None:
            raise WrongInput("没有这位粉丝 / no such follower")
        until = expiry.of(settings.config, now) if asset == points.POINTS and amount > 0 else None
        try:
            posted = points.adjust(db, person.id, amount, by, reason, now, request or secrets.token_hex(8), asset=asset, expires_at=until)
        except NotEnoughPoints as short:
            raise WrongInput(f"余额只有 {short.details['balance']}，不够减 / the balance does not cover it") from None
        except RequestUsed as used:
            then = used.details["amount"]
            raise WrongInput(f"编号 {request} 以前用过，那次是 {then:+d}；换一个编号 / this request id was used for {then:+d}") from None
        if posted.new:
            trail.note(db, by, "points_adjusted", now, subject=f"follower:{person.id}", detail=f"{asset} {amount:+d}: {reason}")
    _done(posted, as_json)


@cli.command()
def reverse(
    entry: Annotated[int, typer.Argument(help="流水编号，见 ledger statement", min=1)],
    reason: ReasonOption,
    at_most: Annotated[bool, typer.Option("--at-most", help="余额不够时，有多少收多少")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """撤回一条流水，只能撤一次，原来的那条不动 / takes an entry back by one of its own."""
    settings, now, by = settings_of(config), utc_now(), who()
    _refuse_bad(reason)
    with database_of(settings) as database, database.transaction() as db:
        try:
            until = expiry.of(settings.config, now)
            posted = points.reverse(db, entry, now, by=by, reason=reason, at_most=at_most, expires_at=until)
        except UnknownEntry:
            raise WrongInput(f"没有流水 {entry}，或者它本身就是一次撤回 / no such entry") from None
        except NotEnoughPoints as short:
            raise WrongInput(f"余额只有 {short.details['balance']}，不够收回；加 --at-most 有多少收多少 / not enough") from None
        if posted.new:
            trail.note(db, by, "points_reversed", now, subject=f"entry:{entry}", detail=reason)
    _done(posted, as_json)


def _refuse_bad(reason: str, request: str = "") -> None:
    if not reason.strip() or len(reason) > 200:
        raise WrongInput("理由要有，最多 200 字 / a reason of 200 characters at most")
    if len(request) > 100:
        raise WrongInput("编号最多 100 个字符 / a request id of 100 characters at most")


def _done(posted: Posted, as_json: bool) -> None:
    if as_json:
        print_json(posted)
    else:
        out.print(f"余额 {posted.balance}" if posted.new else f"没有改动：以前做过，或者没有可收回的；余额 {posted.balance}")
