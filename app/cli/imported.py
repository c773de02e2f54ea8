"""The command `import`: the account's present menu and auto-replies as a config.yaml of ours."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic_core import PydanticCustomError

from app import carry_over, config_file, live, menu_shape, yaml_text
from app.carry_menu import Carrier
from app.carry_over import Media
from app.cli.menu import ask
from app.cli.options import ConfigOption, WrongInput, err, out, settings_of
from app.cli.rules import without_password
from app.config_file import Settings
from app.menu_shape import ForSome
from app.yaml_text import Piece, remarks_of
from handlers.keyword import Matcher
from handlers.routing import normal
from models import media as files
from wechat.errcodes import PlatformError

if TYPE_CHECKING:
    from wechat.client import Client

FOLDER = "imported-media"
_HEAD = """\
从公众平台导入（yizhan import）。打开服务器配置以后，公众平台里的自动回复和菜单不再生效，由这个文件接替。
先看一遍：yizhan check；再发布菜单：yizhan menu diff、yizhan menu publish"""
_SHORT_LIVED = "图片和语音的 media_id 三天后失效；写进文件（-o）时会把它们存在旁边"
_FALLBACK = "公众平台一小时只回复一次，这里每次都回复"


@dataclass
class _Found:
    """What the platform told."""

    console: dict[str, Any]
    replies: dict[str, Any]
    conditional: list[ForSome]
    tags: dict[int, str]
    downloads: dict[str, bytes] = field(default_factory=dict)  # by media_id
    videos: dict[str, str] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)


def import_(
    output: Annotated[Path | None, typer.Option("-o", "--output", help="写进哪个文件；不写就打印出来", show_default=False)] = None,
    force: Annotated[bool, typer.Option("--force", help="文件已经有了也覆盖")] = False,
    config: ConfigOption = None,
) -> None:
    """把公众平台里现有的菜单和自动回复变成配置文件 / the account's present menu and auto-replies as YAML."""
    if output is not None and output.exists() and not force:
        raise WrongInput(f"{output} 已经有了；换个名字，或加 --force 覆盖 / it exists already; --force overwrites it")
    settings = settings_of(config)
    found = ask(settings, _fetch)
    with TemporaryDirectory(prefix="yizhan-") as nowhere:
        folder = output.parent if output is not None else Path(nowhere)
        names, kept = _keep(found, folder) if output is not None else ({}, {})
        if output is None and found.downloads:
            found.lost.append(_SHORT_LIVED)
        text, remarks = _written(settings, found, Media(names, found.videos), kept)
        _save(text, output, folder)
    for remark in [*found.lost, *remarks]:
        err.print(f"注意：{remark}", markup=False, emoji=False)
    if output is None:
        typer.echo(text, nl=False)
    else:
        out.print(f"已写入 {output}，{len(remarks) + len(found.lost)} 处要留意 / written", markup=False, emoji=False)


async def _fetch(client: Client) -> _Found:
    console, replies = await client.menu.current(), await client.menu.auto_replies()
    menus = menu_shape.of_platform(await client.menu.get())
    tags = await client.tag.names() if any("tag_id" in menu.rule for menu in menus.conditional) else {}
    found = _Found(console, replies, list(menus.conditional), tags)
    for kind, media_id in dict.fromkeys(carry_over.media_of([console, replies])):
        try:
            if kind == "video":
                found.videos[media_id] = await client.media.video_url(media_id)
            else:
                found.downloads[media_id] = await client.media.get(media_id)
        except PlatformError as refused:
            found.lost.append(f"素材 {media_id} 下载不了：{refused}")
    return found


