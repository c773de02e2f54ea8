"""What nobody answered: found, put together, and suggested as entries that can be pasted."""

from __future__ import annotations

import json
import random
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import live
from app.config_file import BadConfig
from app.suggestion import Suggesting, Suggestion, file_of, plain, written
from handlers.faq import FILL_IN, FaqSection
from models import miss
from models.miss import Miss
from models.relevance import form
from tests.app.conftest import Typed
from tests.conftest import Founded
from tests.people import World, account, openid

SHOP = """
keywords:
  rules: [{name: 营业时间, when: {contains: [营业时间]}, reply: 九点}]
  fallback: 没听懂
faq:
  entries:
    - {ask: 怎么退货, variants: [想退掉怎么办], answer: 七天内}
    - {ask: 退款多久到账, answer: 三天}
"""
HOSTILE = [
    "a: b # c",
    "- x",
    "'\"",
    '"',
    "{name}",
    "{{x}}",
    "# 注释",
    "*别名 &锚 !标签",
    "多\n行\n\n文字",
    "制表\t符",
    "\x07响\x00铃",
    "👩‍👩‍👧‍👦表情",
    "<a href='http://evil'>点我</a>",
    "]]>结束",
    "%s {0} \\n",
    "yes",
    "12:30",
    "1e5",
    "~~",
    "null",
    "[x]",
    "\u2028分行\x85又行",
    "\ufeff头",
    "长" * 600,
    "ß İ ﬁ",
    "| 竖线",
    "> 大于",
    "[red]颜色[/red] :heart:",
]


def missed(world: World, days: float = 3650) -> list[Miss]:
    with world.service.database.snapshot() as db:
        return miss.missed(db, world.at - timedelta(days=days))


def test_what_got_nothing_but_the_fallback_is_a_miss_and_spellings_are_one(found: Founded) -> None:
    world = found(SHOP)
    for name, said in (
        ("甲", "能开车去吗"),
        ("乙", "能开车去吗？"),
        ("乙", " 能開車去嗎"),
        ("丙", "营业时间"),
        ("丙", "怎么退货"),
        ("丙", "？？"),
    ):
        world.person(name).says(said)
    assert [(one.text, one.times, one.followers, one.offered) for one in missed(world)] == [("能开车去吗", 3, 2, 0)]


def test_without_a_fallback_silence_is_a_miss_too(found: Founded) -> None:
    world = found("checkin: {rules: {points: 1}}\n")
    world.person("甲").says("能开车去吗")
    world.person("甲").says("签到")
    assert [one.text for one in missed(world)] == ["能开车去吗"]


def test_choices_that_nobody_took_are_a_miss_and_those_that_were_taken_are_none(found: Founded) -> None:
    world = found(SHOP)
    for name, then in (("甲", "1"), ("乙", "哦"), ("丙", ""), ("丁", "营业时间")):
        assert (world.person(name).says("我要退") or "").startswith("你是不是想问")
        if then:
            world.person(name).says(then)
    [back, other] = missed(world)
    assert (back.text, back.times, back.followers, back.offered) == ("我要退", 3, 3, 3)
    assert other.text == "哦"


def test_pictures_and_buttons_are_no_misses(found: Founded) -> None:
    world = found(SHOP)
    world.person("甲").sends("image", PicUrl="http://p", MediaId="m")
    world.person("甲").does("CLICK", EventKey="没人接的")
    assert missed(world) == []


def test_only_the_days_that_are_asked_for_count(found: Founded) -> None:
    world = found(SHOP)
    world.person("甲").says("能开车去吗")
    world.at += timedelta(days=8)
    world.person("甲").says("附近有地铁吗")
    assert [one.text for one in missed(world, 7)] == ["附近有地铁吗"]
    assert len(missed(world, 9)) == 2


# Groups

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def one(text: str, times: int = 1, *by: int) -> Miss:
    return Miss(text, times, frozenset(by or (1,)), NOW, 0)


def test_misses_that_ask_the_same_are_one_group_led_by_the_most_frequent() -> None:
    texts = [("怎么开发票", 5), ("可以开发票吗", 2), ("开发票", 1), ("能停车吗", 3), ("有地方停车吗", 1), ("哈哈", 1)]
    groups = miss.grouped(one(text, times, times) for text, times in texts)
    assert [[member.text for member in group.misses] for group in groups] == [
        ["怎么开发票", "可以开发票吗", "开发票"],
        ["能停车吗", "有地方停车吗"],
        ["哈哈"],
    ]
    assert (groups[0].times, groups[0].followers) == (8, 3)


