"""Commands about config.yaml: check, try, schema, dump."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Literal

import typer
import yaml
from sqlalchemy import URL, Connection, make_url

from app import live
from app.cli.options import ConfigOption, JsonOption, WrongInput, config_path, print_json, settings_of
from app.config_file import BadConfig, Settings, secrets
from app.config_schema import schema as schema_of
from app.yaml_text import Dumper as _Dumper
from handlers import routing
from handlers.routing import Context
from models import media
from models.clock import utc_now
from models.config import Config
from models.database import Database
from models.media import MediaSection
from models.migrations import newest, upgrade, version_of
from wechat.inbound import Inbound
from wechat.reply import Handoff, Image, Music, News, Reply, Text, Video, Voice


def check(
    file: Annotated[Path | None, typer.Argument(help="要检查的文件", show_default=False)] = None,
    config: ConfigOption = None,
    lang: Annotated[Literal["zh", "en"], typer.Option(help="用哪种语言 / in which language")] = "zh",
) -> None:
    """检查配置文件：一次列出所有错误，每行 文件:行:列: 说明 / every error at once."""
    path = file or config_path(config)
    try:
        settings = live.read(path)
    except BadConfig as bad:
        typer.echo(bad.render(lang))
        number = len(bad.complaints)
        typer.echo(f"{path}: {number} 处错误" if lang == "zh" else f"{path}: {number} error{'s'[: number > 1]}")
        raise typer.Exit(1) from None
    files, number_of = len(settings.files), settings.config.version
    typer.echo(
        f"{path}: 没有错误（{files} 个文件，版本 {number_of}）"
        if lang == "zh"
        else f"{path}: no errors ({files} file{'s'[: files > 1]}, version {number_of})"
    )


def try_(
    text: Annotated[str, typer.Argument(help="粉丝说的话；以 - 开头的话写在 -- 后面")],
    as_: Annotated[str, typer.Option("--as", help="以哪个粉丝的身份（openid）")] = "oTryTryTryTryTryTryTryTryTry",
    explain: Annotated[bool, typer.Option("--explain", help="说明为什么")] = False,
    click: Annotated[bool, typer.Option("--click", help="按下菜单里 key 是这句话的按钮")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """试一句话：会怎么回复、哪条规则；什么都不会改变 / which rule answers; changes nothing."""
    now = utc_now()
    version = live.version(config_path(config))
    account, where = version.settings.account, version.settings.where
    what = ("event", "1", "click", _sound(text), "") if click else ("text", "1", "", "", _sound(text))
    inbound = Inbound(account.original_id, _sound(as_), int(time.time()), *what, {})
    with _rehearsal(version.settings) as db:
        _by_name(db, version.settings.config, now)
        ctx, reply = routing.hear(db, version.routes, inbound, now, explaining=True)
        said = _shown(reply)
    trace = ctx.trace or []
    rule, steps = ctx.answered_by, [f"{text}（{place}）" if at and (place := where(at)) else text for text, at in trace]
    place = where(_location(ctx))
    if as_json:
        print_json({"reply": said, "rule": rule, "place": place, "trace": steps, "version": version.settings.config.version})
        return
    if explain:
        for number, step in enumerate(steps, 1):
            typer.echo(f"{number}. {step}")
        typer.echo(f"规则：{rule or '（无）'}{f'  {place}' if place else ''}")
    typer.echo(said if said is not None else "（不回复）")


def _location(ctx: Context) -> tuple[str | int, ...]:
    """Where in the file the answer comes from: the last place in the trace, else what `answered_by` names."""
    if not ctx.answered_by:
        return ()
    section, colon, subject = ctx.answered_by.partition(":")
    named = [at for _, at in ctx.trace or () if at]
    if named and subject != "fallback":
        return named[-1]
    return (section, subject) if colon else (section,)


def _sound(text: str) -> str:
    """The text without the lone surrogates that stand for bytes which are no UTF-8: none of our libraries takes them."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@contextmanager
def _rehearsal(settings: Settings) -> Iterator[Connection]:
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


def _by_name(db: Connection, config: Config, now: datetime) -> None:
    """In a rehearsal every medium has a copy that is called by its name, which is what the operator knows it by."""
    for name, medium in config[MediaSection].root.items():
        for kind in (medium.kind, media.COVER):
            media.claim(db, medium, kind, now)
            media.store(db, medium, kind, name, now)


_MEDIA: dict[type, str] = {Image: "图片", Voice: "语音", Video: "视频"}


def _shown(reply: Reply | None) -> str | None:
    """The reply as a person reads it."""
    match reply:
        case None:
            return None
        case Text(text):
            return text
        case News(articles):
            return "\n".join(f"【图文】{one.title}\n  {one.description}\n  {one.url}" for one in articles)
        case Handoff(account):
            return f"【转人工客服】{account}"
        case Music():
            return f"【音乐】{reply.title} {reply.url}"
        case Image() | Voice() | Video():
            return f"【{_MEDIA[type(reply)]}】{reply.media_id}"


def schema() -> None:
    """config.yaml 的 JSON Schema，给编辑器用 / JSON Schema for editors."""
    typer.echo(json.dumps(schema_of(live.SECTIONS), ensure_ascii=False, indent=2))


def dump(config: ConfigOption = None) -> None:
    """实际生效的配置，不含密钥 / the effective configuration, without secrets."""
    settings = settings_of(config)
    sections = {
        str(kind.key): value.model_dump(mode="json", by_alias=True, exclude_none=True)  # type: ignore[attr-defined]
        for kind, value in settings.config.sections.items()
    }
    account = settings.account.model_dump(mode="json")
    url = secrets(os.environ).database_url
    whole = {"account": account, "timezone": str(settings.zone), "database": without_password(url or settings.database), **sections}
    if url:
        typer.echo("# database: YIZHAN_DATABASE_URL")
    typer.echo(yaml.dump(whole, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=100), nl=False)


def without_password(url: str) -> str:
    """The URL as it may stand in config.yaml: the password stays in the environment."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        return f"sqlite:///{Path(os.path.abspath(parsed.database)).as_posix()}"
    query = {key: value for key, value in parsed.query.items() if "passw" not in key.lower()}
    shown = URL.create(parsed.drivername, parsed.username, None, parsed.host, parsed.port, parsed.database, query)
    return shown.render_as_string()
