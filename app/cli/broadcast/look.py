"""broadcast list, preview, status: what is planned, what it would be, and how far it is."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, select

from app.cli.broadcast.told import DELIVERY_WORDS, LIST_WORDS, Name, RunId, as_json, cli, planned_of, state_of, totals_of
from app.cli.options import ConfigOption, JsonOption, WrongInput, database_of, out, print_json, print_table, settings_of
from models import broadcast, mass, message, schedule
from models.broadcast import BroadcastsSection, UnknownRun
from models.clock import utc_now
from models.follower import Follower, followers
from models.segment import understand


@cli.command(name="list")
def list_(config: ConfigOption = None, json: JsonOption = False) -> None:
    """配置里的群发和最近的执行 / what is planned and the newest runs."""
    settings, now = settings_of(config), utc_now()
    planned = settings.config[BroadcastsSection].root
    with database_of(settings) as database, database.snapshot() as db:
        newest = broadcast.newest(db, 20)
    coming = [(one, one.cron and schedule.next_due(one.cron, settings.zone, now)) for one in planned]
    if json:
        plans = [{"key": one.key, "segment": one.segment, "cron": one.cron, "next": due} for one, due in coming]
        print_json({"broadcasts": plans, "runs": [as_json(run) for run in newest]})
        return
    print_table(
        ["代号", "人群", "cron", "下次", ""],
        [(one.key, one.segment, one.cron, due, _DRAFTS.get(one.state or "")) for one, due in coming],
        settings.zone,
    )
    if newest:
        out.print()
        print_table(
            ["编号", "代号", "应发时间", "状态", "计数"],
            [
                (
                    r.id,
                    r.broadcast,
                    r.due_at,
                    state_of(r, settings.zone),
                    " ".join(f"{state} {many}" for state, many in totals_of(r).items()),
                )
                for r in newest
            ],
            settings.zone,
        )


_DRAFTS = {"draft": "草稿，不会发", "review": "待审，发之前要批准"}


@cli.command()
def preview(name: Name, config: ConfigOption = None, json: JsonOption = False) -> None:
    """会发给多少人、内容长什么样；什么都不发 / how many, and what they would read; sends nothing."""
    settings, now = settings_of(config), utc_now()
    planned, where = planned_of(settings, name)
    with database_of(settings) as database, database.snapshot() as db:
        (number, _), sample = broadcast.reach(db, where, now), _sample(db, where, now)
        way = "template" if planned.template else planned.ways[0]
        (said,) = message.preview(db, settings.config, planned, [sample or Follower(0, "", True, True, "粉丝")], way, now)
    data = dict(said.data or {})
    if json:
        told = {"broadcast": name, "segment": planned.segment, "targets": number, "template": planned.template, "data": data}
        print_json(told | ({"text": said.text} if said.text else {}))
        return
    out.print(f"{name} → 人群 {planned.segment}（{where}）：{number} 人", markup=False)
    for key, text in data.items():
        out.print(f"  {key}：{text}", markup=False)
    for line in said.text.splitlines():
        out.print(f"  {line}", markup=False)


def _sample(db: Connection, where: str, now: datetime) -> Follower | None:
    columns = (followers.c.id, followers.c.openid, followers.c.remark)
    row = db.execute(select(*columns).where(followers.c.subscribed, understand(where)(now)).limit(1)).one_or_none()
    return row and Follower(row.id, row.openid, True, True, row.remark)


@cli.command()
def status(number: RunId, config: ConfigOption = None, json: JsonOption = False) -> None:
    """一次执行的状态：各状态多少人、为什么 / how many are in which state, and why."""
    settings = settings_of(config)
    with database_of(settings) as database, database.snapshot() as db:
        try:
            found = broadcast.status(db, number)
        except UnknownRun:
            raise WrongInput(f"没有执行 {number} / there is no run {number}") from None
        lists = mass.lists(db, number)
    if json:
        print_json(as_json(found) | ({"mass_lists": [asdict(one) for one in lists]} if lists else {}))
        return
    out.print(f"执行 {found.id} {found.broadcast}：{state_of(found, settings.zone)}", markup=False)
    rows = [(DELIVERY_WORDS.get(state, state), reason, many) for state, reason, many in found.counts]
    print_table(["状态", "原因", "人数"], rows, settings.zone)
    if lists:
        out.print()
        told = [(one.id, LIST_WORDS[one.state], one.reason, one.size, one.filter_count, one.sent_count, one.error_count) for one in lists]
        print_table(["名单", "状态", "原因", "人数", "过滤后", "送达", "失败"], told, settings.zone)
