"""Commands about config.yaml: schema, dump."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer
import yaml
from sqlalchemy import URL, make_url

from app import live
from app.cli.options import ConfigOption, settings_of
from app.config_file import secrets
from app.config_schema import schema as schema_of
from app.yaml_text import Dumper as _Dumper


def schema(
    included: Annotated[bool, typer.Option("--included", help="给 include 进来的文件用：里面不必有 account / for included files")] = False,
) -> None:
    """config.yaml 的 JSON Schema，给编辑器用 / JSON Schema for editors."""
    whole = schema_of(live.SECTIONS)
    typer.echo(json.dumps({**whole, "required": []} if included else whole, ensure_ascii=False, indent=2))


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
