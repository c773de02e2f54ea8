"""Commands about channels: list, publish, show."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.options import ConfigOption, JsonOption, WrongInput, database_of, err, out, print_json, print_table, settings_of, shown
from app.config_file import Settings
from handlers.channel import Channel, ChannelsSection
from models import channel as channels
from models.channel import Brought, Code
from models.clock import utc_now
from models.database import Database
from wechat.errcodes import PlatformError

if TYPE_CHECKING:
    from wechat.client import Client

cli = typer.Typer(no_args_is_help=True, help="渠道二维码：发布、查看、每个带来多少人")

LOOK_AGAIN = 0.2  # seconds, while another process has the code made


@cli.command(name="list")
def list_(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """每个二维码：地址、图片、带来多少人、现在还有多少人关注 / every code, whom it brought, and how many still follow."""
    settings, now = settings_of(config), utc_now()
    planned = settings.config[ChannelsSection].root
    with database_of(settings) as database, database.snapshot() as db:
        codes = [channels.find(db, channel, now) for channel in planned]
        brought = channels.brought(db, [channel.key for channel in planned])
    facts = [_facts(settings, one, code) | _counts(brought.get(one.key, Brought())) for one, code in zip(planned, codes, strict=True)]
    if as_json:
        print_json(facts)
        return
    rows = [
        (f["key"], f["name"], f["came"], f["follow"], f["picture"] or "还没发布：./yizhan channel publish", f["expires_at"]) for f in facts
    ]
    print_table(["参数", "名字", "带来", "还在关注", "图片", "到"], rows, settings.zone)


def _facts(settings: Settings, channel: Channel, code: Code | None) -> dict[str, object]:
    from wechat.client.qrcode import picture_url

    return {
        "key": channel.key,
        "name": channel.name,
        "permanent": channel.permanent,
        "url": code and code.url,
        "picture": code and picture_url(settings.account.api_base, code.ticket),
        "expires_at": code and code.expires_at,
    }


def _counts(brought: Brought) -> dict[str, object]:
    return {"came": brought.came, "follow": brought.follow}


@cli.command()
def publish(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """在微信那边生成还没有的二维码，过期的临时码换新的；已有的不动 / makes the codes that are missing or expired, each once."""
    settings = settings_of(config)
    planned = settings.config[ChannelsSection].root
    with database_of(settings) as database:
        made = asyncio.run(_publish(settings, database, planned))
    facts = [_facts(settings, channel, code) | {"created": new} for channel, (code, new) in zip(planned, made, strict=True)]
    if as_json:
        print_json(facts)
        return
    for fact in facts:
        out.print(f"{'新建' if fact['created'] else '已有'}  {fact['key']}  {fact['name']}  {fact['picture']}", markup=False)
    if not facts:
        out.print("配置里没有 channels / the file has no channels")


async def _publish(settings: Settings, database: Database, planned: Sequence[Channel]) -> list[tuple[Code, bool]]:
    """The code of each channel, and whether it was made now. Killed anywhere, the next call makes what is missing."""
    from app.cli.platform import client_of

    async with client_of(settings, database) as client:
        with err.status("发布二维码") as status:
            done = []
            for number, channel in enumerate(planned, 1):
                status.update(f"发布二维码 {number}/{len(planned)} {channel.key}")
                done.append(await _made(client, database, channel))
    return done


async def _made(client: Client, database: Database, channel: Channel) -> tuple[Code, bool]:
    while not await database.run(lambda db: channels.claim(db, channel, utc_now())):
        found = await database.read(lambda db: channels.find(db, channel, utc_now()))
        if found is not None:
            return found, False
        await asyncio.sleep(LOOK_AGAIN)  # another process has it made
    now = utc_now()
    try:
        code = await client.qrcode.create(channel.key, seconds=channel.seconds)
    except PlatformError:
        await database.run(lambda db: channels.release(db, channel))
        raise
    stored = await database.run(lambda db: channels.store(db, channel, code.ticket, code.url, code.seconds, now))
    return stored, True


@cli.command()
def show(
    key: Annotated[str, typer.Argument(help="二维码的参数（config.yaml 里的 key）")],
    save: Annotated[Path | None, typer.Option("--save", help="存成图片：文件名以 .png 或 .svg 结尾", show_default=False)] = None,
    config: ConfigOption = None,
) -> None:
    """在终端里显示一个二维码，或存成图片 / shows a code on the terminal, or saves it."""
    settings, now = settings_of(config), utc_now()
    channel = settings.config[ChannelsSection].of(key)
    if channel is None:
        known = "、".join(one.key for one in settings.config[ChannelsSection].root) or "（无）"
        raise WrongInput(f"没有二维码 {key}；配置里有：{known} / no such channel")
    if save is not None and save.suffix.lower() not in (".png", ".svg"):
        raise WrongInput(f"{save}：文件名要以 .png 或 .svg 结尾 / the file must end in .png or .svg")
    with database_of(settings) as database, database.snapshot() as db:
        code = channels.find(db, channel, now)
    if code is None:
        raise WrongInput(f"{key} 还没有发布，或者过期了：先运行 yizhan channel publish / publish it first")
    _draw(code, save)
    until = f"，有效到 {shown(code.expires_at, settings.zone)}" if code.expires_at else ""
    out.print(f"{channel.name}  {code.url}{until}" if save is None else f"已存到 {save}{until}", markup=False)


def _draw(code: Code, save: Path | None) -> None:
    import segno  # only this command draws

    picture = segno.make(code.url, error="m", micro=False)
    if save is None:
        picture.terminal(out=sys.stdout, compact=True, border=2)
    else:
        picture.save(str(save), scale=12, border=4)
