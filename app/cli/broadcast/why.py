"""`yizhan broadcast why KEY OPENID`: every way a broadcast could go to one follower, allowed or not, and the reason."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.broadcast.told import DELIVERY_WORDS, Name, cli, planned_of
from app.cli.options import ConfigOption, JsonOption, WrongInput, database_of, out, print_json, print_table, settings_of
from models import follower
from models.clock import utc_now
from models.push import WAY_NAMES
from models.route import PASSIVE
from models.why import Why
from models.why import why as why_of

_WAYS = {"": "—", PASSIVE: f"被动回复 {PASSIVE}", **{way: f"{name} {way}" for way, name in WAY_NAMES.items()}}


@cli.command()
def why(
    name: Name,
    openid: Annotated[str, typer.Argument(help="粉丝的 openid")],
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """现在发的话，这位粉丝走哪个通道、为什么；什么都不发 / which way to one follower, and why; sends nothing."""
    settings = settings_of(config)
    planned, _ = planned_of(settings, name)
    with database_of(settings) as database, database.snapshot() as db:
        person = follower.find(db, openid)
        if person is None:
            raise WrongInput(f"没见过粉丝 {openid} / no such follower")
        found = why_of(db, settings.config, planned, person.id, utc_now())
    if json:
        print_json(found)
        return
    out.print(_said(name, found), markup=False)
    rows = [(_WAYS[one.way], "可以" if one.allowed else "不行", one.reason) for one in found.verdicts]
    print_table(["通道", "行吗", "为什么"], rows, settings.zone)
    if found.last:
        reason = f"：{found.last.reason}" if found.last.reason else ""
        way = _WAYS[found.last.way or ""]
        out.print(f"最近一次：执行 {found.last.run}，{way}，{DELIVERY_WORDS[found.last.state]}{reason}", markup=False)


def _said(name: str, found: Why) -> str:
    if found.way is None:
        return f"{name} → 不发"
    otherwise = next((one.way for one in found.verdicts if one.allowed and one.way != PASSIVE), None)
    later = f"；没来说话就走 {_WAYS[otherwise]}" if found.way == PASSIVE and otherwise else ""
    return f"{name} → {_WAYS[found.way]}{later}"
