"""Commands about the menu: diff, publish."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from app import menu_shape
from app.cli.options import ConfigOption, JsonOption, WrongInput, database_of, out, print_json, settings_of
from app.config_file import Settings
from app.menu_shape import ForSome, Shape, UnknownTag
from handlers.menu import MenuSection

if TYPE_CHECKING:
    from wechat.client import Client

cli = typer.Typer(no_args_is_help=True, help="菜单：看看发布会改变什么、发布")

NO_MENU = "配置文件里没有 menu / the file has no menu"


T = TypeVar("T")


def ask(settings: Settings, work: Callable[[Client], Awaitable[T]]) -> T:
    """What `work` returns, given a client of the account. Raises MissingSecrets, PlatformError."""
    from app.cli.platform import client_of  # slow to import, and needed by no other command

    async def run() -> T:
        async with client_of(settings, database) as client:
            return await work(client)

    with database_of(settings) as database:
        return asyncio.run(run())


@dataclass(frozen=True)
class _Compared:
    now: Shape
    then: Shape
    tags: dict[int, str]
    console: list[menu_shape.Button]  # what was made by hand, if the API has made no menu yet

    @property
    def same(self) -> bool:
        return self.now == self.then


@cli.command()
def diff(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """发布会改变什么；什么都不做 / what publishing would change; changes nothing."""
    settings = settings_of(config)
    section = settings.config.get(MenuSection)
    if section is None:
        print_json({"menu": False}) if as_json else out.print(NO_MENU)
        return
    compared = ask(settings, lambda client: _compare(client, section))
    if as_json:
        print_json(_as_json(compared))
        return
    if compared.same:
        out.print("没有变化：平台上的菜单和配置文件一致")
        return
    if compared.console:
        out.print("公众平台里手工设置的菜单会被替换（先运行 yizhan import 可以留下它）：")
    shown = Shape(compared.now.default or compared.console, compared.now.conditional)
    for line in menu_shape.differences(shown, compared.then, compared.tags):
        out.print(line, markup=False, emoji=False, style={"+": "green", "-": "red"}.get(line[:1]))
    out.print("\n运行 yizhan menu publish 发布")


@cli.command()
def publish(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """把配置里的菜单发布到公众平台；没有变化就什么都不做 / make the platform's menus those of the file."""
    settings = settings_of(config)
    section = settings.config.get(MenuSection)
    if section is None:
        raise WrongInput(NO_MENU)
    done = ask(settings, lambda client: _publish(client, section, (lambda line: None) if as_json else out.print))
    if as_json:
        print_json(done)
    elif done["created"] or done["deleted"] or done["added"]:
        out.print("手机上的菜单五分钟之内刷新；重新关注可以马上看到 / phones refresh within five minutes")


async def _compare(client: Client, section: MenuSection) -> _Compared:
    found = await client.menu.get()
    now = menu_shape.of_platform(found)
    by_tag = any(menu.tag for menu in section.conditional) or any("tag_id" in menu.rule for menu in now.conditional)
    tags = await client.tag.names() if by_tag else {}
    try:
        then = menu_shape.of_file(section, tags)
    except UnknownTag as unknown:
        raise WrongInput(str(unknown)) from None
    return _Compared(now, then, tags, [] if now.default else menu_shape.of_console(await client.menu.current()))


async def _publish(client: Client, section: MenuSection, tell: Callable[[str], object]) -> dict[str, Any]:
    """Afterwards the platform's menus are exactly the file's. Stopped half-way, the next call does the rest."""
    compared = await _compare(client, section)
    created = compared.now.default != compared.then.default
    now = compared.now
    if created:
        await client.menu.create(compared.then.default)
        tell("默认菜单已发布")
        now = menu_shape.of_platform(await client.menu.get())  # nobody promises that the others are still there
    else:
        tell("默认菜单没有变化")
    gone, new = menu_shape.to_change(now.conditional, compared.then.conditional)
    for menu in gone:
        await client.menu.delete_conditional(menu.menuid)
        tell(f"已删除给 {menu_shape.whom(menu.rule, compared.tags)} 看的菜单")
    for menu in new:
        await client.menu.add_conditional(menu.buttons, menu.rule)
        tell(f"已发布给 {menu_shape.whom(menu.rule, compared.tags)} 看的菜单")
    return {"created": created, "deleted": len(gone), "added": len(new), "kept": len(now.conditional) - len(gone)}


def _as_json(compared: _Compared) -> dict[str, Any]:
    gone, new = menu_shape.to_change(compared.now.conditional, compared.then.conditional)
    return {
        "menu": True,
        "same": compared.same,
        "create": compared.now.default != compared.then.default,
        "default": {"now": compared.now.default, "then": compared.then.default},
        "console": compared.console,
        "delete": [_some(menu) for menu in gone],
        "add": [_some(menu) for menu in new],
    }


def _some(menu: ForSome) -> dict[str, Any]:
    return {"rule": dict(menu.rule), "buttons": menu.buttons}
