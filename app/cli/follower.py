"""Commands about followers: show, sync."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn
from sqlalchemy import select

from app import config_file
from app.cli.options import ConfigOption, JsonOption, WrongInput, database_of, err, out, print_json, settings_of, shown
from app.config_file import Settings
from app.secrets import MissingSecrets
from app.token_store import DatabaseTokenStore
from models import checkin, follower, level, points, topic
from models.clock import utc_now
from models.database import Database
from models.follower import Described, followers
from wechat.errcodes import PlatformError

if TYPE_CHECKING:
    from wechat.client import Client

cli = typer.Typer(no_args_is_help=True, help="粉丝：查看、从平台同步")

PAGE = 100  # user/info/batchget takes at most so many


@cli.command()
def show(openid: Annotated[str, typer.Argument()], config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """一位粉丝的状态 / what we know of one follower."""
    settings = settings_of(config)
    with database_of(settings) as database, database.snapshot() as db:
        row = db.execute(select(followers).where(followers.c.openid == openid)).one_or_none()
        if row is None:
            raise WrongInput("没有这位粉丝 / no such follower")
        facts: dict[str, object] = dict(row._mapping)
        facts["tags"] = sorted(follower.tags_of(db, row.id))
        facts["points"] = points.balance(db, row.id)
        facts["level"], facts["growth"] = level.level_of(db, settings.config, row.id), points.balance(db, row.id, points.GROWTH)
        facts["topics"] = topic_history = topic.history(db, row.id)
        facts["streak"] = checkin.current_streak(db, row.id, settings.zone, utc_now())
    if as_json:
        print_json(facts)
        return
    told = [
        f"{one['topic']}（{shown(one['since'], settings.zone)}“{one['said']}”{'，已退订' if one['until'] else ''}）"
        for one in topic_history
    ]
    for name, value in (facts | {"topics": "、".join(told)}).items():
        out.print(f"{name}: {shown(value, settings.zone)}", markup=False)


@cli.command()
def sync(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """从平台拉取全部粉丝、标签和关注状态 / pull openids, tags and subscription."""
    settings = settings_of(config)
    with database_of(settings) as database:
        found = asyncio.run(_sync(settings, database))
    if as_json:
        print_json(found)
    else:
        out.print(f"同步完成：{found['followers']} 位粉丝，{found['tags']} 个标签，{found['left']} 位已取消关注")


async def _sync(settings: Settings, database: Database) -> dict[str, int]:
    """Reads the whole list, then who is on it; killed anywhere, the next sync starts over and harms nothing."""
    secret = config_file.secrets(os.environ).app_secret
    if not secret:
        raise MissingSecrets(["YIZHAN_APP_SECRET"])
    from wechat.client import Client  # its HTTP library is slow to import, and only this command needs it

    account, started = settings.account, utc_now()
    store = DatabaseTokenStore(database, account.app_id, utc_now)
    openids: list[str] = []
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), console=err) as progress:
        task = progress.add_task("读取名单")
        async with Client(app_id=account.app_id, secret=secret, api_base=account.api_base, store=store, clock=utc_now) as client:
            async for page in client.follower.openids():
                await database.run(lambda db, page=page: follower.listed(db, page, started))  # type: ignore[misc]
                openids += page
                progress.update(task, description=f"读取名单 {len(openids)}")
            left = await database.run(lambda db: follower.sync_finished(db, started))
            tags = await _tags(client, database)
            for at in range(0, len(openids), PAGE):
                details = await client.follower.details(openids[at : at + PAGE])
                people = [Described(one.openid, one.tag_ids, one.scene, one.remark, one.code) for one in details if one.subscribed]
                await database.run(lambda db, people=people: follower.described(db, people))  # type: ignore[misc]
                progress.update(task, description=f"读取资料 {at + len(details)}/{len(openids)}")
    return {"followers": len(openids), "tags": tags, "left": left}


async def _tags(client: Client, database: Database) -> int:
    try:
        names = await client.tag.names()
    except PlatformError as refused:
        err.print(f"读不到标签名，只能用编号：{refused}", markup=False)
        return 0
    await database.run(lambda db: follower.know_tags(db, names))
    return len(names)
