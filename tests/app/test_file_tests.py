"""Tests in the file: what they can say, where they fail, and that a file whose own tests fail is not taken."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from app import file_tests, live
from app.config_file import BadConfig
from app.live import Live
from app.scratch import scratch
from models.base import metadata
from models.follower import find, seen
from models.holiday import holiday, workday
from tests.app.conftest import Typed
from tests.app.test_live import swap
from tests.app.test_live_town import Talk, rules
from tests.conftest import Founded
from tests.people import SHIPPED, Town, account, openid, wait_until

NOON = datetime(2026, 11, 21, 4, tzinfo=UTC)

RULES = """
keywords:
  rules:
    - {name: 营业时间, when: {contains: [几点开门]}, reply: "每天 9:00–21:00 营业"}
    - {name: 夜里, when: {exact: [人工], from: "21:00", to: "09:00"}, reply: "客服睡了，{name}"}
    - {name: 白天, when: {exact: [人工]}, reply: {handoff: true}}
    - {name: 周末, when: {exact: [周末], days: [sat, sun]}, reply: 周末愉快}
    - {name: 权益, when: {exact: [权益], level: 金卡, tags: [上海]}, reply: "金卡 {points} 分"}
    - {name: 抽奖, when: {exact: [抽奖], probability: 30%}, reply: 中了}
    - name: 帮助
      when: {exact: [帮助]}
      reply:
        menu:
          title: 想问什么？
          choices:
            - {name: 退换货, menu: {title: 哪一种？, choices: [{name: 退货, reply: 七天内}, {name: 换货, reply: 十五天内}]}}
            - {name: 几点开门, say: 几点开门}
    - {name: 补充, when: {exact: [等等]}, reply: {text: 稍等, then: [{after: 30s, reply: "{name}，好了"}]}}
  fallback: 没听懂
welcome: {reply: 欢迎, returning: 欢迎回来}
channels: [{key: store_01, name: 一号店, reply: 一号店欢迎你}]
checkin: {rules: {points: 5, streak_bonus: {7: 20}}}
points: {levels: {银卡: 100, 金卡: 500}}
menu: {buttons: [{name: 签到, say: 签到}, {name: 联系我们, reply: 电话 400}, {name: 扫码, scan: {reply: "扫到 {result}"}}]}
surveys:
  - {key: s, title: 调查, triggers: [问卷], questions: [{key: q, ask: 好吗？, choices: [好, 不好]}]}
"""


def write(folder: Path, tests: str, rules: str = RULES) -> Path:
    path = folder / "config.yaml"
    path.write_text(account() + rules + "tests:\n" + tests, "utf-8")
    return path


def complaints(path: Path, lang: str = "zh") -> list[str]:
    """What `check` would print of the file's errors, without its folder."""
    try:
        live.version(path)
    except BadConfig as bad:
        return bad.render(lang).replace(f"{path.parent}/", "").splitlines()
    return []


