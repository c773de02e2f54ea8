"""Commands about coupons: list, import, give, find, redeem, undo, void, owed."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection

from app.cli.options import ConfigOption, JsonOption, WrongInput, database_of, out, print_json, print_table, settings_of, shown, who
from app.config_file import Settings
from models import audit, coupon, follower
from models.clock import utc_now
from models.coupon import BatchRules, Counted, Debt, Found, Redeemer
from models.database import Database
from models.refusal import Refusal

cli = typer.Typer(no_args_is_help=True, help="券：批次、导入券码、赠送、核销")

Code = Annotated[str, typer.Argument(help="券码，大小写、横线、空格都不要紧")]
BatchKey = Annotated[str, typer.Argument(help="券的代号（coupons.batches 里的 key）")]
ReasonOption = Annotated[str, typer.Option("--reason", help="原因，记进操作记录")]
ByOption = Annotated[str | None, typer.Option("--by", help="谁办的；不写就是登录名 / who does it", show_default=False)]
STATES = {"claimed": "未使用", "redeemed": "已使用", "void": "已作废"}
_ACTS = {"redeemed": "核销", "undone": "撤销核销", "voided": "作废"}
_SAID: dict[str, str] = {
    "mistyped_code": "券码有一个字打错了 / a letter of the code is wrong",
    "unknown_code": "没有这个券码 / no such code",
    "already_redeemed": "已经用过了：{at} 由 {by} 核销 / used already",
    "coupon_expired": "已过期，有效期到 {until} / expired",
    "coupon_not_yet_valid": "{begin} 起才能用 / not valid yet",
    "coupon_void": "已经作废 / void",
    "not_redeemed": "没有核销过，不用撤销 / it is not redeemed",
    "sold_out": "「{name}」发完了：先把 stock 改大，或导入更多券码 / none is left",
    "claim_over": "「{name}」的有效期已经过了 / such a coupon would be expired already",
}


@contextmanager
def _in_words(settings: Settings) -> Iterator[None]:
    """A refusal is said as a person says it."""
    try:
        yield
    except Refusal as refusal:
        details = {name: shown(value, settings.zone) for name, value in refusal.details.items()}
        raise WrongInput(_SAID[refusal.code].format(**details)) from None


def _batch(settings: Settings, key: str) -> BatchRules:
    rules = coupon.rules_of(settings.config)
    found = rules.batch(key)
    if found is None:
        known = "、".join(one.key for one in rules.batches) or "（无）"
        raise WrongInput(f"没有券 {key}；配置里有：{known} / no such batch")
    return found


@cli.command(name="list")
def list_(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """每批券：库存、已领、已用、过期、欠发 / every batch and what became of its coupons."""
    settings, now = settings_of(config), utc_now()
    with database_of(settings) as database, database.snapshot() as db:
        counts = coupon.counted(db, now)
        rows = [_facts(db, one, counts.get(one.key, Counted())) for one in coupon.rules_of(settings.config).batches]
    if as_json:
        print_json(rows)
        return
    columns = {"key": "代号", "name": "名字", "left": "还剩", "claimed": "已领", "redeemed": "已用", "expired": "过期", "void": "作废"}
    table = [[row[key] for key in columns] + [row["owed"] or ""] for row in rows]
    print_table([*columns.values(), "欠发"], table, settings.zone)


def _facts(db: Connection, batch: BatchRules, counted: Counted) -> dict[str, object]:
    left = coupon.left(db, batch, counted)
    return {"key": batch.key, "name": batch.name, "stock": batch.stock, "left": left, **asdict(counted)}


@cli.command(name="import")
def import_(
    batch: BatchKey,
    file: Annotated[Path, typer.Argument(help="文本文件，一行一个券码", exists=True, dir_okay=False, readable=True)],
    config: ConfigOption = None,
) -> None:
    """导入券码，可以重复执行：已有的不会再导入 / codes from elsewhere, one a line; can be repeated."""
    settings = settings_of(config)
    if _batch(settings, batch).codes != "imported":
        raise WrongInput(f"{batch} 的券码是自动生成的；要导入，先在配置里写 codes: imported / this batch makes its codes itself")
    try:
        lines = file.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise WrongInput(f"{file} 不是 UTF-8 文本 / not UTF-8") from None
    with database_of(settings) as database, database.transaction() as db:
        try:
            done = coupon.import_codes(db, batch, lines)
        except coupon.UnusableCodes as unusable:
            raise WrongInput(f"{unusable}；什么都没有导入 / nothing was imported") from None
        audit.note(db, who(), "coupons_imported", utc_now(), subject=f"coupon:{batch}", detail=f"{done.new}")
    out.print(f"新导入 {done.new} 个券码，已有 {done.known} 个", markup=False)


@cli.command()
def give(
    batch: BatchKey,
    openid: Annotated[str, typer.Argument()],
    reason: ReasonOption,
    request: Annotated[
        str | None, typer.Option("--request", help="这次赠送的编号：同一个编号只送一次 / given once for each of these", show_default=False)
    ] = None,
    config: ConfigOption = None,
) -> None:
    """送一张券给一位粉丝，粉丝会收到通知 / gives one coupon to one follower."""
    settings, now = settings_of(config), utc_now()
    name = _batch(settings, batch).name
    cause = f"operator:{(request or secrets.token_hex(8))[:100]}"
    with database_of(settings) as database, _in_words(settings), database.transaction() as db:
        person = follower.find(db, openid)
        if person is None:
            raise WrongInput("没有这位粉丝 / no such follower")
        given = coupon.give(db, settings.config, person.id, batch, cause, now)
        if given.batch != batch:
            raise WrongInput(
                f"编号 {request} 以前用过，那次送的是「{given.name}」；换一个编号 / this request id was used for {given.batch}"
            )
        if given.new:
            audit.note(db, who(), "coupon_given", now, subject=f"coupon:{given.id}", detail=f"{batch} {person.name}：{reason}")
    done = "送出" if given.new else "这个编号已经送过"
    out.print(f"{done}：{name}，有效期至 {coupon.until(settings.config, given)}", markup=False)


@cli.command()
def find(code: Code, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """查一张券：谁的、到什么时候、用没用过 / whose it is, until when, and what was done with it."""
    settings = settings_of(config)
    with database_of(settings) as database, _in_words(settings), database.snapshot() as db:
        found = coupon.look_up(db, code)
        past = coupon.history(db, found.coupon.id)
    if as_json:
        facts = {"openid": found.holder.openid, "redeemed_by": found.redeemed_by, "redeemed_at": found.redeemed_at}
        print_json({**asdict(found.coupon), **facts, "history": past})
        return
    one = found.coupon
    out.print(f"{one.name}  {one.code}  {STATES[one.state]}，有效期至 {coupon.until(settings.config, one)}", markup=False)
    out.print(f"持有人 {found.holder.name}  {found.holder.openid}", markup=False)
    print_table(["时间", "做了什么", "谁", "原因"], [(at, _ACTS[act], by, why) for at, act, by, why in past], settings.zone)


@cli.command()
def redeem(code: Code, by: ByOption = None, config: ConfigOption = None) -> None:
    """核销一张券，只能用一次 / it is used, once."""
    _do(code, config, "coupon_redeemed", lambda db, s, one, now: coupon.redeem(db, s.config, one, Redeemer(by or who()), now), by)


@cli.command()
def undo(code: Code, by: ByOption = None, config: ConfigOption = None) -> None:
    """撤销核销：这张券又可以用了 / it is as if it had not been used."""
    _do(code, config, "coupon_undone", lambda db, s, one, now: coupon.undo(db, s.config, one, Redeemer(by or who()), now), by)


@cli.command()
def void(code: Code, reason: ReasonOption, by: ByOption = None, config: ConfigOption = None) -> None:
    """作废一张没用过的券；自动生成的退回库存，导入的码不再发 / nobody can use it."""
    _do(code, config, "coupon_voided", lambda db, s, one, now: coupon.void(db, one, by or who(), reason, now), by, reason)


def _do(
    code: str,
    config: Path | None,
    action: str,
    verb: Callable[[Connection, Settings, int, datetime], Found],
    by: str | None,
    reason: str = "",
) -> None:
    settings, now = settings_of(config), utc_now()
    with database_of(settings) as database, _in_words(settings), database.transaction() as db:
        done = verb(db, settings, coupon.look_up(db, code).coupon.id, now)
        audit.note(db, by or who(), action, now, subject=f"coupon:{done.coupon.id}", detail=reason)
        left = coupon.see(db, done.coupon.id).coupon.state
    out.print(f"{done.coupon.name}（{done.coupon.code}）：{STATES[left]}", markup=False)


@cli.command(name="owed")
def owed_(
    pay: Annotated[bool, typer.Option("--give", help="现在补发，能发几张发几张 / give them now")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """奖励里该给、当时已经发完的券；加了库存以后可以补发 / coupons of rewards that were sold out."""
    settings, now = settings_of(config), utc_now()
    with database_of(settings) as database:
        with database.snapshot() as db:
            debts = coupon.debts(db)
        if pay:
            paid = sum(_paid(database, settings, one, now) for one in debts)
            out.print(f"补发了 {paid} 张，还欠 {len(debts) - paid} 张", markup=False)
            return
    if as_json:
        print_json(debts)
        return
    print_table(["粉丝", "券", "因为", "时间"], [(one.openid, one.batch, one.cause, one.at) for one in debts], settings.zone)


def _paid(database: Database, settings: Settings, one: Debt, now: datetime) -> bool:
    """Each in a transaction of its own: those that can be given are."""
    try:
        with database.transaction() as db:
            given = coupon.give(db, settings.config, one.follower_id, one.batch, one.cause, now)
            audit.note(db, who(), "coupon_given", now, subject=f"coupon:{given.id}", detail=f"{one.batch} {one.cause}")
    except Refusal:
        return False
    return True
