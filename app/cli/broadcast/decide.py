"""broadcast pause, resume, cancel, approve, edit: what an operator decides about a run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from app import runs
from app.cli.broadcast.told import RUN_WORDS, Because, OverrideAs, RunId, cli, override_of
from app.cli.options import ConfigOption, WrongInput, database_of, out, settings_of, who
from models.approval import ContentChanged, NotApproved, NotYours
from models.broadcast import EditedMeanwhile, NotEditable, NothingToOverride, Unlawful
from models.clock import utc_now
from models.refusal import Refusal


@cli.command()
def pause(number: RunId, config: ConfigOption = None) -> None:
    """暂停 / pause."""
    _do(config, number, lambda db, by, now: runs.act(db, "pause", number, by, now), "已暂停")


@cli.command()
def resume(number: RunId, config: ConfigOption = None, override_as: OverrideAs = None, because: Because = None) -> None:
    """继续 / resume."""
    if (override := override_of(override_as, because)) is not None:
        _do(config, number, lambda db, by, now: runs.override(db, number, override, by, now), f"由 {override.by} 负责")
    _do(config, number, lambda db, by, now: runs.act(db, "resume", number, by, now), "已继续")


@cli.command()
def cancel(number: RunId, config: ConfigOption = None) -> None:
    """取消，不再继续发 / cancel."""
    _do(config, number, lambda db, by, now: runs.act(db, "cancel", number, by, now), "已取消")


@cli.command()
def approve(number: RunId, config: ConfigOption = None) -> None:
    """批准别人发起的执行，马上开始发 / approve a run somebody else began; it is sent at once."""
    _do(config, number, lambda db, by, now: runs.approve(db, number, None, by, now), "已批准")


@cli.command()
def edit(number: RunId, config: ConfigOption = None) -> None:
    """还没发的，换成配置里现在的内容；已经发出去的不变 / what is not begun gets the content of the file."""
    settings = settings_of(config)

    def verb(db: Connection, by: str, now: datetime) -> None:
        try:
            runs.edit(db, settings.config, number, by, now)
        except KeyError as gone:
            raise WrongInput(f"配置里没有群发 {gone.args[0]} 了，或者这是测试 / the file does not have it, or this is a test") from None

    _do(config, number, verb, "换成了配置里现在的内容")


def _do(config: ConfigOption, number: int, verb: Callable[[Connection, str, datetime], None], done: str) -> None:
    with database_of(settings_of(config)) as database:
        try:
            with database.transaction() as db:
                verb(db, who(), utc_now())
        except Refusal as refused:
            raise WrongInput(f"执行 {number}：{_why(refused)}") from None
    out.print(f"执行 {number} {done}")


def _why(refused: Refusal) -> str:
    match refused:
        case NotApproved():
            return f"还没有批准：{refused.details['reason']}；由另一位运行 approve / it waits for an approval"
        case NotYours():
            return "自己发起的，要另一位来批准 / you began it: somebody else has to approve it"
        case Unlawful():
            return f"{refused.details['offence']}；确实要发：resume {refused.details.get('run', '')} --override-as 名字 --because 理由"
        case NothingToOverride():
            return "没有违反规则，或者已经有人负责了 / it breaks no rule, or somebody answers for it already"
        case NotEditable():
            return f"{refused.details['what']} 不能中途改：取消这一次，再重新发 / this cannot be edited: cancel, and run it anew"
        case EditedMeanwhile():
            return "刚刚有人也在改，再试一次 / somebody else edited it a moment ago"
        case ContentChanged():
            return "内容刚刚改过，再看一眼 / it has just changed: look again"
    state = refused.details.get("state")
    return f"现在是 {RUN_WORDS.get(str(state), state)}" if state else "没有这个执行 / there is no such run"