def test_the_same_misses_make_the_same_groups_in_any_order() -> None:
    texts = [one(text, times) for times, text in enumerate(_noise(random.Random(1), 400), 1)]
    first = miss.grouped(texts)
    for seed in range(3):
        shuffled = texts[:]
        random.Random(seed).shuffle(shuffled)
        assert miss.grouped(shuffled) == first


def test_groups_lose_and_double_nothing() -> None:
    texts = [one(text) for text in _noise(random.Random(2), 500)]
    assert sorted(member.text for group in miss.grouped(texts) for member in group.misses) == sorted(text.text for text in texts)


def test_fifty_thousand_misses_are_grouped_in_seconds() -> None:
    texts = [one(text, 1 + number % 5) for number, text in enumerate(_noise(random.Random(3), 12_500))]
    begun = time.process_time()
    assert miss.grouped(texts)
    assert (time.process_time() - begun) * 4 < 30, "measured: 50,000 in 7 s of one busy core"


def _noise(chance: random.Random, number: int) -> list[str]:
    """So many different questions, put together of a few things and what people ask of them, with slips."""
    things = "退货 换货 发票 优惠券 快递 会员 积分 门店 停车 地址 尺码 验证码".split()  # noqa: SIM905
    asks = ["怎么{}", "{}在哪里", "可以{}吗", "我要{}", "{}多少钱", "你们的{}什么时候到", "为什么{}用不了", "请问{}怎么弄"]
    found: dict[str, None] = {}
    while len(found) < number:
        text = list(chance.choice(asks).format(chance.choice(things)) + chance.choice(["", "", chance.choice(asks).format("")]))
        for _ in range(chance.randint(0, 4)):
            text.insert(chance.randint(0, len(text)), chance.choice("退换款快递券票员分店址码车号的了呢"))
        found["".join(text)] = None
    return list(found)


# Suggestions


def suggestions(config: str, folder: Path, misses: list[Miss]) -> list[Suggestion]:
    path = folder / "config.yaml"
    path.write_text(account() + config, "utf-8")
    suggesting = Suggesting(live.read(path).config)
    return [suggesting.of(group) for group in suggesting.open(miss.grouped(misses))]


def included(config: str, folder: Path, extra: str) -> live.Version:
    """The configuration with the suggestions in a file of their own."""
    (folder / "more.yaml").write_text(extra, "utf-8")
    path = folder / "config.yaml"
    path.write_text(account() + "include: [more.yaml]\n" + config, "utf-8")
    return live.version(path)


def test_a_suggestion_is_refused_until_its_answer_is_written_and_then_answers(tmp_path: Path) -> None:
    found = suggestions(SHOP, tmp_path, [one("能停车吗", 3), one("有地方停车吗")])
    text = written(found)
    with pytest.raises(BadConfig) as bad:
        included(SHOP, tmp_path, text)
    [complaint] = bad.value.complaints
    assert (Path(complaint.file).name, FILL_IN in complaint.zh) == ("more.yaml", True)
    assert FILL_IN in text.splitlines()[complaint.line - 1]
    config = included(SHOP, tmp_path, text.replace(FILL_IN, "门口有停车场")).settings.config
    assert [entry.ask for entry in config[FaqSection].entries] == ["怎么退货", "退款多久到账", "能停车吗"]
    assert config[FaqSection].entries[-1].variants == ["有地方停车吗"]


def test_what_asks_for_an_entry_in_other_words_is_suggested_as_its_variants(tmp_path: Path) -> None:
    [found] = suggestions(SHOP, tmp_path, [one("我要退", 2)])
    assert found.belongs_to is not None
    assert found.belongs_to.name == "怎么退货"
    text = written([found])
    assert "加到问答“怎么退货”的 variants 里" in text
    assert all(line.startswith("#") for line in text.splitlines())
    assert yaml.safe_load(text.replace("# ", "").split("\n", 1)[1]) == {"variants": ["我要退"]}


def test_what_is_answered_by_now_is_suggested_no_more(tmp_path: Path) -> None:
    config = SHOP + "checkin: {rules: {points: 1}}\n"
    assert suggestions(config, tmp_path, [one("怎么退货"), one("你们的营业时间"), one("签到")]) == []


