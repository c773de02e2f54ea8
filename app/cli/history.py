"""Commands about the versions of the rules: list, show, diff, back."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from sqlalchemy import Connection, make_url

from app import live, versions
from app.cli.options import ConfigOption, JsonOption, WrongInput, config_path, print_json, print_table
from app.complaint import BadConfig
from app.config_file import secrets
from models import rule_version
from models.clock import utc_now
from models.database import Database
from models.migrations import newest, version_of

cli = typer.Typer(help="规则的历史版本：列出、查看、比较、回到某一版")

Version = Annotated[str, typer.Argument(help="版本号，写前几位就行")]


@contextmanager
def _records(path: Path) -> Iterator[Connection]:
    url = make_url(secrets(os.environ).database_url or versions.database_url(path))
    where = url.render_as_string(hide_password=True)
    no_history = WrongInput(
        f"{where} 里没有历史：要先运行 yizhan serve（或 yizhan migrate）；别的数据库请设 YIZHAN_DATABASE_URL / no history in this database"
    )
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise no_history
    database = Database(url.render_as_string(hide_password=False))
    try:
        with database.snapshot() as db:
            if version_of(db) != newest():
                raise no_history
            yield db
    finally:
        database.close()


def _zone(path: Path) -> ZoneInfo:
    try:
        return live.read(path).zone
    except BadConfig:
        return ZoneInfo("Asia/Shanghai")


def _one(db: Connection, beginning: str) -> str:
    found = rule_version.find(db, beginning)
    if len(found) == 1:
        return found[0]
    if beginning in found:
        return beginning
    if not found:
        raise WrongInput(f"没有版本 {beginning}；用 yizhan history 看看有哪些 / no such version")
    raise WrongInput(f"{beginning} 对应 {len(found)} 个版本：{'、'.join(found[:5])}，请多写几位 / ambiguous")


@cli.callback(invoke_without_command=True)
def list_(context: typer.Context, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """曾经生效的版本，最近的在最上面 / every version that was in force, the latest first."""
    if context.invoked_subcommand is not None:
        return
    path = config_path(config)
    with _records(path) as db:
        found = rule_version.listed(db, utc_now())
    if as_json:
        print_json([asdict(one) for one in found])
        return
    rows = [(one.version, one.since, one.until, f"生效中（{len(one.processes)} 个进程）" if one.processes else "") for one in found]
    print_table(["版本", "从", "到", ""], rows, _zone(path))


@cli.command()
def show(version: Version, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """那一版的全部文件 / all files of that version."""
    with _records(config_path(config)) as db:
        texts = rule_version.texts(db, _one(db, version))
    if as_json:
        print_json(dict(texts))
        return
    for name, text in texts:
        typer.echo(f"# ── {name} ──\n{text}")


@cli.command()
def diff(
    version: Version,
    other: Annotated[str | None, typer.Argument(help="和哪一版比；不写就和现在的文件比", show_default=False)] = None,
    config: ConfigOption = None,
) -> None:
    """两个版本差在哪里 / what differs between two versions."""
    path = config_path(config)
    with _records(path) as db:
        before = dict(rule_version.texts(db, _one(db, version)))
        after = dict(rule_version.texts(db, _one(db, other))) if other else None
    if after is None:
        files = {Path(os.path.relpath(file, path.parent)).as_posix(): file for file in versions.present(path)}
        after = {name: file.read_bytes().decode("utf-8", "replace") for name, file in files.items() if file.is_file()}
    typer.echo(difference(before, after) or "一样 / no difference", nl=False)
    typer.echo()


def difference(before: dict[str, str], after: dict[str, str]) -> str:
    """A unified diff of the files."""
    lines: list[str] = []
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name, "").splitlines(), after.get(name, "").splitlines()
        lines += difflib.unified_diff(old, new, name, name, lineterm="")
    return "\n".join(lines)


@cli.command()
def back(version: Version, config: ConfigOption = None) -> None:
    """把文件改回那一版；现在的文件会另存 / the files say again what they said then; the present ones are kept aside."""
    path = config_path(config)
    with _records(path) as db:
        found = _one(db, version)
        texts = rule_version.texts(db, found)
    try:
        settings, aside = versions.back(path, texts, utc_now())
    except BadConfig as bad:
        typer.echo(f"这一版现在用不了，文件没有改动 / this version cannot be used any more, nothing was changed\n{bad.render()}", err=True)
        raise typer.Exit(1) from None
    except OSError as error:
        zh = f"写不了 {error.filename or path.parent}：{error.strerror}；文件没有改动"
        raise WrongInput(f"{zh} / cannot write there, nothing was changed") from None
    typer.echo(f"文件已改回 {found}（现在的版本 {settings.config.version}），两秒内生效；原来的文件在 {aside}")
