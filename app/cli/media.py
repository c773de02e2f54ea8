"""Commands about media: list, upload."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer

from app import media_files
from app.cli.options import ConfigOption, JsonOption, WrongInput, database_of, err, out, print_json, print_table, settings_of
from app.config_file import Settings
from models import media
from models.clock import utc_now
from models.database import Database
from models.media import Copy, MediaSection, Medium
from wechat.errcodes import PlatformError

cli = typer.Typer(no_args_is_help=True, help="素材：查看、上传")

_KINDS = {"image": "图片", "voice": "语音", "video": "视频", "thumb": "封面"}


@cli.command(name="list")
def list_(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """每个素材是哪个文件，微信那边有没有、到什么时候 / every medium, its file, and whether the platform has it."""
    settings, now = settings_of(config), utc_now()
    with database_of(settings) as database, database.snapshot() as db:
        found = list(media.uses(settings.config[MediaSection], media.copies(db)))
    if as_json:
        print_json([_facts(name, medium, use, copy if copy and copy.lives(now) else None, copy) for name, medium, use, copy in found])
        return
    rows = [
        (
            name,
            _KINDS[use],
            medium.path,
            media.told(medium.size),
            _state(copy, copy is not None and copy.lives(now)),
            copy and copy.expires_at,
        )
        for name, medium, use, copy in found
    ]
    print_table(["名字", "种类", "文件", "大小", "在微信那边", "到"], rows, settings.zone)


def _facts(name: str, medium: Medium, use: str, living: Copy | None, copy: Copy | None) -> dict[str, object]:
    return {
        "name": name,
        "kind": use,
        "path": medium.path,
        "size": medium.size,
        "digest": medium.digest,
        "media_id": living and living.media_id,
        "uploaded_at": living and living.uploaded_at,
        "expires_at": living and living.expires_at,
        "error": copy and copy.error,
    }


def _state(copy: Copy | None, lives: bool) -> str:
    if copy is not None and copy.error:
        return f"{'有' if lives else '没有'}，上次上传失败：{copy.error}"
    return "有" if lives else "还没有"


@cli.command()
def upload(
    names: Annotated[list[str] | None, typer.Argument(help="素材的名字；不写就是全部")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """把微信那边还没有的素材传上去；服务运行时会自己传 / uploads what the platform does not have; a running service does so by itself."""
    settings = settings_of(config)
    known = settings.config[MediaSection].root
    if unknown := [name for name in names or () if name not in known]:
        raise WrongInput(f"没有素材 {'、'.join(unknown)}；配置里有：{'、'.join(known) or '（无）'} / no such medium")
    with database_of(settings) as database:
        found = asyncio.run(_upload(settings, database, names or list(known)))
    if as_json:
        print_json([{"name": name, "media_id": media_id, "error": error} for name, media_id, error in found])
    else:
        for name, media_id, error in found:
            out.print(f"{name}  {media_id or error}", markup=False)
    if any(error for *_, error in found):
        raise typer.Exit(2)


async def _upload(settings: Settings, database: Database, names: Sequence[str]) -> list[tuple[str, str | None, str | None]]:
    """Name, media_id or why there is none, of each."""
    from app.cli.platform import client_of
    from scheduler.media import MediaKeeper

    done: list[tuple[str, str | None, str | None]] = []
    async with client_of(settings, database) as client:
        keeper = MediaKeeper(database, client, lambda: settings.config, media_files.read, utc_now)
        for number, name in enumerate(names, 1):
            with err.status(f"{number}/{len(names)} {name}"):
                try:
                    done.append((name, await keeper.media_id(name), None))
                except (PlatformError, OSError) as refused:
                    done.append((name, None, str(refused)))
    return done
