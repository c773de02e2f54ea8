"""The variables of a reply: which there are, and what each stands for."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from handlers.routing import Context
from models import checkin, points
from models.config import check_placeholders, fill, placeholders
from models.level import level_of
from wechat.reply import cut

NAMES = ("name", "points", "streak", "level", "date", "weekday", "time")
_QUOTED = 90  # bytes: some thirty characters
_LITERAL = re.compile(r"\{\{\w+\}\}")


def of_some_places(name: str) -> bool:
    """Whether this variable is known only after a regex matched, or after a scan: replies.check says where it is not."""
    return name.startswith("match.") or name == "result"


def check_variables(text: str) -> str:
    """The text; raises the operator's error where it has a variable that is known nowhere."""
    for name in placeholders(text):
        if not of_some_places(name):
            check_placeholders(f"{{{name}}}", NAMES)
    return text


Told = Annotated[str, AfterValidator(check_variables)]
ReplyText = Annotated[Told, Field(min_length=1)]


def words(text: str, ctx: Context) -> str:
    """The text with its placeholders filled; only what it asks for is looked up."""
    wanted = set(placeholders(text))
    if not wanted and "{{" not in text:
        return text
    values = {name: _tame(_value(name, text, ctx)) for name in wanted}
    if ctx.trace is not None and values:
        ctx.explain("变量：" + "，".join(f"{{{name}}} = {values[name] or '（空）'}" for name in sorted(values)))
    return fill(text, values)


def _value(name: str, text: str, ctx: Context) -> object:
    local = ctx.said_at.astimezone(ctx.zone)
    match name:
        case "name":
            return _name(text, ctx)
        case "points":
            return points.balance(ctx.db, ctx.follower.id)
        case "streak":
            return checkin.current_streak(ctx.db, ctx.follower.id, ctx.zone, ctx.said_at)
        case "level":
            return level_of(ctx.db, ctx.config, ctx.follower.id)
        case "date":
            return f"{local.month}月{local.day}日"
        case "weekday":
            return f"星期{'一二三四五六日'[local.weekday()]}"
        case "result":
            return ctx.result
        case "time":
            return f"{local:%H:%M}"
    return ctx.match.get(name.removeprefix("match."))


def _tame(value: object) -> object:
    """What followers and codes bring along is text: `<a href=…>` in it would be a link to tap, in the account's name."""
    return value.replace("<", "＜") if isinstance(value, str) else value


def quoted(said: str) -> str:
    """What a follower wrote, as it is said back to them: the beginning of it, and no link."""
    return cut(said.replace("<", "＜"), _QUOTED)


def _name(text: str, ctx: Context) -> str | None:
    """What we call them. An operator who wrote `{name|朋友}` wants that rather than the name that tells nothing."""
    only_with_default = "{name}" not in _LITERAL.sub("", text)
    return ctx.follower.remark if only_with_default else ctx.follower.name
