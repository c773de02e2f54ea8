"""What the commands share: where the configuration is, the database of a command, how results are printed."""

from __future__ import annotations

import getpass
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from app import config_file, live
from app.config_file import Settings
from models.database import Database
from models.migrations import require_newest, upgrade

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


class WrongInput(Exception):
    """What the user asked for cannot be: said in one line, exit 1."""


ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="配置文件 / the configuration (else YIZHAN_CONFIG, else config.yaml)", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")]


def config_path(given: Path | None) -> Path:
    """The configuration this command works with."""
    return given or Path(os.environ.get("YIZHAN_CONFIG") or "config.yaml")


def settings_of(given: Path | None) -> Settings:
    """The settings in that file. Raises BadConfig."""
    return live.read(config_path(given))


@contextmanager
def database_of(settings: Settings) -> Iterator[Database]:
    """The database this configuration and environment name, at the newest version. Raises NotMigrated where it is not and may not be made so."""
    database = Database(config_file.secrets(os.environ).database_url or settings.database)
    try:
        if database.is_sqlite:
            upgrade(database)
        else:
            require_newest(database)
        yield database
    finally:
        database.close()


def plain(value: Any) -> Any:
    """The value as JSON knows it."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return plain(asdict(value)) if hasattr(value, "__dataclass_fields__") else value


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(plain(value), ensure_ascii=False) + "\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], zone: ZoneInfo) -> None:
    """A table; everything in it is text, whatever it looks like, and instants are times of day in the account's zone."""
    table = Table(*(Column(name, overflow="fold") for name in columns), box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(escape(shown(cell, zone)) for cell in row))
    out.print(table)


def shown(value: object, zone: ZoneInfo) -> str:
    """A value as a person reads it."""
    if isinstance(value, datetime):
        return value.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, list):
        return "、".join(map(str, value))
    return "" if value is None else str(value)


def who() -> str:
    """Whoever typed the command, for the audit trail: `cli:` and the login name."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError, ImportError):  # a container's user without a name
        return "cli:?"
