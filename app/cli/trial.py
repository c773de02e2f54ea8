"""The command try: what a follower would be answered, why, and from which line of the file; nothing of it happens."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from sqlalchemy import Connection, make_url

from app import live
from app.cli.options import ConfigOption, JsonOption, WrongInput, config_path, out, print_json
from app.config_file import Settings, secrets
from app.file_tests import moment
from app.live import Version
from app.persona import Persona, become
from app.persona import check as check_persona
from app.rehearsal import NOBODY, SENT, Rehearsal, Tried
from app.spoken import so_long
from models.clock import business_day, utc_now
from models.config import Config
from models.database import Database
from models.migrations import newest, upgrade, version_of
from wechat.inbound import Unreadable

_TYPES = ("text", *SENT)


def try_(
    text: Annotated[str, typer.Argument(help="粉丝说的话；以 - 开头的话写在 -- 后面", show_default=False)] = "",
    as_: Annotated[str, typer.Option("--as", help="以哪个粉丝的身份（openid）")] = NOBODY,
    explain: Annotated[bool, typer.Option("--explain", help="说明为什么")] = False,
    click: Annotated[bool, typer.Option("--click", help="按下菜单里 key（或名字）是这句话的按钮")] = False,
    kind: Annotated[str, typer.Option("--type", help=f"发来的是什么：{' '.join(_TYPES)}")] = "text",
    event: Annotated[
        str | None, typer.Option("--event", help="不说话，而是一个事件：subscribe SCAN LOCATION …", show_default=False)
    ] = None,
    scene: Annotated[str, typer.Option("--scene", help="关注或扫码时二维码的参数", show_default=False)] = "",
    at: Annotated[str | None, typer.Option("--at", help='什么时候，例如 "2026-11-21 22:00"；不写就是现在', show_default=False)] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="当作有这个标签（可重复），也就没有别的标签", show_default=False)] = None,
    level: Annotated[str | None, typer.Option("--level", help="当作是这个等级", show_default=False)] = None,
    points: Annotated[int | None, typer.Option("--points", min=0, help="当作有这么多积分", show_default=False)] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """试一句话：会怎么回复、哪条规则；什么都不会改变 / which rule answers; changes nothing."""
    if kind not in _TYPES:
        raise WrongInput(f"没有消息类型 {kind}；可以写：{'、'.join(_TYPES)} / no such type")
    version = live.version(config_path(config), tested=False)
    settings = version.settings
    now = _moment(at, settings) if at else utc_now().replace(microsecond=0)
    persona = Persona(tags=[_sound(one) for one in tag or ()], level=level, points=points)
    _refuse(persona, settings.config)
    with _live(settings) as db:
        if tag or level or points is not None:
            become(db, _sound(as_), persona, settings.config, now)
        tried = _tried(Rehearsal(version, db, _sound(as_), now=now), _sound(text), click, kind, event, _sound(scene))
    if as_json:
        print_json(_plain(tried))
    elif explain and out.is_terminal:
        _draw(tried, version)
    else:
        _print(tried, explain)
    if tried.bug is not None:
        raise typer.Exit(2)


def _tried(who: Rehearsal, text: str, click: bool, kind: str, event: str | None, scene: str) -> Tried:
    try:
        if event is not None:
            name = event.strip().lower()
            return who.follows(scene) if name == "subscribe" else who.does(event, scene or text)
        if scene:
            return who.scans(scene)
        if click:
            return who.presses(text)
        return who.says(text) if kind == "text" else who.sends(kind)
    except Unreadable as unreadable:
        raise WrongInput(f"平台不会推送这样的消息 / the platform pushes nothing like this: {unreadable}") from None


def _moment(text: str, settings: Settings) -> datetime:
    try:
        return moment(text, settings.zone, business_day(utc_now(), settings.zone))
    except ValueError:
        raise WrongInput(f'--at 要写成 "2026-11-21 22:00"，这里是 {text!r} / write "2026-11-21 22:00"') from None


def _refuse(persona: Persona, config: Config) -> None:
    for problem in check_persona(persona, (), config):
        raise WrongInput(f"{problem.zh} / {problem.en}")


def _sound(text: str) -> str:
    """The text without the lone surrogates that stand for bytes which are no UTF-8: none of our libraries takes them."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@contextmanager
def _live(settings: Settings) -> Iterator[Connection]:
    """A transaction that is rolled back, in this configuration's database; in an empty one where there is none yet."""
    url = secrets(os.environ).database_url or settings.database
    with TemporaryDirectory(prefix="yizhan-") as folder:
        path = make_url(url).database or ""
        absent = url.startswith("sqlite") and not Path(path).exists()
        database = Database(f"sqlite:///{folder}/empty.db" if absent else url)
        try:
            if absent:
                upgrade(database)
            with database.rehearsal() as db:
                if version_of(db) != newest():
                    raise WrongInput("数据库不是最新版本，先运行 yizhan migrate / run yizhan migrate first")
                yield db
        finally:
            database.close()


def _lines(tried: Tried) -> list[str]:
    return [f"{text}（{place}）" if place else text for text, place in tried.steps]


def _later(tried: Tried) -> list[str]:
    return [f"{so_long(after)}以后补发：{text}" for after, text in tried.follow_ups]


def _plain(tried: Tried) -> dict[str, object]:
    return {
        "reply": tried.reply,
        "kind": tried.kind,
        "rule": tried.rule,
        "place": tried.place,
        "trace": _lines(tried),
        "steps": [{"text": text, "place": place} for text, place in tried.steps],
        "follow_ups": [{"after_seconds": int(after.total_seconds()), "reply": text} for after, text in tried.follow_ups],
        "version": tried.version,
    }


def _print(tried: Tried, explain: bool) -> None:
    """Plain lines, for a pipe or a file."""
    if explain:
        for number, line in enumerate(_lines(tried), 1):
            typer.echo(f"{number}. {line}")
        typer.echo(f"规则：{tried.rule or '（无）'}{f'  {tried.place}' if tried.place else ''}")
        typer.echo(f"版本：{tried.version}")
    elif tried.bug is not None:
        typer.echo(_lines(tried)[-1], err=True)
    for line in _later(tried) if explain else ():
        typer.echo(line)
    typer.echo(tried.reply if tried.reply is not None else "（不回复）")


def _draw(tried: Tried, version: Version) -> None:
    """The same for eyes: numbered steps, their places beside them, and the reply as a bubble."""
    steps = Table.grid(padding=(0, 2))
    steps.add_column(justify="right", style="dim")
    steps.add_column(overflow="fold")
    steps.add_column(style="cyan", no_wrap=True)
    for number, (text, place) in enumerate(tried.steps, 1):
        steps.add_row(str(number), Text(text), place or "")
    out.print(steps, soft_wrap=False)
    title = Text(f" {tried.rule or '没有规则回复'} ", style="bold")
    below = Text(f" {'  '.join(filter(None, (tried.place, f'版本 {tried.version}')))} ", style="cyan")
    style = "red" if tried.bug is not None else "green" if tried.reply is not None else "yellow"
    body = Text(tried.reply if tried.reply is not None else "（不回复）")
    out.print(Panel(body, title=title, subtitle=below, title_align="left", subtitle_align="right", border_style=style), soft_wrap=False)
    for line in _later(tried):
        out.print(Text(line, style="magenta"))
