"""The command replay: what an edited file would have answered to what followers really said."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text
from sqlalchemy import make_url

from app import live
from app import replay as replaying
from app.cli.options import ConfigOption, JsonOption, WrongInput, config_path, err, out, print_json
from app.config_file import secrets
from app.live import Version
from app.replay import Changes, Replayed
from app.spoken import standing
from models.clock import utc_now
from models.database import Database
from models.migrations import require_newest

_LONGEST = 200  # characters of an example


def replay(
    with_: Annotated[Path, typer.Option("--with", help="改过的文件", show_default=False)],
    days: Annotated[int, typer.Option(min=1, max=3650, help="最近几天的消息")] = 7,
    most: Annotated[int, typer.Option(min=1, help="最多重放多少条，取最近的")] = 100_000,
    limit: Annotated[int, typer.Option(min=1, help="最多列出多少种变化")] = 20,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """用改过的文件把最近真实的消息重放一遍，看哪些回复会变；什么都不改 / what an edit would change; changes nothing."""
    old, new = (live.version(path, tested=False) for path in (config_path(config), with_))
    with _database(old) as database, _progress() as told:
        found = replaying.replay(database, old, new, utc_now() - timedelta(days=days), most, told)
    groups = sorted(found.groups.values(), key=lambda group: -group.count)
    if as_json:
        print_json(_plain(found, groups[:limit], days, old, new))
        return
    for line in _summary(found, days):
        out.print(Text(line))
    for group in groups[:limit]:
        for text in _told(group, old, new):
            out.print(text)
    if len(groups) > limit:
        out.print(Text(f"\n还有 {len(groups) - limit} 种变化没有列出来：--limit {len(groups)}"))


@contextmanager
def _database(version: Version) -> Iterator[Database]:
    """The live database, to be read only. Raises NotMigrated, and WrongInput where there is none."""
    url = make_url(secrets(os.environ).database_url or version.settings.database)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise WrongInput("还没有数据库，也就没有消息可以重放 / there is no database yet, and nothing to replay")
    database = Database(url.render_as_string(hide_password=False))
    try:
        require_newest(database)
        yield database
    finally:
        database.close()


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    columns = (TextColumn("重放"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _summary(found: Replayed, days: int) -> Iterator[str]:
    if not found.messages:
        yield f"最近 {days} 天没有可以重放的消息"
    else:
        yield (
            f"最近 {days} 天 {found.messages:,} 条消息（{found.followers:,} 位粉丝）：{found.changed:,} 条的回复会变，"
            f"其中 {found.lost:,} 条会没有规则回答，{found.gained:,} 条从没有回答变成有"
        )
        yield f"{found.moved:,} 条换了规则、回复不变；现在的文件和当时的回答是同一条规则的有 {found.as_then / found.messages:.0%}"
    if found.bugs:
        yield f"改过的文件有 {found.bugs:,} 条让程序出错"
    if found.shortened or found.others:
        yield f"没有重放：{found.shortened:,} 条太长、没有存全，{found.others:,} 条不是粉丝发的"
    if found.cut:
        yield "消息太多，只重放了最近的；要更多用 --most"


def _place(version: Version, rule: str | None) -> str:
    place = _where(version, rule)
    return f"{rule or '没有规则'}{f'（{place}）' if place else ''}"


def _told(group: Changes, old: Version, new: Version) -> Iterator[Text]:
    lost = f"，其中 {group.lost:,} 条没有了回答" if group.lost else ""
    head = Text(f"\n{group.count:,} 条{lost}：", style="bold red" if group.lost else "bold")
    yield head.append(f"{_place(old, group.old)} → {_place(new, group.new)}", style="not bold")
    for words, before, after in group.examples:
        yield Text(f"  说：{_cut(words)}", style="cyan")
        yield Text(f"  原：{_cut(before)}")
        yield Text(f"  新：{_cut(after)}", style="green" if after is not None else "red")


def _cut(text: str | None) -> str:
    if text is None:
        return "（不回复）"
    line = text.strip().replace("\n", "⏎")
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"


def _plain(found: Replayed, groups: list[Changes], days: int, old: Version, new: Version) -> dict[str, object]:
    numbers = ("messages", "followers", "changed", "lost", "gained", "moved", "as_then", "bugs", "shortened", "others", "cut")
    return {
        "days": days,
        "versions": {"old": old.settings.config.version, "new": new.settings.config.version},
        **{name: getattr(found, name) for name in numbers},
        "kinds_of_change": len(found.groups),
        "groups": [
            {
                "old": {"rule": group.old, "place": _where(old, group.old)},
                "new": {"rule": group.new, "place": _where(new, group.new)},
                "count": group.count,
                "lost": group.lost,
                "examples": [{"said": words, "old": before, "new": after} for words, before, after in group.examples],
            }
            for group in groups
        ],
    }


def _where(version: Version, rule: str | None) -> str | None:
    return version.settings.where(standing(version.settings.config, rule)) if rule else None