GOOD = """
  - {name: 一句话就是原样相等, says: 请问几点开门, expects: 每天 9:00–21:00 营业}
  - {name: 夜里, at: "22:00", follower: {name: 小王}, says: 人工, expects: {equals: "客服睡了，小王", rule: 夜里}}
  - {name: 白天, says: 人工, expects: {kind: handoff, rule: 白天}}
  - {name: 周六, at: "sat 12:00", says: 周末, expects: 周末愉快}
  - {name: 某一天, at: "2026-11-28 12:00", says: 周末, expects: {contains: [周末, 愉快], lacks: 没听懂, matches: "^周末..$"}}
  - {name: 工作日, says: 周末, expects: {rule: fallback}}
  - {name: 金卡, follower: {tags: [上海, 老客], level: 金卡}, says: 权益, expects: 金卡 500 分}
  - {name: 积分多些, follower: {tags: [上海], points: 812}, says: 权益, expects: 金卡 812 分}
  - {name: 不是上海, follower: {level: 金卡}, says: 权益, expects: {rule: fallback, lacks: 金卡}}
  - {name: 抽中, luck: 29%, says: 抽奖, expects: 中了}
  - {name: 一定抽中, luck: 0, says: 抽奖, expects: 中了}
  - {name: 没抽中, luck: 0.3, says: 抽奖, expects: {one_of: [没听懂, 不懂]}}
  - {name: 新关注, follows: true, expects: {equals: 欢迎, rule: welcome}}
  - {name: 又回来, follower: {following_since: 30d}, follows: true, expects: 欢迎回来}
  - {name: 扫码来, scans: store_01, expects: 一号店欢迎你}
  - {name: 位置上报没有回复, event: LOCATION, expects: {nothing: true}}
  - {name: 图片, sends: image, expects: {nothing: false, rule: fallback}}
  - name: 连续签到
    follower: {streak: 6}
    turns:
      - {says: 签到, expects: {contains: 连续 7 天}}
      - {presses: 签到, expects: {contains: 已经签到}}
      - {after: 1d, presses: 签到, expects: {matches: '连续 8 天，\\+5', rule: checkin}}
      - {says: 积分, expects: {contains: "积分：30"}}
  - name: 菜单
    turns:
      - {presses: 联系我们, expects: 电话 400}
      - {presses: "reply:联系我们", expects: {rule: menu}}
      - {presses: 扫码, result: "6901234", expects: 扫到 6901234}
  - name: 聊天菜单
    turns:
      - {says: 帮助, expects: "想问什么？\\n1. 退换货\\n2. 几点开门\\n回复数字或点一下"}
      - {taps: "2", expects: {rule: 营业时间}}
      - {says: 帮助}
      - {taps: 退换货, expects: {contains: 哪一种}}
      - {taps: 换货, expects: 十五天内}
      - {says: 帮助}
      - {says: "1", expects: {contains: 退货}}
  - {name: 补发, follower: {name: 小王}, says: 等等, expects: {equals: 稍等, then: 小王，好了}}
  - name: 问卷占着话头
    turns:
      - {says: 问卷, expects: {contains: 好吗}}
      - {says: 几点开门, expects: {contains: 没有这个选项}}
      - {says: "1", expects: {contains: 谢谢}}
      - {says: 几点开门, expects: {rule: 营业时间}}
"""


def test_every_kind_of_test_passes_where_the_file_does_what_it_says(tmp_path: Path) -> None:
    assert complaints(write(tmp_path, GOOD)) == []


def test_the_outcome_is_the_same_whenever_and_how_often_it_runs(tmp_path: Path) -> None:
    version = live.version(write(tmp_path, GOOD + "  - {name: 随缘, says: 抽奖, expects: 中了}\n"), tested=False)
    first = file_tests.run(version)
    assert all(file_tests.run(version) == first for _ in range(3))


@pytest.mark.parametrize(
    ("test", "said"),
    [
        (
            "{name: 关门, says: 几点开门, expects: ^每天 9:00 营业}",
            "测试“关门”没通过：应该回复“每天 9:00 营业”，实际回复“每天 9:00–21:00 营业”（keywords:营业时间，config.yaml:6）",
        ),
        (
            "{name: 谁, says: 几点开门, expects: {contains: [营业], rule: ^夜里}}",
            "测试“谁”没通过：应该由“夜里”回复，实际回复“每天 9:00–21:00 营业”（keywords:营业时间，config.yaml:6）",
        ),
        ("{name: 静, event: LOCATION, expects: ^你好}", "测试“静”没通过：应该回复“你好”，实际没有回复"),
        (
            "{name: 轮, turns: [{says: 签到}, {after: 1d, says: 签到, expects: {matches: ^连续 5 天}}]}",
            "测试“轮”第 2 轮没通过：回复应该匹配 连续 5 天，"
            "实际回复“签到成功，连续 2 天，+5 积分，共 10”（checkin.triggers.0，config.yaml:24）",
        ),
        (
            "{name: 缺, says: 乱, expects: {lacks: ^[懂了, 没听懂]}}",
            "测试“缺”没通过：回复里不该有“没听懂”，实际回复“没听懂”（keywords:fallback，config.yaml:21）",
        ),
        (
            "{name: 选, says: 乱, expects: {one_of: ^[甲, 乙]}}",
            "测试“选”没通过：应该回复 one_of 里的一句（共 2 句），实际回复“没听懂”（keywords:fallback，config.yaml:21）",
        ),
        (
            "{name: 全, says: 几点开门, expects: {contains: ^[营业, 休息]}}",
            "测试“全”没通过：回复里应该有“休息”，实际回复“每天 9:00–21:00 营业”（keywords:营业时间，config.yaml:6）",
        ),
        (
            "{name: 后, says: 等等, expects: {then: ^[好了, 再见]}}",
            "测试“后”没通过：之后补发的第 2 条里应该有“再见”，实际回复“稍等”（keywords:补充，config.yaml:20）",
        ),
        (
            "{name: 有, says: 人工, expects: {kind: ^text}}",
            "测试“有”没通过：应该回复 text，实际回复“【转人工客服】”（keywords:白天，config.yaml:8）",
        ),
        (
            "{name: 无, says: 乱, expects: {nothing: ^true}}",
            "测试“无”没通过：应该不回复，实际回复“没听懂”（keywords:fallback，config.yaml:21）",
        ),
    ],
)
def test_a_test_that_fails_is_an_error_at_what_it_expects_and_tells_what_came_and_from_which_line(
    tmp_path: Path, test: str, said: str
) -> None:
    before, _, after = test.partition("^")  # the caret stands where the complaint points
    path = write(tmp_path, f"  - {{name: 前面的, says: 周末, expects: 没听懂}}\n\n  - {before}{after}\n")
    line = len(path.read_text("utf-8").splitlines())
    assert complaints(path) == [f"config.yaml:{line}:{len(before) + 5}: {said}"]


