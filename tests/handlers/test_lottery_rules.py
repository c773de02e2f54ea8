"""What a file may not say of a lottery, and what its own tests can say."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import live
from app.config_file import BadConfig
from tests.handlers.test_lottery import SPRING
from tests.people import BASIC, account

HALF = SPRING.partition("    replies:")[0] + "    terms: 过期不领算放弃\n"
WINTER = HALF.partition("lotteries:\n")[2].replace("key: spring", "key: winter").replace("{spring: 1}", "{winter: 1}")


def told(folder: Path, config: str) -> list[str]:
    """The errors of the file, in Chinese; of a good one its warnings' codes."""
    path = folder / "config.yaml"
    path.write_text(account() + config, "utf-8")
    try:
        return [warning.code for warning in live.version(path).settings.warnings]
    except BadConfig as bad:
        return [one.zh for one in bad.complaints]


def changed(*pairs: tuple[str, str]) -> str:
    config = BASIC + HALF
    for before, after in pairs:
        assert before in config
        config = config.replace(before, after)
    return config


WRONG = [
    ([("odds: 20%", "odds: 70%")], "加起来是 110%"),
    ([("odds: 20%", "odds: 0%")], "中奖概率要大于 0"),
    ([("odds: 20%", "odds: 20")], "百分之 20 写成 20%"),
    ([(", value: 30", "")], "实物奖品要写 value"),
    ([("value: 30", "value: 50001")], "第十七条"),
    ([("    claim: 到店出示领奖码\n", "")], "要写 claim"),
    ([("goods: true", "goods: true, reward: {points: 1}")], "要么写 reward"),
    ([("goods: true", "goods: true, ship: true")], "加一节 shop"),
    ([("cost: 5", "cost: 5\n    who: {level: 金卡}")], "还要写 eligible"),
    ([("cost: 5", "cost: 5\n    eligible: 金卡\n    who: {level: 金卡}")], "没有等级 金卡"),
    ([("cost: 5", "cost: 5\n    eligible: 谁\n    who: {probability: 30%}")], "不能写 nth 和 probability"),
    ([("to: 2026-12-31", "from: 2027-01-01\n    to: 2026-12-31")], "to 在 from 之前"),
    ([("to: 2026-12-31", "to: 2026-02-30")], "要写成 2026-12-01"),
    ([("per_follower: 5", "per_follower: 9999999999")], "1000000"),
    ([("{spring: 1}", "{sprint: 1}")], "没有抽奖 sprint"),
    ([("{points: 20}", "{draws: {sprint: 1}}")], "没有抽奖 sprint"),
    ([("key: hundred", "key: umbrella")], "已经有一个奖品叫 umbrella"),
    ([("terms: 过期不领算放弃", f"terms: {'长' * 700}")], "微信最多发 2048"),
    ([("    organiser: 某公司\n", "")], "organiser"),
]


@pytest.mark.parametrize(("changes", "said"), WRONG, ids=[said for _, said in WRONG])
def test_an_unlawful_or_impossible_lottery_is_refused(changes: list[tuple[str, str]], said: str, tmp_path: Path) -> None:
    (error,) = told(tmp_path, changed(*changes))
    assert said in error


def test_chances_to_draw_where_there_is_no_lottery_are_refused(tmp_path: Path) -> None:
    (error,) = told(tmp_path, BASIC.replace("{points: 20}", "{draws: {spring: 1}}"))
    assert error == "没有抽奖 spring；lotteries 里有：（无）"


def test_two_lotteries_may_share_their_words_where_their_times_do_not_meet(tmp_path: Path) -> None:
    assert told(tmp_path, BASIC + HALF) == []
    (error,) = told(tmp_path, BASIC + HALF + WINTER)
    assert "时间有重叠" in error
    assert told(tmp_path, BASIC + HALF + WINTER.replace("to: 2026-12-31", "from: 2027-01-01\n    to: 2027-01-31")) == []
    assert told(tmp_path, BASIC + HALF + WINTER.replace("to: 2026-12-31", "to: 2026-12-31\n    triggers: [冬日抽奖]")) == []


def test_the_tests_of_a_file_draw_as_luck_has_it_and_come_out_alike_without(tmp_path: Path) -> None:
    turns = """
tests:
  - {name: 雨伞, says: 抽奖, luck: 0.199, expects: {contains: 抽中「雨伞」}}
  - {name: 没中, says: 抽奖, luck: 0.6, expects: {contains: "没有中，送您 1 积分"}}
  - {name: 凑巧, says: 抽奖, expects: {contains: "第 1 号"}}
"""
    assert told(tmp_path, BASIC + HALF + turns) == []
    first, second = (told(tmp_path, BASIC + HALF + turns.replace("第 1 号", "没有这句话")) for _ in range(2))
    assert first == second
    assert "没通过" in first[0]
