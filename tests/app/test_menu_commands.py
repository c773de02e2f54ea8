"""menu diff and menu publish, as operators type them, against the simulator as a separate process."""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app import cli
from tests.people import APP_ID, APP_SECRET, BASIC, Town, account

MENU = """
menu:
  buttons:
    - {name: 签到, say: 签到}
    - name: 更多
      items:
        - {name: 官网, url: "https://example.com"}
        - {name: 电话, reply: 请拨 400}
"""
TAG = "VIP"
VIP = "    - {tag: VIP, platform: ios, buttons: [{name: 苹果专线, reply: 一}]}\n"
VIP_ALL = "    - {tag: VIP, buttons: [{name: 专线, reply: 二}]}\n"
ANDROID = "    - {platform: android, buttons: [{name: 安卓, reply: 三}]}\n"


class Office:
    """An operator's desk: the simulator runs, the bot does not; the operator types commands."""

    def __init__(self, town: Town, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.town, self._monkeypatch, self._capsys = town, monkeypatch, capsys
        for name, value in town.environ.items():
            if name.startswith("YIZHAN_"):
                monkeypatch.setenv(name, value)
        token = town.ask("/cgi-bin/stable_token", grant_type="client_credential", appid=APP_ID, secret=APP_SECRET)
        self._token = token["access_token"]
        self.api("/cgi-bin/menu/delete")
        town.config.write_text(account(town.sim) + f"database: sqlite:///{town.folder}/town.db\n" + BASIC, "utf-8")

    def write(self, menu: str) -> None:
        """The operator saves this menu."""
        text = account(self.town.sim) + f"database: sqlite:///{self.town.folder}/town.db\n" + BASIC + menu
        self.town.config.write_text(text, "utf-8")

    def types(self, *words: str, expect: int = 0) -> Any:
        """A command; what it printed, as JSON where it is that."""
        self._monkeypatch.setattr(sys, "argv", ["yizhan", *words, "--config", str(self.town.config)])
        with pytest.raises(SystemExit) as done:
            cli.main()
        printed, told = self._capsys.readouterr()
        assert done.value.code == expect, printed + told
        return json.loads(printed) if "--json" in words else printed + told

    def api(self, path: str, **body: object) -> Any:
        """A call to the platform by somebody else."""
        data = json.dumps(body, ensure_ascii=False).encode() if body else None
        with urllib.request.urlopen(f"{self.town.sim}{path}?access_token={self._token}", data, timeout=10) as answer:
            return json.load(answer)

    def calls(self, path: str) -> int:
        """How often the platform was asked for this."""
        return sum(self.town.ask("/_sim/stats")["api"].get(path, {}).values())

    def conditional(self) -> list[dict[str, Any]]:
        """What the platform has for some, the first to be tried first."""
        return list(self.api("/cgi-bin/menu/get").get("conditionalmenu", []))

    def first_names(self) -> list[str]:
        return [menu["button"][0]["name"] for menu in self.conditional()]


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made = Town(tmp_path_factory.mktemp("office"), BASIC)
    made.simulator.start(f"{made.sim}/_sim/clock")
    yield made
    made.stop()


@pytest.fixture
def office(simulated: Town, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Office:
    return Office(simulated, monkeypatch, capsys)


def tag(office: Office) -> str:
    """The id of the tag, which the account has."""
    found = {one["name"]: str(one["id"]) for one in office.api("/cgi-bin/tags/get")["tags"]}
    return found[TAG]


def test_diff_shows_what_publishing_would_change_and_publishing_changes_it_once(office: Office) -> None:
    office.write(MENU)
    shown = office.types("menu", "diff")
    assert "+  签到  点击 签到" in shown
    assert "+    官网  网页 https://example.com" in shown
    assert "46003" in json.dumps(office.api("/cgi-bin/menu/get"))  # looking changed nothing
    said = office.types("menu", "publish")
    assert "默认菜单已发布" in said
    assert "五分钟" in said
    assert [button["name"] for button in office.api("/cgi-bin/menu/get")["menu"]["button"]] == ["签到", "更多"]
    assert "没有变化" in office.types("menu", "diff")
    before = office.calls("/cgi-bin/menu/create")
    assert office.types("menu", "publish", "--json") == {"created": False, "deleted": 0, "added": 0, "kept": 0}
    assert office.calls("/cgi-bin/menu/create") == before


def test_diff_shows_only_what_is_different_with_a_sign(office: Office) -> None:
    office.write(MENU)
    office.types("menu", "publish")
    office.write(MENU.replace("请拨 400", "请拨 401").replace("https://example.com", "https://example.com/new"))
    changed = [line for line in office.types("menu", "diff").splitlines() if line.startswith(("+", "-"))]
    # What a button answers stands in the file alone: it needs no publishing.
    assert changed == ["-    官网  网页 https://example.com", "+    官网  网页 https://example.com/new"]
    found = office.types("menu", "diff", "--json")
    assert (found["same"], found["create"]) == (False, True)
    assert found["default"]["then"][1]["sub_button"][0]["url"] == "https://example.com/new"


def test_a_menu_made_by_hand_is_shown_as_what_will_be_replaced(office: Office) -> None:
    office.write(MENU)
    shown = office.types("menu", "diff")
    assert "手工设置的菜单会被替换" in shown
    assert "-  联系我们  文字 客服电话 400-000-0000，每天 9:00–21:00" in shown


def test_conditional_menus_are_made_so_that_the_first_of_the_file_is_tried_first(office: Office) -> None:
    number = tag(office)
    office.write(MENU + "  conditional:\n" + VIP + VIP_ALL + ANDROID)
    shown = office.types("menu", "diff")
    assert "+给 标签 VIP、系统 ios 看的菜单" in shown
    assert office.types("menu", "publish", "--json")["added"] == 3
    assert office.first_names() == ["苹果专线", "专线", "安卓"]
    assert office.conditional()[0]["matchrule"] == {"tag_id": number, "client_platform_type": "1"}
    assert "没有变化" in office.types("menu", "diff")


@pytest.mark.parametrize(
    ("after", "names", "added", "deleted"),
    [
        (VIP_ALL + ANDROID, ["专线", "安卓"], 0, 1),
        (VIP + ANDROID, ["苹果专线", "安卓"], 0, 1),
        (ANDROID + VIP + VIP_ALL, ["安卓", "苹果专线", "专线"], 1, 1),
        (VIP.replace("一", "四") + VIP_ALL + ANDROID, ["苹果专线", "专线", "安卓"], 0, 0),
        (VIP.replace("苹果", "果") + VIP_ALL + ANDROID, ["果专线", "专线", "安卓"], 1, 1),
        ("", [], 0, 3),
    ],
    ids=["one less", "one from the middle less", "another order", "another reply", "another name", "none"],
)
def test_conditional_menus_become_exactly_those_of_the_file(office: Office, after: str, names: list[str], added: int, deleted: int) -> None:
    office.write(MENU + "  conditional:\n" + VIP + VIP_ALL + ANDROID)
    office.types("menu", "publish")
    office.write(MENU + ("  conditional:\n" + after if after else ""))
    done = office.types("menu", "publish", "--json")
    assert (done["created"], done["added"], done["deleted"]) == (False, added, deleted)
    assert office.first_names() == names
    assert office.types("menu", "diff", "--json")["same"]


def test_a_menu_of_somebody_else_is_replaced(office: Office) -> None:
    office.api("/cgi-bin/menu/create", button=[{"type": "click", "name": "旧", "key": "V1001"}])
    office.api(
        "/cgi-bin/menu/addconditional", button=[{"type": "click", "name": "旧二", "key": "V1"}], matchrule={"client_platform_type": "3"}
    )
    office.write(MENU)
    shown = office.types("menu", "diff")
    assert "-  旧  点击 V1001" in shown
    assert "-给 系统 other 看的菜单" in shown
    assert office.types("menu", "publish", "--json") == {"created": True, "deleted": 1, "added": 0, "kept": 0}
    assert office.types("menu", "diff", "--json")["same"]


def test_a_tag_that_the_account_does_not_have_is_said_with_the_nearest(office: Office) -> None:
    office.write(MENU + "  conditional:\n" + VIP.replace(TAG, "VlP"))
    before = office.calls("/cgi-bin/menu/create")
    for command in ("diff", "publish"):
        said = office.types("menu", command, expect=1)
        assert "menu.conditional.0：公众平台里没有标签“VlP”；有：VIP" in said
    assert office.calls("/cgi-bin/menu/create") == before


def test_without_a_menu_in_the_file_diff_says_so_and_publish_refuses(office: Office) -> None:
    assert "没有 menu" in office.types("menu", "diff")
    assert office.types("menu", "diff", "--json") == {"menu": False}
    assert "没有 menu" in office.types("menu", "publish", expect=1)


@pytest.mark.parametrize(("errcode", "words"), [(48001, "接口未授权"), (40016, "菜单按钮个数不对"), (45009, "当天调用次数到顶")])
def test_what_the_platform_refuses_is_said_in_words(office: Office, errcode: int, words: str) -> None:
    office.write(MENU)
    office.town.ask("/_sim/faults", path="/cgi-bin/menu/create", errcode=errcode, times=1)
    said = office.types("menu", "publish", expect=2)
    assert f"{errcode} {words}" in said


def test_a_publish_that_failed_half_way_is_finished_by_the_next(office: Office) -> None:
    office.write(MENU + "  conditional:\n" + VIP + VIP_ALL + ANDROID)
    office.town.ask("/_sim/quota", path="/cgi-bin/menu/addconditional", limit=office.calls("/cgi-bin/menu/addconditional") + 2)
    said = office.types("menu", "publish", expect=2)
    assert "已发布给 标签 VIP 看的菜单" in said
    assert "45009" in said
    office.town.ask("/_sim/quota", path="/cgi-bin/menu/addconditional", limit=None)
    assert office.types("menu", "publish", "--json") == {"created": False, "deleted": 0, "added": 1, "kept": 2}
    assert office.first_names() == ["苹果专线", "专线", "安卓"]


def test_a_missing_secret_is_said(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.write(MENU)
    monkeypatch.delenv("YIZHAN_APP_SECRET")
    assert "YIZHAN_APP_SECRET" in office.types("menu", "diff", expect=1)


def test_a_press_on_the_phone_reaches_the_bot_and_its_reply_the_phone(town: Callable[..., Town]) -> None:
    made = town(BASIC + MENU)
    made.yizhan("menu", "publish")
    who = made.ask("/_sim/followers")["followers"][0]["openid"]
    assert [button["name"] for button in made.ask(f"/_sim/menu?openid={who}")["buttons"]] == ["签到", "更多"]
    made.ask("/_sim/menu", openid=who, path=[0])
    made.ask("/_sim/menu", openid=who, path=[1, 1])
    conversation = json.dumps(made.ask(f"/_sim/followers/{who}/conversation"), ensure_ascii=False)
    assert "第1天 +5 共5" in conversation
    assert "请拨 400" in conversation


def test_try_presses_a_button_and_says_where_its_answer_stands(office: Office) -> None:
    office.write(MENU)
    line = office.town.config.read_text("utf-8").splitlines().index("        - {name: 电话, reply: 请拨 400}") + 1
    found = office.types("try", "--click", "reply:更多/电话", "--json")
    assert (found["reply"], found["rule"]) == ("请拨 400", "menu:reply:更多/电话")
    assert found["place"] == f"{office.town.config}:{line}"
    assert office.types("try", "--click", "签到", "--json")["reply"] == "第1天 +5 共5"
    assert office.types("try", "reply:更多/电话", "--json")["reply"] == "没听懂"  # who types a key presses nothing