def test_failures_are_told_in_english_too(tmp_path: Path) -> None:
    path = write(tmp_path, "  - {name: a, says: 乱, expects: b}\n")
    assert complaints(path, "en")[0].endswith("test 'a' failed: expected “b”; the reply was “没听懂” (keywords:fallback, config.yaml:21)")


def test_of_one_conversation_only_the_first_wrong_turn_is_told(tmp_path: Path) -> None:
    path = write(tmp_path, "  - {name: a, turns: [{says: 乱, expects: b}, {says: 乱, expects: c}]}\n  - {name: b, says: 乱, expects: c}\n")
    assert len(complaints(path)) == 2


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ("{name: a, expects: b}", "要有且只有一件事"),
        ("{name: a, says: b, sends: image, expects: c}", "要有且只有一件事"),
        ("{name: a, says: b}", "测试里没有 expects"),
        ("{name: a, turns: [{says: b}]}", "测试里没有 expects"),
        ("{name: a, says: b, turns: [{says: b, expects: c}]}", "有 turns 就不要再写"),
        ("{name: a, says: b, expects: {}}", "expects 里至少写一样"),
        ("{name: a, says: b, expects: {contain: c}}", "你是不是想写 “contains”"),
        ("{name: a, says: b, expects: {matches: '('}}", "不能用：missing )"),
        ("{name: a, says: b, expects: {rule: 营业时刻}}", "没有规则“营业时刻”；你是不是想写“营业时间”？"),
        ("{name: a, presses: 联系, expects: b}", "菜单里没有按钮“联系”；你是不是想写“联系我们”？"),
        ("{name: a, follower: {level: 银咔}, says: b, expects: c}", "没有等级 银咔；你是不是想写 银卡？"),
        ("{name: a, follower: {level: 银卡, points: 600}, says: b, expects: c}", "600 积分的等级是 金卡，不是 银卡"),
        ("{name: a, follower: {following_since: 昨天}, says: b, expects: c}", "关注了多久要写成 30d"),
        ("{name: a, at: 昨天, says: b, expects: c}", "时间要写成"),
        ("{name: a, at: '2026-13-01 10:00', says: b, expects: c}", "时间要写成"),
        ("{name: a, says: b, after: 明天, expects: c}", "过多久要写成"),
    ],
)
def test_a_test_that_cannot_be_one_is_refused_with_what_to_write(tmp_path: Path, test: str, said: str) -> None:
    found = complaints(write(tmp_path, f"  - {test}\n"))
    assert any(said in line for line in found), found
    assert "没通过" not in "".join(found)


def test_tests_of_included_files_run_too_and_fail_there(tmp_path: Path) -> None:
    path = write(tmp_path, "  - {name: a, says: 乱, expects: 没听懂}\n", f"{RULES}include: [more.yaml]\n")
    (tmp_path / "more.yaml").write_text("tests:\n  - {name: b, says: 乱, expects: 懂}\n", "utf-8")
    assert [line.split(": ")[0] for line in complaints(path)] == ["more.yaml:2:33"]