def _keep(found: _Found, folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """The downloaded files lie in the folder under names of their content; media_id → name, and name → file. What does not fit stays out."""
    names: dict[str, str] = {}
    kept: dict[str, str] = {}
    for media_id, content in found.downloads.items():
        try:
            medium = files.understand("", content)
        except PydanticCustomError as bad:
            found.lost.append(f"素材 {media_id} 不能存成文件：{(bad.context or {}).get('zh')}")
            continue
        if medium.format == "gif":  # which no reply may be
            found.lost.append(f"素材 {media_id} 是 GIF，不能用来回复")
            continue
        file = f"{FOLDER}/{hashlib.sha256(content).hexdigest()[:12]}.{medium.format}"
        (folder / FOLDER).mkdir(exist_ok=True)
        (folder / file).write_bytes(content)
        names[media_id] = next((name for name, known in kept.items() if known == file), f"导入的素材{len(kept) + 1}")
        kept[names[media_id]] = file
    return names, kept


def _written(settings: Settings, found: _Found, media: Media, kept: dict[str, str]) -> tuple[str, list[str]]:
    """The file, and the remarks in it."""
    replies, zone = found.replies, settings.zone
    welcome = carry_over.single("关注后的回复", replies.get("add_friend_autoreply_info"), replies.get("is_add_friend_reply_open"), media)
    fallback = carry_over.single("收到消息的回复", replies.get("message_default_autoreply_info"), replies.get("is_autoreply_open"), media)
    rules = carry_over.rules(replies.get("keyword_autoreply_info"), media, zone)
    matcher, triggers = Matcher(carry_over.section_of(rules)), carry_over.triggers_of(zone)
    carrier = Carrier(media, lambda words: normal(words) in triggers or bool(matcher.candidates(words.strip())))
    parts: dict[str, Any] = {**_account(settings)}
    if kept:
        parts["media"] = kept
    if welcome is not None:
        parts["welcome"] = Piece(welcome.value and {"reply": welcome.value}, welcome.remarks)
    parts["keywords"] = _keywords(rules, fallback)
    parts["menu"] = _menu(found, carrier)
    body = "\n".join(yaml_text.section(key, value) for key, value in parts.items() if value is not None)
    return yaml_text.comments([_HEAD], "") + "\n" + body, list(remarks_of(parts))


def _account(settings: Settings) -> dict[str, Any]:
    url = config_file.secrets(os.environ).database_url
    database = without_password(url or settings.database)
    return {"account": settings.account.model_dump(mode="json"), "timezone": str(settings.zone), "database": database}


def _keywords(rules: list[Piece], fallback: Piece | None) -> Piece | None:
    """The section; what is left of rules that none became stands above it."""
    value: dict[str, Any] = {}
    living = any(rule.value is not None for rule in rules)
    remarks = [] if living else [remark for rule in rules for remark in rule.remarks]
    if living:
        value["rules"] = rules
    if fallback is not None and fallback.value is not None:
        value["fallback"] = Piece(fallback.value, [*fallback.remarks, _FALLBACK])
    elif fallback is not None:
        remarks += fallback.remarks
    return Piece(value or None, remarks) if value or remarks else None


def _menu(found: _Found, carrier: Carrier) -> Piece | None:
    if not found.console.get("is_menu_open"):
        hidden = menu_shape.plain((found.console.get("selfmenu_info") or {}).get("button") or ())
        lines = list(menu_shape.tree(hidden, "  "))
        return Piece(None, ["菜单在公众平台里是关着的，没有带过来：", *lines]) if lines else None
    buttons = carrier.buttons((found.console.get("selfmenu_info") or {}).get("button"))
    some = carrier.conditional(found.conditional, found.tags)
    if not any(button.value is not None for button in buttons):
        remarks = list(remarks_of([*buttons, *some]))
        return Piece(None, remarks) if remarks else None
    value: dict[str, Any] = {"buttons": buttons}
    if any(menu.value is not None for menu in some):
        value["conditional"] = some
        return Piece(value)
    return Piece(value, [remark for menu in some for remark in menu.remarks])


def _save(text: str, output: Path | None, folder: Path) -> None:
    """The file is there whole and passes the check, or is not there. Raises BadConfig."""
    draft = folder / f".{output.name if output is not None else 'imported'}.draft"
    draft.write_text(text, "utf-8")
    try:
        live.read(draft)
        if output is not None:
            os.replace(draft, output)
    finally:
        draft.unlink(missing_ok=True)
