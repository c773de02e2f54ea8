"""积分 and 积分明细: every point can be asked for why it is there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection

from handlers.points import CAUSES
from models import points
from tests.conftest import Founded
from tests.people import BASIC, ROOT, World, first_number

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def lone(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    """A world on SQLite alone."""
    world = World(tmp_path, sqlite_url, BASIC.replace("points: {levels: {}}", "points: {levels: {}, statement: {lines: 3}}"))
    yield world
    world.close()


def test_every_line_says_when_how_much_why_and_what_was_left(found: Founded) -> None:
    world = found(BASIC.replace("points: {levels: {}}", "points: {levels: {}, expire: {months: 12}}"))
    wang = world.person("小王")
    assert wang.says("积分明细") == "还没有积分记录"
    wang.says("签到")
    world.moment("2026-11-22 09:00:00")
    for words in ("问卷", "满意", "9"):
        wang.says(words)
    with world.service.database.transaction() as db:
        points.adjust(db, 1, 30, "小赵", "活动 {补发}", world.at, "1")
        points.post(db, 1, -10, "shop:1", world.at)
        points.reverse(db, 1, world.at, by="小赵", reason="重复签到")
    assert wang.says("积分明细") == (
        "积分：40（明细第 1/1 页）\n"
        "11月22日 -5 撤回：签到（重复签到），余 40\n"
        "11月22日 -10 兑换礼品，余 45\n"
        "11月22日 +30 人工调整（活动 {补发}），余 55\n"
        "11月22日 +20 问卷奖励，余 25\n"
        "11月21日 +5 签到，余 5\n"
        "其中 10 积分有效期到 2027年11月30日"
    )
    assert first_number(wang.says("积分")) == 40


def test_what_came_before_is_on_the_next_page(lone: World) -> None:
    wang = lone.person("小王")
    wang.says("签到")
    with lone.service.database.transaction() as db:
        for number in range(6):
            points.post(db, 1, number + 1, f"gift:{number}", lone.at)
    first, second = wang.says("积分明细"), wang.says("积分明细 2")
    assert (
        first
        == "积分：26（明细第 1/3 页）\n11月21日 +6 gift，余 26\n11月21日 +5 gift，余 20\n11月21日 +4 gift，余 15\n回复“积分明细 2”看更早的"
    )
    assert second is not None
    assert second.endswith("+1 gift，余 6\n回复“积分明细 3”看更早的")
    for asked in ("积分明细3", "积分明细 ３", "积分明细 第3页", "积分明细第 3 页"):
        assert wang.says(asked) == "积分：26（明细第 3/3 页）\n11月21日 +5 签到，余 5"
    assert [wang.says(asked) for asked in ("积分明细 4", "积分明细 0", "积分明细 99999")] == ["明细一共 3 页"] * 3
    assert wang.says("积分明细表") == "没听懂"


def test_an_operator_names_the_causes_by_account_or_by_cause(lone: World) -> None:
    causes = 'replies: {causes: {checkin: 打卡, "survey:satisfaction": 满意度调查}, line: "|{amount} {cause}"}'
    lone.configure(BASIC.replace("points: {levels: {}}", "points: {levels: {}, " + causes + "}"))
    wang = lone.person("小王")
    for words in ("签到", "问卷", "满意", "9"):
        wang.says(words)
    with lone.service.database.transaction() as db:
        _post_some(db)
    said = wang.says("积分明细")
    assert said is not None
    assert said.split("|")[1:] == ["-1 过期", "+2 问卷奖励", "+20 满意度调查", "+5 打卡"]


def _post_some(db: Connection) -> None:
    points.post(db, 1, 2, "survey:another", NOW)
    points.post(db, 1, -1, "expiry:2026-11-21T16:00Z", NOW)


def test_every_account_that_the_code_names_has_a_word() -> None:
    """The first words of the causes that are written out where points are posted, given or earned."""
    verbs = {"points.post", "reward.grant", "earning.earn"}
    seen: set[str] = set()
    for path in [*(ROOT / "models").rglob("*.py"), *(ROOT / "handlers").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in verbs:
                for given in node.args:
                    first = given.values[0] if isinstance(given, ast.JoinedStr) else given
                    if isinstance(first, ast.Constant) and isinstance(first.value, str):
                        seen.add(first.value.partition(":")[0])
                seen |= {str(more.value.value) for more in node.keywords if more.arg == "account" and isinstance(more.value, ast.Constant)}
    assert {"shop", "survey", "checkin"} <= seen
    assert seen <= CAUSES.keys()
