"""Commands about config.yaml: check, try, schema, dump."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
import yaml

from app import live
from app.cli.options import ConfigOption, JsonOption, WrongInput, config_path, database_of, out, print_json, settings_of
from app.config_file import BadConfig
from app.config_schema import schema as schema_of
from handlers import routing
from models.clock import utc_now
from wechat.envelope import Envelope
from wechat.inbound import Inbound
from wechat.reply import Reply, Text


def check(
    file: Annotated[Path | None, typer.Argument(help="要检查的文件", show_default=False)] = None,
    config: ConfigOption = None,
    lang: Annotated[str, typer.Option(help="zh 或 en")] = "zh",
) -> None:
    """检查配置文件：一次列出所有错误，每行 文件:行:列: 说明 / every error at once."""
    path = file or config_path(config)
    try:
        settings = live.read(path)
    except BadConfig as bad:
        typer.echo(bad.render(lang), err=True)
        raise typer.Exit(1) from None
    files = len(settings.files)
    out.print(
        f"{path}: 没有错误（{files} 个文件，版本 {settings.config.version}）" if lang == "zh" else f"{path}: no errors ({files} files)"
    )


def try_(
    text: Annotated[str, typer.Argument(help="粉丝说的话")],
    as_: Annotated[str, typer.Option("--as", help="以哪个粉丝的身份（openid）")] = "oTryTryTryTryTryTryTryTryTry",
    explain: Annotated[bool, typer.Option("--explain", help="说明为什么")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """试一句话：会怎么回复、哪条规则；什么都不会改变 / which rule answers; changes nothing."""
    now = utc_now()
    version = live.version(config_path(config))
    account = version.settings.account
    inbound = Inbound(account.original_id, as_, int(time.time()), "text", "1", "", "", text, {})
    with database_of(version.settings) as database, database.rehearsal() as db:
        ctx, reply = routing.hear(db, version.routes, inbound, now)
        said = _shown(reply, inbound, account.app_id)
    if as_json:
        print_json({"reply": said, "rule": ctx.answered_by, "trace": ctx.trace, "version": version.settings.config.version})
        return
    if explain:
        for number, step in enumerate(ctx.trace, 1):
            out.print(f"{number}. {step}", markup=False)
        out.print(f"规则：{ctx.answered_by or '（无）'}", markup=False)
    out.print(said if said is not None else "（不回复）", markup=False)


def _shown(reply: Reply | None, inbound: Inbound, app_id: str) -> str | None:
    if reply is None:
        return None
    if isinstance(reply, Text):
        return reply.text
    return Envelope(app_id=app_id, token="", aes_key=None, mode="plain").render(reply, inbound, utc_now())


def schema() -> None:
    """config.yaml 的 JSON Schema，给编辑器用 / JSON Schema for editors."""
    print_json(schema_of(live.SECTIONS))


def dump(config: ConfigOption = None) -> None:
    """实际生效的配置，不含密钥 / the effective configuration, without secrets."""
    settings = settings_of(config)
    sections = {
        str(kind.key): value.model_dump(mode="json", by_alias=True, exclude_none=True)  # type: ignore[attr-defined]
        for kind, value in settings.config.sections.items()
    }
    account = settings.account.model_dump(mode="json")
    if not sections:
        raise WrongInput("配置是空的 / the configuration is empty")
    whole = {"account": account, "timezone": str(settings.zone), "database": settings.database, **sections}
    typer.echo(yaml.safe_dump(whole, allow_unicode=True, sort_keys=False), nl=False)
