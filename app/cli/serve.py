"""Commands that run the program: serve, demo, migrate."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from app import config_file
from app import demo as demonstration
from app.cli.options import ConfigOption, WrongInput, config_path, out, settings_of
from app.logs import configure
from app.roles import ROLES
from models.database import Database
from models.migrations import newest, upgrade

Port = Annotated[int, typer.Option(min=1, max=65535)]


def serve(
    config: ConfigOption = None,
    host: Annotated[str, typer.Option(help="监听地址")] = "127.0.0.1",
    port: Port = 8000,
    role: Annotated[list[str] | None, typer.Option(help="这个进程做什么：all web scheduler worker，可重复")] = None,
) -> None:
    """运行服务 / run the service."""
    # Here and not above: the other commands need not wait for the web server and the platform's client to be imported.
    from app import main

    wanted = set(role or ["all"])
    if unknown := wanted - {"all", *ROLES}:
        raise WrongInput(f"没有这个角色：{'、'.join(sorted(unknown))}；可用：all、{'、'.join(ROLES)} / no such role")
    roles = set(ROLES) if "all" in wanted else {name for name in ROLES if name in wanted}
    configure()
    main.serve(main.build(config_path(config), config_file.secrets(os.environ), roles), host, port)


def migrate(config: ConfigOption = None) -> None:
    """把数据库升级到最新版本 / the database to the newest version."""
    settings = settings_of(config)
    database = Database(config_file.secrets(os.environ).database_url or settings.database)
    try:
        upgrade(database)
    finally:
        database.close()
    out.print(f"数据库是最新版本 {newest()} / the database is at the newest version")


def demo(
    port: Port = 8000,
    sim_port: Annotated[int, typer.Option("--sim-port", min=1, max=65535)] = 8001,
    followers: Annotated[int, typer.Option(min=1, max=1_000_000, help="仿真粉丝人数")] = 500,
    data: Annotated[Path, typer.Option(help="数据放在哪里")] = Path("data/demo"),
) -> None:
    """演示：在本机运行机器人和仿真微信，自带粉丝 / bot and simulator on this machine, no account needed."""
    if port == sim_port:
        raise WrongInput("--port 和 --sim-port 不能相同 / the two ports must differ")
    demonstration.run(port, sim_port, followers, data)