def test_a_defect_in_a_feature_is_a_failed_test_and_not_the_end_of_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("models.checkin.check_in", broken)
    found = complaints(write(tmp_path, "  - {name: a, says: 签到, expects: b}\n  - {name: b, says: 乱, expects: 没听懂}\n"))
    assert len(found) == 1
    assert "程序出错：RuntimeError: broken on purpose" in found[0]


def test_check_runs_the_tests_and_says_how_many_passed(typed: Typed) -> None:
    path = write(Path(), GOOD)
    code, out, _ = typed("check")
    assert code == 0
    assert "，22 个测试全部通过" in out
    assert ", 22 tests passed" in typed("check", "--lang", "en")[1]
    path.write_text(path.read_text("utf-8").replace("周末愉快}", "周末好}", 1), "utf-8")
    code, out, _ = typed("check")
    assert code == 1
    assert "测试“周六”没通过" in out


def test_try_works_with_a_file_whose_tests_fail(typed: Typed) -> None:
    write(Path(), "  - {name: a, says: 乱, expects: 懂}\n")
    assert typed("try", "乱")[:2] == (0, "没听懂\n")


def test_a_file_whose_own_tests_fail_is_not_swapped_in(tmp_path: Path) -> None:
    path = write(tmp_path, "  - {name: a, says: 几点开门, expects: {contains: 营业}}\n")
    now = Live(path)
    good = now.current
    path.write_text(path.read_text("utf-8").replace("21:00 营业", "21:00 开着"), "utf-8")
    now.refresh()
    assert now.current is good
    assert "测试“a”没通过" in now.errors[0]
    path.write_text(path.read_text("utf-8").replace("contains: 营业", "contains: 开着"), "utf-8")
    now.refresh()
    assert now.current is not good
    assert now.errors == []


def test_serve_does_not_start_with_a_file_whose_own_tests_fail(tmp_path: Path) -> None:
    with pytest.raises(BadConfig):
        Live(write(tmp_path, "  - {name: a, says: 乱, expects: 懂}\n"))


def test_the_tests_of_a_file_never_touch_the_live_database(found: Founded) -> None:
    world = found(RULES + "tests:\n" + GOOD)
    world.configure(RULES + "tests:\n" + GOOD + "  - {name: 再来, says: 签到, expects: {contains: 连续 1 天}}\n")
    for table in metadata.tables.keys() - {"rule_version", "rule_version_in_force"}:
        assert world.sql(f'SELECT count(*) FROM "{table}"')[0][0] == 0, table


def test_what_one_test_does_is_gone_before_the_next() -> None:
    with scratch() as database:
        with database.rehearsal() as db:
            seen(db, openid("小王"), NOON, NOON)
            assert find(db, openid("小王"))
        with database.rehearsal() as db:
            assert find(db, openid("小王")) is None


def test_two_hundred_tests_take_less_than_a_second(tmp_path: Path) -> None:
    lines = "".join(f"  - {{name: 第 {n} 个, says: 签到, expects: {{contains: 连续 1 天}}}}\n" for n in range(200))
    version = live.version(write(tmp_path, lines), tested=False)
    fastest = 9.0
    for _ in range(3):
        began = time.process_time()
        assert file_tests.run(version) == []
        fastest = min(fastest, time.process_time() - began)
    assert fastest < 1.0


def test_a_test_that_says_no_time_is_on_a_monday_that_is_no_holiday() -> None:
    assert date(2026, 11, 23) == file_tests.MONDAY
    assert (file_tests.MONDAY.weekday(), holiday(file_tests.MONDAY), workday(file_tests.MONDAY)) == (0, None, True)


def test_the_shipped_file_passes_its_own_tests(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(SHIPPED, "utf-8")
    assert complaints(tmp_path / "config.yaml") == []


def test_nobody_waits_while_a_file_with_a_thousand_tests_is_read(town: Callable[..., Town]) -> None:
    bot = town("keywords: {fallback: f0, rules: [{name: a, when: {exact: [a]}, reply: a0}]}\n")
    tests = "".join(f"  - {{name: 第 {n} 个, says: a, expects: a2}}\n" for n in range(1000))
    with Talk(bot) as talk:
        swap(bot.config, rules(bot, 2, f"tests:\n{tests}"))
        wait_until(lambda: talk.heard[-1][1].endswith("2"), 60, "the file is not in force")
    asked = [at for at, said in talk.heard if said.startswith("a")]
    assert talk.failed == []
    assert max(later - earlier for earlier, later in pairwise(asked)) < 1.0
