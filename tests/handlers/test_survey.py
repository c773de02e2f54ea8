"""A survey as a conversation, through the webhook."""

from __future__ import annotations

from tests.conftest import Founded
from tests.people import BASIC, World

FIRST = "满意度调查\n总体满意吗？\n1. 满意\n2. 一般\n3. 不满意"


def test_the_trigger_asks_the_first_question_at_once(world: World) -> None:
    assert world.person("小王").says("问卷") == FIRST


def test_a_choice_is_taken_by_number_and_by_text(world: World) -> None:
    wang, li = world.person("小王"), world.person("小李")
    wang.says("问卷")
    li.says("问卷")
    assert wang.says("1") == "愿意推荐吗？"
    assert li.says("满意") == "愿意推荐吗？"
    assert {row[0] for row in world.sql("SELECT value FROM answer")} == {"满意"}


def test_a_condition_decides_whether_a_question_is_asked(world: World) -> None:
    wang = world.person("小王")
    wang.says("问卷")
    assert wang.says("不满意") == "哪里让你不满意？"
    assert wang.says("太慢") == "愿意推荐吗？"
    assert wang.says("3") == "谢谢，问卷已完成！+20 积分，共 20"


def test_an_invalid_answer_is_asked_again_with_the_reason(world: World) -> None:
    wang = world.person("小王")
    wang.says("问卷")
    said = wang.says("4")
    assert said is not None
    assert said.startswith("没有这个选项")
    assert said.endswith("3. 不满意")
    wang.says("２")
    for wrong, reason in (
        ("十一", "请回复一个数字"),
        ("11", "数字要在 0–10 之间"),
        ("-1", "数字要在 0–10 之间"),
        ("3.5", "请回复一个数字"),
    ):
        said = wang.says(wrong)
        assert said is not None
        assert said.startswith(reason), wrong
    assert wang.says("10") == "谢谢，问卷已完成！+20 积分，共 20"


def test_a_picture_is_no_answer(world: World) -> None:
    wang = world.person("小王")
    wang.says("问卷")
    said = wang.sends("image", PicUrl="http://x", MediaId="m").text
    assert said is not None
    assert "没有这个选项" in said


def test_the_reward_is_paid_once_ever(world: World) -> None:
    wang = world.person("小王")
    for words in ("问卷", "1", "10"):
        wang.says(words)
    assert wang.says("问卷") == "您已经填过「满意度调查」了，谢谢！"
    assert wang.points == 20


def test_inside_a_survey_the_survey_has_the_floor_and_afterwards_it_is_free(world: World) -> None:
    wang = world.person("小王")
    wang.says("问卷")
    said = wang.says("营业时间")
    assert said is not None
    assert "没有这个选项" in said
    wang.says("1")
    wang.says("10")
    assert wang.says("营业时间") == "每天 9:00–21:00 营业"


def test_leaving_and_coming_back_goes_on_at_the_same_question(world: World) -> None:
    wang = world.person("小王")
    wang.says("问卷")
    wang.says("1")
    assert wang.says("退出") == "已退出「满意度调查」，回复「问卷」可以继续"
    assert wang.says("营业时间") == "每天 9:00–21:00 营业"
    assert wang.says("问卷") == "继续上次的「满意度调查」\n愿意推荐吗？"
    assert wang.says("9") == "谢谢，问卷已完成！+20 积分，共 20"


def test_who_is_in_the_middle_finishes_the_survey_as_it_was_asked(world: World) -> None:
    wang = world.person("小王")
    wang.says("问卷")
    world.configure(
        BASIC.replace("choices: [满意, 一般, 不满意]", "choices: [好, 坏]").replace("when: {overall: [不满意]}", "when: {overall: [坏]}")
    )
    assert wang.says("一般") == "愿意推荐吗？"
    said = world.person("小李").says("问卷")
    assert said is not None
    assert "1. 好" in said


def test_a_survey_that_is_taken_out_of_the_file_can_still_be_finished_or_left(found: Founded) -> None:
    world = found()
    wang = world.person("小王")
    wang.says("问卷")
    world.configure("keywords: {rules: [], fallback: 没听懂}")
    assert wang.says("1") == "愿意推荐吗？"
    said = wang.says("退出")
    assert said is not None
    assert said.startswith("已退出")
    assert wang.says("1") == "没听懂"


def test_copies_of_an_answer_answer_one_question(world: World) -> None:
    wang = world.person("小王")
    wang.says("问卷", copies=3)
    assert wang.says("不满意", copies=3) == "哪里让你不满意？"
    assert world.sql("SELECT count(*) FROM answer")[0][0] == 1


def test_a_reward_that_is_more_than_points_is_told_by_name_and_given_once(found: Founded) -> None:
    world = found(BASIC.replace("reward: {points: 20}", "reward: {points: 20, cards: 2}"))
    wang = world.person("小王")
    for words in ("问卷", "满意"):
        wang.says(words)
    assert wang.says("9", copies=3) == "谢谢，问卷已完成！送您 20 积分、补签卡 2 张"
    assert world.sql("SELECT asset, amount FROM balance ORDER BY asset") == [("card", 2), ("growth", 20), ("points", 20)]
