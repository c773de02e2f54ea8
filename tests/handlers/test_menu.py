"""The menu: what a press leads to, and what of it is refused in the file."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from app import live
from app.config_file import BadConfig
from handlers.menu import MenuSection
from tests.conftest import Founded
from tests.people import BASIC, Person, World, account

MENU = """
menu:
  buttons:
    - name: 会员
      items:
        - {name: 签到, say: 签到}
        - {name: 问卷, say: 问卷}
        - {name: 几点, say: 你们的营业时间是}
        - {name: 电话, reply: "{name}，请拨 400"}
        - {name: 地图, reply: {news: {title: 地图, url: "https://example.com/map"}}, key: map}
    - name: 工具
      items:
        - {name: 扫一扫, scan: {reply: "扫到了 {result}，{date}"}}
        - {name: 查订单, scan: {say: "订单 {result}"}}
        - {name: 直接打开, scan: open}
        - {name: 拍照, photo: {from: camera, reply: 收到照片}}
        - {name: 位置, location: {reply: 收到位置}}
    - {name: 官网, url: "https://example.com"}
  conditional:
    - {tag: VIP, platform: ios, buttons: [{name: 专线, reply: 专线 800}]}
    - {tag: VIP, buttons: [{name: 专线, reply: 专线 801}, {name: 小程序, mini_program: {app_id: wxmini, path: pages/a, url: "https://m"}}]}
    - {platform: other, buttons: [{name: 照片, photo: album}, {name: 相机, photo: either}, {name: 我在, location: true}]}
