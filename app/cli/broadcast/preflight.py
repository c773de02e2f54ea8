"""broadcast preflight: the sheet of one broadcast before it begins."""

from __future__ import annotations

from typing import Any

from app.cli.broadcast.told import Name, cli, planned_of
from app.cli.options import ConfigOption, JsonOption, database_of, out, print_json, print_table, settings_of
from app.logs import mask
from app.plan_words import ASSUMES, STAGES
from models import preflight
from models.clock import utc_now
from models.preflight import Sheet
from models.push import WAY_NAMES


@cli.command(name="preflight")
def preflight_(name: Name, config: ConfigOption = None, json: JsonOption = False) -> None:
    """发之前的检查单：谁收得到、内容的样子、配额、多久、谁批准；什么都不发 / who would get it, what they read, quota, duration; sends nothing."""
    settings, now = settings_of(config), utc_now()
    planned, _ = planned_of(settings, name)
    with database_of(settings) as database, database.snapshot() as db:
        sheet = preflight.sheet(db, settings.config, planned, now, crowd=10**9)
    if json:
        print_json(as_values(sheet))
        return
    _line(f"{ASSUMES}。")
    steps = [(STAGES[step.stage], step.left, -step.out if step.out else "") for step in sheet.waterfall]
    print_table(["", "人数", "少了"], steps, settings.zone)
    for reason, many in sheet.reasons.items():
        _line(f"  {reason}：{many} 人")
    for key, many in sheet.starved_by.items():
        _line(f"  没有 {key} 就能收到：{many} 人")
    _line(
        f"要发 {int(sheet.lasts.total_seconds())} 秒"
        + (f"，{sheet.begins.astimezone(settings.zone):%m-%d %H:%M} 开始" if sheet.begins else "")
    )
    for cost in sheet.costs:
        standing = cost.standing
        _line(
            f"{WAY_NAMES[standing.way]}：今天用了 {standing.used}，发完 {standing.used + cost.calls}，每天 {standing.most}（留 {standing.kept} 给 urgent）"
        )
    for problem in (sheet.offence, sheet.approval):
        if problem:
            _line(f"注意：{problem}")
    for one in sheet.near:
        _line(f"注意：和执行 {one.run}（{one.broadcast}）几乎一样，{one.likeness:.0%}")
    for sample in sheet.samples:
        said = [f"{key}：{text}" for key, text in (sample.message.data or {}).items()] + [sample.message.text, sample.message.url]
        _line(f"{mask(sample.follower.openid)} {WAY_NAMES[sample.way]}  " + "  ".join(filter(None, said)))


def as_values(sheet: Sheet) -> dict[str, Any]:
    """The sheet as JSON says it."""
    return {
        "assumes": ASSUMES,
        "waterfall": [step._asdict() for step in sheet.waterfall],
        "final": sheet.final,
        "ways": sheet.by_way,
        "reasons": sheet.reasons,
        "starved_by": sheet.starved_by,
        "begins": sheet.begins,
        "ends": sheet.ends,
        "seconds": sheet.lasts.total_seconds(),
        "samples": [
            {
                "follower": mask(one.follower.openid),
                "way": one.way,
                "data": dict(one.message.data or {}),
                "text": one.message.text,
                "url": one.message.url,
            }
            for one in sheet.samples
        ],
        "quotas": [
            {
                "way": one.standing.way,
                "before": one.standing.used,
                "after": one.standing.used + one.calls,
                "most": one.standing.most,
                "kept": one.standing.kept,
            }
            for one in sheet.costs
        ],
        "offence": sheet.offence,
        "approval": sheet.approval,
        "near": [{"run": one.run, "broadcast": one.broadcast, "likeness": one.likeness} for one in sheet.near],
    }


def _line(text: str) -> None:
    out.print(text, markup=False)
