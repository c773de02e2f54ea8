"""The command about misses: what followers asked that nobody answered, put together, with what could be added for it."""

from __future__ import annotations

from datetime import timedelta
from itertools import islice
from typing import Annotated

import typer

from app.cli.options import ConfigOption, JsonOption, database_of, out, print_json, settings_of, shown
from app.config_file import Settings
from app.suggestion import Suggesting, Suggestion, file_of, plain, written
from models import miss
from models.clock import utc_now

_EXAMPLES = 5
_HEAD = """\
# yizhan misses：{days} 天里粉丝问了、没有人回答的。存成一个文件，在 config.yaml 里写 include；或者把 entries 下面的几条搬进 faq.entries。
# 把（请填写）都换成真正的回答，不想要的删掉；没有写完，检查会指出来，不会生效。
"""


def misses(
    days: Annotated[int, typer.Option(min=1, max=3650, help="最近几天")] = 7,
    least: Annotated[int, typer.Option("--min", min=1, help="几条以上才列出来")] = 2,
    most: Annotated[int, typer.Option(min=1, max=10_000, help="最多列几组")] = 30,
    as_yaml: Annotated[bool, typer.Option("--yaml", help="输出可以粘贴的问答条目")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """没听懂的话，归成组，附上可以粘贴的问答条目 / what nobody answered, grouped, with entries to paste; changes nothing."""
    settings, now = settings_of(config), utc_now()
    with database_of(settings) as database, database.snapshot() as db:
        found = miss.missed(db, now - timedelta(days=days))
    suggesting = Suggesting(settings.config)
    groups = suggesting.open(group for group in miss.grouped(found) if group.times >= least)
    suggestions = [suggesting.of(group) for group in islice((group for group in groups if group.times >= least), most + 1)]
    more, suggestions = len(suggestions) > most, suggestions[:most]
    if as_json:
        print_json({"days": days, "more": more, "groups": [_as_json(one, settings) for one in suggestions]})
    elif as_yaml:
        typer.echo(_HEAD.format(days=days) + file_of(suggestions), nl=False)
    else:
        _print(suggestions, more, settings)


def _print(suggestions: list[Suggestion], more: bool, settings: Settings) -> None:
    for number, one in enumerate(suggestions, 1):
        group = one.group
        asked_back = f"，{group.offered} 条问过“你是不是想问”没有选" if group.offered else ""
        _line(f"{number}. {plain(group.misses[0].text)}")
        _line(f"   {group.times} 条，{group.followers} 位粉丝，最近 {shown(group.last_at, settings.zone)}{asked_back}")
        if len(group.misses) > 1:
            _line(f"   还有：{'｜'.join(plain(miss.text) for miss in group.misses[1 : _EXAMPLES + 1])}")
        if one.nearest:
            place = settings.where(one.nearest.where)
            _line(f"   最近的：{one.nearest.kind}“{one.nearest.name}”（像 {one.score:.2f}{f'，{place}' if place else ''}）")
        _line("   " + written([one]).rstrip().replace("\n", "\n   "))
    if more:
        _line("还有更多，用 --most 看")
    if not suggestions:
        _line("没有要补的")


def _line(text: str) -> None:
    out.print(text, markup=False, emoji=False)


def _as_json(one: Suggestion, settings: Settings) -> dict[str, object]:
    nearest = one.nearest
    return {
        "times": one.group.times,
        "followers": one.group.followers,
        "last_at": one.group.last_at,
        "offered": one.group.offered,
        "texts": [{"text": miss.text, "times": miss.times} for miss in one.group.misses],
        "nearest": nearest and {"kind": nearest.kind, "name": nearest.name, "score": one.score, "place": settings.where(nearest.where)},
        "add_variants_to": one.belongs_to.name if one.belongs_to else None,
        "entry": one.entry(),
    }