"""
RULES = BASIC.replace("  rules:\n", "  rules:\n    - {name: 订单, when: {regex: ['订单 [0-9]+']}, reply: 订单在路上}\n", 1)


@pytest.fixture
def wang(found: Founded) -> Person:
    return found(RULES + MENU).person("小王")


def press(person: Person, key: str) -> str | None:
    person.world.at += timedelta(seconds=1)  # two presses of one button in one second are one push to whoever looks at them
    return person.does("CLICK", EventKey=key).text


def test_a_button_that_says_words_is_heard_as_if_they_had_been_said(wang: Person) -> None:
    assert press(wang, "签到") == "第1天 +5 共5"
    assert press(wang, "签到") == "签过了"
    assert press(wang, "你们的营业时间是") == "每天 9:00–21:00 营业"  # by a rule that looks for a part of what is said


@pytest.mark.parametrize("key", ["订单 123456", "没有这个按钮", "reply:会员/以前的"])
def test_a_key_that_no_button_has_any_more_is_words_and_then_the_fallback(wang: Person, key: str) -> None:
    assert press(wang, key) == ("订单在路上" if key.startswith("订单") else "没听懂")


def test_a_button_with_a_reply_answers_by_itself(wang: Person) -> None:
    assert (press(wang, "reply:会员/电话") or "").endswith("，请拨 400")
    assert wang.does("CLICK", EventKey="map").fields["Articles"]["item"]["Title"] == "地图"


def test_the_same_name_in_another_menu_is_another_button(wang: Person) -> None:
    assert press(wang, "reply:VIP,ios:专线") == "专线 800"
    assert press(wang, "reply:VIP:专线") == "专线 801"


def scan(person: Person, name: str, key: str, result: str) -> str | None:
    inner = f"<ScanCodeInfo><ScanType><![CDATA[qrcode]]></ScanType><ScanResult><![CDATA[{result}]]></ScanResult></ScanCodeInfo>"
    person.world.at += timedelta(seconds=1)
    at = int(person.world.at.timestamp())
    head = f"<ToUserName>gh_1234567890ab</ToUserName><FromUserName>{person.openid}</FromUserName><CreateTime>{at}</CreateTime>"
    body = f"<xml>{head}<MsgType>event</MsgType><Event>{name}</Event><EventKey><![CDATA[{key}]]></EventKey>{inner}</xml>"
    return person.world.push(body)[0].text


def test_what_was_scanned_is_in_the_reply_or_in_the_words(wang: Person) -> None:
    assert scan(wang, "scancode_waitmsg", "scan:工具/扫一扫", "{points} <a>") == "扫到了 {points} ＜a>，11月21日"
    assert scan(wang, "scancode_waitmsg", "scan:工具/查订单", "987654") == "订单在路上"
    assert scan(wang, "scancode_waitmsg", "scan:工具/查订单", "abc") == "没听懂"
    assert scan(wang, "scancode_push", "scan:工具/直接打开", "https://x") is None


def test_photos_and_places_are_answered_at_the_press_where_the_file_says_so(wang: Person) -> None:
    assert wang.does("pic_sysphoto", EventKey="photo:工具/拍照").text == "收到照片"
    assert wang.does("location_select", EventKey="location:工具/位置").text == "收到位置"
    assert wang.does("pic_weixin", EventKey="photo:other:照片").text is None
    assert wang.does("VIEW", EventKey="https://example.com").text is None


@pytest.mark.parametrize("event", ["CLICK", "scancode_waitmsg", "pic_weixin", "location_select"])
def test_a_press_with_nothing_in_it_is_answered_with_nothing(wang: Person, event: str) -> None:
    answer = wang.does(event, EventKey="")
    assert (answer.status, answer.text) == (200, None)


def test_a_press_in_the_middle_of_a_survey_is_answered_and_the_survey_waits_on(wang: Person) -> None:
    wang.says("问卷")
    assert press(wang, "签到") == "第1天 +5 共5"
    assert (press(wang, "reply:会员/电话") or "").endswith("请拨 400")
    assert press(wang, "不满意") == "没听懂"  # a key is no answer to a question
    assert "总体满意吗" in (press(wang, "问卷") or "")
    assert wang.says("满意") == "愿意推荐吗？"


def test_a_double_press_is_one_check_in(wang: Person) -> None:
    from tests.people import event

    copies = wang.world.push(event(wang.openid, wang.world.at.timestamp(), "CLICK", EventKey="签到"), 3)
    assert {answer.text for answer in copies} == {"第1天 +5 共5"}


def test_a_menu_edited_is_in_force_for_presses_at_once(found: Founded) -> None:
    world = found(BASIC + MENU.replace("收到位置", "甲"))
    world.configure(BASIC + MENU.replace("收到位置", "乙"))
    assert world.person("小王").does("location_select", EventKey="location:工具/位置").text == "乙"


# What the platform is told


def menu_of(*buttons: str) -> str:
    return f"menu: {{buttons: [{', '.join(buttons)}]}}"


def section(folder: Path, menu: str) -> MenuSection:
    path = folder / "config.yaml"
    path.write_text(account() + RULES + menu, "utf-8")
    return live.read(path).config[MenuSection]


def test_every_kind_of_button_has_the_platforms_shape(tmp_path: Path) -> None:
    menu = section(tmp_path, MENU)
    member, tools, site = menu.wire()
    assert member == {
        "name": "会员",
        "sub_button": [
            {"type": "click", "name": "签到", "key": "签到"},
            {"type": "click", "name": "问卷", "key": "问卷"},
            {"type": "click", "name": "几点", "key": "你们的营业时间是"},
            {"type": "click", "name": "电话", "key": "reply:会员/电话"},
            {"type": "click", "name": "地图", "key": "map"},
        ],
    }
    assert [one["type"] for one in tools["sub_button"]] == [  # type: ignore[attr-defined]
        "scancode_waitmsg",
        "scancode_waitmsg",
        "scancode_push",
        "pic_sysphoto",
        "location_select",
    ]
    assert site == {"type": "view", "name": "官网", "url": "https://example.com"}
    vip = menu.conditional_wire(menu.conditional[1])
    assert vip[1] == {"type": "miniprogram", "name": "小程序", "url": "https://m", "appid": "wxmini", "pagepath": "pages/a"}
    assert [one["type"] for one in menu.conditional_wire(menu.conditional[2])] == ["pic_weixin", "pic_photo_or_album", "location_select"]


def test_buttons_of_an_imported_menu_keep_their_types(tmp_path: Path) -> None:
    menu = section(
        tmp_path, "menu: {buttons: [{name: a, media_id: M}, {name: b, article_id: A}, {name: c, article_view_limited: V}]}"
    ).wire()
    assert menu == [
        {"type": "media_id", "name": "a", "media_id": "M"},
        {"type": "article_id", "name": "b", "article_id": "A"},
        {"type": "article_view_limited", "name": "c", "article_id": "V"},
    ]


def test_a_key_never_outgrows_the_platform_and_stays_the_same_when_buttons_move(tmp_path: Path) -> None:
    long = "{name: 名, items: [{name: 一二三四五六七八九十一二三四五六七八九十, reply: 好}]}"
    menu = f"{menu_of(long)[:-1]}, conditional: [{{tag: 很长很长很长很长很长很长的标签名字很长很长很长, buttons: [{long}]}}]}}"
    keys = [one.key or "" for one in section(tmp_path, menu).placed()]
    assert len(set(keys)) == 2
    assert all(len(key.encode()) <= 128 for key in keys)
    moved = section(tmp_path, menu_of("{name: 新, url: 'https://x'}", long))
    assert [one.key for one in moved.placed()][1] == keys[0]


# What is refused

WRONG = [
    ("menu: {buttons: []}", "至少要有 1 项"),
    (menu_of(*["{name: a, url: 'https://x'}"] * 4), "最多 3 项"),
    (menu_of("{name: a, items: [" + "{name: a, url: 'https://x'}, " * 6 + "]}"), "最多 5 项"),
    ("menu: {buttons: [{name: a, items: []}]}", "至少要有 1 项"),
    ("menu: {buttons: [{name: 六个汉字太长, url: 'https://x'}]}", "最多 16 字节（5 个汉字），现在 18 字节"),
    (menu_of(f"{{name: a, items: [{{name: {'长' * 21}, url: 'https://x'}}]}}"), "最多 60 字节（20 个汉字），现在 63 字节"),
    (menu_of(f"{{name: a, url: 'https://x/{'x' * 1020}'}}"), "最多 1024 字节"),
    (menu_of(f"{{name: a, key: {'长' * 43}, reply: 好}}"), "最多 128 字节"),
    ("menu: {buttons: [{name: ' ', url: 'https://x'}]}", "不能是空的"),
    ("menu: {buttons: [{name: a, url: example.com}]}", "网址要以 https://"),
    ("menu: {buttons: [{name: a}]}", "要有一种作用"),
    ("menu: {buttons: [{name: a, say: 签到, reply: 好}]}", "现在有 say、reply"),
    ("menu: {buttons: [{name: a, reply: 好, items: [{name: b, say: 签到}]}]}", "不能再写 reply"),
    ("menu: {buttons: [{name: a, say: 签到, key: k}]}", "say 的按钮没有 key"),
    ("menu: {buttons: [{name: a, scan: {say: 签到, reply: 好}}]}", "扫码之后要有且只有一种"),
    ("menu: {buttons: [{name: a, scan: opne}]}", "只能写 open"),
    ("menu: {buttons: [{name: a, location: false}]}", "location 写 true"),
    ("menu: {buttons: [{name: a, scan: {reply: '{resutl}'}}]}", "没有变量 {resutl}"),
    ("menu: {buttons: [{name: a, reply: '{result}'}]}", "没有变量 {result}"),
    ("menu: {buttons: [{name: a, photo: cam}]}", "camera"),
    ("menu: {buttons: [{name: a, say: 签道}]}", "没有规则会回答“签道”，是不是想写“签到”？"),
    ("menu: {buttons: [{name: a, say: 风马牛}]}", "没有规则会回答“风马牛”；请加一条关键词规则"),
    ("menu: {buttons: [{name: a, scan: {say: 风马牛}}]}", "没有规则会回答“风马牛”"),
    (menu_of("{name: a, reply: 好}", "{name: a, reply: 坏}"), "和 menu.buttons.0 的一样，作用却不同"),
    (menu_of("{name: a, say: 签到}", "{name: b, key: 签到, reply: 坏}"), "和 menu.buttons.0 的一样，作用却不同"),
    ("menu: {buttons: [{name: a, say: 签到}], conditional: [{buttons: [{name: a, say: 签到}]}]}", "请写 tag 或 platform"),
    (
        "menu: {buttons: [{name: a, say: 签到}], conditional: [{tag: t, buttons: [{name: a, say: 签到}]},"
        " {tag: t, platform: ios, buttons: [{name: b, say: 签到}]}]}",
        "谁也看不到这个菜单：能看到它的人都先符合第 1 个",
    ),
]


@pytest.mark.parametrize(("menu", "said"), WRONG, ids=[said for _, said in WRONG])
def test_what_is_wrong_with_a_menu_is_said_at_its_place(menu: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(BadConfig) as bad:
        section(tmp_path, "\n" + menu)
    assert len(bad.value.complaints) == 1, bad.value.render()
    assert said in bad.value.render()
    assert bad.value.complaints[0].line == (account() + RULES).count("\n") + 2


CONDITIONS = 'from: "09:00", to: "18:00", days: [sat], tags: [上海], level: 银卡'


def test_words_lead_somewhere_if_some_rule_could_answer_them_at_some_time_for_somebody(tmp_path: Path) -> None:
    rule = f"keywords: {{rules: [{{name: a, when: {{exact: [客服], {CONDITIONS}}}, reply: 在}}]}}\npoints: {{levels: {{银卡: 1}}}}\n"
    path = tmp_path / "config.yaml"
    path.write_text(account() + rule + "menu: {buttons: [{name: a, say: 客服}, {name: b, say: TD}, {name: c, say: 积分}]}", "utf-8")
    live.read(path)


def test_the_shipped_menu_leads_somewhere(world: World) -> None:
    from tests.people import ROOT

    assert len(live.read(ROOT / "config.yaml").config[MenuSection].wire()) == 3


def test_a_menu_with_too_many_buttons_is_told_its_other_errors_too(tmp_path: Path) -> None:
    items = "".join(f"        - {{name: {name}, url: {'ftp' if name == 'b' else 'https'}://e.com}}\n" for name in "abcdef")
    first = "menu:\n  buttons:\n    - {name: 一二三四五六七, url: https://e.com}\n    - name: 好\n      items:\n"
    path = tmp_path / "config.yaml"
    path.write_text(account() + first + items + "    - {name: 三, url: https://e.com}\n    - {name: 四, url: https://e.com}\n", "utf-8")
    with pytest.raises(BadConfig) as bad:
        live.read(path)
    told = [(complaint.line, complaint.zh) for complaint in bad.value.complaints]
    assert [line for line, _ in told] == [4, 5, 7, 9]
    assert told[0][1] == "最多 3 项，现在有 4 项"
    assert told[2][1] == "最多 5 项，现在有 6 项"