@pytest.mark.parametrize("text", [text for text in HOSTILE if form(text)])  # nobody is asked what has no words
def test_whatever_a_follower_typed_stays_text(text: str, tmp_path: Path) -> None:
    found = suggestions("faq: {}\n", tmp_path, [one(text), one(text + "！吗"), one("完全不同的另外一句话")])
    config = included("faq: {}\n", tmp_path, file_of(found).replace(FILL_IN, "x")).settings.config
    asks = [entry.ask for entry in config[FaqSection].entries]
    assert len(asks) == 2
    assert plain(text)[:50].strip() in [ask.strip() for ask in asks]
    assert not any(set("<>\n\0") & set(ask) for ask in asks)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60).filter(form), min_size=1, max_size=4))
def test_any_text_at_all_makes_a_file_that_can_be_included(texts: list[str], tmp_path: Path) -> None:
    found = suggestions("faq: {}\n", tmp_path, [one(text) for text in texts])
    config = included("faq: {}\n", tmp_path, file_of(found).replace(FILL_IN, "x")).settings.config
    assert len(config[FaqSection].entries) == len(found)


# The command


def test_the_command_shows_groups_with_what_is_nearest_and_changes_nothing(
    typed: Typed, found: Founded, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = found(SHOP)
    for name, said in (("甲", "能停车吗"), ("乙", "有地方停车吗"), ("乙", "我要退"), ("甲", "我要退"), ("甲", "只有一次的话")):
        world.person(name).says(said)
    monkeypatch.setenv("YIZHAN_DATABASE_URL", database_url)
    before = world.sql("SELECT * FROM inbox_entry ORDER BY id")
    code, out, err = typed("misses", "--days", "3650")
    assert (code, err) == (0, "")
    assert "2 条，2 位粉丝" in out
    assert "最近的：问答“怎么退货”" in out
    assert "config.yaml:" in out
    assert FILL_IN in out
    assert "只有一次的话" not in out
    assert "只有一次的话" in typed("misses", "--days", "3650", "--min", "1")[1]
    told = json.loads(typed("misses", "--days", "3650", "--json")[1])
    assert {group["entry"]["ask"] for group in told["groups"]} == {"能停车吗", "我要退"}
    assert {group["add_variants_to"] for group in told["groups"]} == {None, "怎么退货"}
    pasted = yaml.safe_load(typed("misses", "--days", "3650", "--yaml")[1])
    assert [entry["ask"] for entry in pasted["faq"]["entries"]] == ["能停车吗"]
    for words in (out, json.dumps(told)):
        assert openid("甲") not in words
    assert world.sql("SELECT * FROM inbox_entry ORDER BY id") == before


def test_the_command_says_so_where_nothing_was_missed(
    typed: Typed, found: Founded, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found(SHOP)
    monkeypatch.setenv("YIZHAN_DATABASE_URL", database_url)
    assert typed("misses") == (0, "没有要补的\n", "")
    assert json.loads(typed("misses", "--json")[1])["groups"] == []
    assert yaml.safe_load(typed("misses", "--yaml")[1]) == {"faq": {}}, "a file that is included may not be empty"


def test_a_group_of_which_too_little_is_left_is_not_shown(
    typed: Typed, found: Founded, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = found(SHOP)
    world.person("甲").says("能停车吗")
    world.person("甲").says("有地方停车吗")
    monkeypatch.setenv("YIZHAN_DATABASE_URL", database_url)
    assert "有地方停车吗" in typed("misses", "--days", "3650")[1]
    Path("config.yaml").write_text(account() + SHOP.replace("[营业时间]}", "[营业时间, 有地方停车]}"), "utf-8")
    assert typed("misses", "--days", "3650")[1] == "没有要补的\n"


def test_the_command_shows_hostile_texts_as_they_are(
    typed: Typed, found: Founded, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = found(SHOP)
    for text in HOSTILE:
        if not set(text) & set("\x07\x00"):  # no XML has these
            world.person("甲").says(text)
    monkeypatch.setenv("YIZHAN_DATABASE_URL", database_url)
    code, out, _ = typed("misses", "--days", "3650", "--min", "1", "--most", "100")
    assert code == 0
    assert "[red]颜色[/red] :heart:" in out
    pasted = typed("misses", "--days", "3650", "--min", "1", "--most", "100", "--yaml")[1]
    Path("more.yaml").write_text(pasted.replace(FILL_IN, "x"), "utf-8")
    Path("config.yaml").write_text(account() + "include: [more.yaml]\n" + SHOP, "utf-8")
    live.read(Path("config.yaml"))
