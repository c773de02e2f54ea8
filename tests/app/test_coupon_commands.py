"""Coupons by command and in the console: imported, given, found, redeemed, taken back, void, exported; and staff."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from models import coupon, follower
from tests.app.browser import signed_in
from tests.app.conftest import Typed
from tests.people import BASIC, ROOT, Person, World, account, openid

CODES = str(ROOT / "tests" / "coupon_codes.txt")
SHOP = (
    BASIC
    + """
coupons:
  batches:
    - {key: new, name: 新人券, stock: 2, valid: {days: 3650}, claim: {words: [领券]}}
    - {key: partner, name: '=HYPERLINK("x")', codes: imported, valid: {days: 3650}, claim: {words: [伙伴券]}}
    - {key: over, name: 旧券, stock: 2, valid: {to: 2020-01-01}}
"""
)


@pytest.fixture
def shop(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    """A world, and the file that commands read: its database is the world's."""
    world = World(tmp_path, sqlite_url, account() + f"database: {sqlite_url}\n" + SHOP, whole=True)
    yield world
    world.close()


@pytest.fixture
def yizhan(shop: World, typed: Typed) -> Typed:
    """Types a command in the folder of that file."""
    shop.path.write_text(account() + f"database: {shop.service.database.url}\n" + SHOP, "utf-8")
    return typed


def claimed(person: Person, word: str = "领券") -> str:
    """They claim a coupon. Returns its code."""
    found = re.search(r"券码 (\S+)", person.says(word) or "")
    assert found
    return found[1]


def trail(world: World) -> list[tuple[str, str]]:
    """What the audit trail holds."""
    return [tuple(row) for row in world.sql("SELECT action, detail FROM audit_entry WHERE action != 'signed_in' ORDER BY id")]


def test_codes_are_imported_claimed_found_redeemed_taken_back_and_declared_void(shop: World, yizhan: Typed) -> None:
    wang = shop.person("小王")
    assert wang.says("伙伴券") == '「=HYPERLINK("x")」已经领完了，下次早点来'
    assert "自动生成的" in yizhan("coupon", "import", "new", CODES)[2]
    assert yizhan("coupon", "import", "partner", CODES)[1] == "新导入 3 个券码，已有 0 个\n"
    assert yizhan("coupon", "import", "partner", CODES)[1] == "新导入 0 个券码，已有 3 个\n"
    assert claimed(wang, "伙伴券") == "AB-0001-cd"
    assert yizhan("coupon", "redeem", "ab0001CD", "--by", "前台")[1] == '=HYPERLINK("x")（AB-0001-cd）：已使用\n'
    code, _, said = yizhan("coupon", "redeem", "AB-0001-CD")
    assert (code, "由 前台 核销" in said) == (1, True)
    assert "AB-0001-cd）：未使用" in yizhan("coupon", "undo", "ab 0001 cd")[1]
    assert yizhan("coupon", "undo", "ab 0001 cd")[0] == 1
    assert "已作废" in yizhan("coupon", "void", "ab 0001 cd", "--reason", "领错了")[1]
    assert yizhan("coupon", "redeem", "ab 0001 cd")[2] == "已经作废 / void\n"
    found = json.loads(yizhan("coupon", "find", "AB0001CD", "--json")[1])
    assert (found["state"], found["openid"]) == ("void", wang.openid)
    assert [(act, why) for _, act, _, why in found["history"]] == [("redeemed", ""), ("undone", ""), ("voided", "领错了")]
    rows = {row["key"]: row for row in json.loads(yizhan("coupon", "list", "--json")[1])}
    assert [rows["partner"][name] for name in ("left", "claimed", "void", "free")] == [2, 0, 1, 2]
    assert yizhan("coupon", "find", "AB-9999")[2] == "没有这个券码 / no such code\n"
    assert yizhan("coupon", "find", "ABCDEFGHJKMNPQ")[2] == "券码有一个字打错了 / a letter of the code is wrong\n"
    assert [action for action, _ in trail(shop)] == [
        "coupons_imported",
        "coupons_imported",
        "coupon_redeemed",
        "coupon_undone",
        "coupon_voided",
    ]


def test_a_gift_is_given_once_for_its_request_and_a_void_one_goes_back_into_stock(shop: World, yizhan: Typed) -> None:
    wang = shop.person("小王")
    assert yizhan("coupon", "give", "new", wang.openid, "--reason", "补偿")[0] == 1
    wang.says("你好")
    give = ("coupon", "give", "new", wang.openid, "--reason", "补偿", "--request", "2026-1")
    assert yizhan(*give)[1].startswith("送出：新人券")
    assert yizhan(*give)[1].startswith("这个编号已经送过：新人券")
    other = yizhan("coupon", "give", "partner", wang.openid, "--reason", "补偿", "--request", "2026-1")
    assert (other[0], other[2].split("；")[0]) == (1, "编号 2026-1 以前用过，那次送的是「新人券」")
    assert yizhan("coupon", "give", "new", wang.openid, "--reason", "补偿")[0] == 0
    assert "发完了" in yizhan("coupon", "give", "new", wang.openid, "--reason", "补偿")[2]
    assert "有效期已经过了" in yizhan("coupon", "give", "over", wang.openid, "--reason", "补偿")[2]
    assert "配置里有：new、partner、over" in yizhan("coupon", "give", "nothing", wang.openid, "--reason", "补偿")[2]
    shown = shop.sql("SELECT shown FROM coupon ORDER BY id")[0][0]
    yizhan("coupon", "void", shown, "--reason", "送错了")
    assert yizhan("coupon", "give", "new", wang.openid, "--reason", "补偿")[0] == 0
    assert [tuple(row) for row in shop.sql("SELECT total, taken FROM stock")] == [(2, 2)]
    assert all("补偿" in detail for action, detail in trail(shop) if action == "coupon_given")


def test_what_is_owed_can_be_given_later(shop: World, yizhan: Typed) -> None:
    wang = shop.person("小王")
    wang.says("你好")
    with shop.service.database.transaction() as db:
        known = follower.find(db, wang.openid)
        assert known
        coupon.owe(db, known.id, "new", "survey:s", shop.at)
        coupon.owe(db, known.id, "over", "survey:t", shop.at)
    assert [one["batch"] for one in json.loads(yizhan("coupon", "owed", "--json")[1])] == ["new", "over"]
    assert yizhan("coupon", "owed", "--give")[1] == "补发了 1 张，还欠 1 张\n"
    assert yizhan("coupon", "owed", "--give")[1] == "补发了 0 张，还欠 1 张\n"
    assert "新人券" in str(wang.says("我的券"))


def test_staff_are_added_invited_listed_and_removed(shop: World, yizhan: Typed) -> None:
    zhang, li = shop.person("小张"), shop.person("小李")
    assert "先给公众号发一句话" in yizhan("staff", "add", zhang.openid, "--name", "小张")[2]
    zhang.says("你好")
    assert yizhan("staff", "add", zhang.openid, "--name", "")[0] == 1
    assert yizhan("staff", "add", zhang.openid, "--name", "小张", "--store", "一号店")[0] == 0
    said = yizhan("staff", "invite", "--name", "小李", "--store", "二号店")[1]
    words = re.search(r"绑定店员 \S+", said)
    assert words
    shop.at = datetime.now(UTC)  # the invitation was made by the real clock
    assert li.says(words[0]) == "小李，您现在是店员了。核销请回复「核销 券码」"
    assert words[0].split()[1] not in str(shop.sql("SELECT * FROM staff_invitation")) + str(shop.sql("SELECT * FROM audit_entry"))
    listed = json.loads(yizhan("staff", "list", "--json")[1])
    assert [(one["name"], one["store"]) for one in listed] == [("小张", "一号店"), ("小李", "二号店")]
    assert yizhan("staff", "remove", zhang.openid)[0] == 0
    assert yizhan("staff", "remove", zhang.openid)[0] == 1
    assert zhang.says("核销") == "没听懂"
    assert yizhan("staff", "add", zhang.openid, "--name", "老张")[0] == 0
    assert "请回复" in str(zhang.says("核销"))


def test_an_editor_redeems_in_two_steps_takes_it_back_and_exports_and_a_viewer_only_looks(shop: World, yizhan: Typed) -> None:
    yizhan("coupon", "import", "partner", CODES)
    wang = shop.person("小王")
    shown, partner = claimed(wang), claimed(wang, "伙伴券")
    viewer, editor = signed_in(shop, "viewer"), signed_in(shop, "editor", "小编")
    assert "新人券 new 1 / 2 1 0 0" in viewer.text("/coupons")
    assert 'name="code"' not in viewer.get("/coupons").text
    asked = editor.send("/coupons/look", page="/coupons", code=shown.lower())
    assert "确认核销" in asked.text
    assert wang.openid not in asked.text
    assert shop.sql("SELECT count(*) FROM coupon_event")[0][0] == 0
    assert "已核销，已告诉持有人" in editor.send("/coupons/redeem", page="/coupons", code=shown).text
    again = editor.send("/coupons/redeem", page="/coupons", code=shown)
    assert (again.status_code, "由 小编 核销" in again.text) == (409, True)
    assert "撤销核销" in editor.send("/coupons/look", page="/coupons", code=shown).text
    assert "又可以用了" in editor.send("/coupons/undo", page="/coupons", code=shown).text
    assert "有一个字打错了" in editor.send("/coupons/look", page="/coupons", code=shown[:-1]).text
    editor.send("/coupons/redeem", page="/coupons", code=partner)
    answer = editor.send("/coupons/export", page="/coupons", batch="partner")
    assert "attachment" in answer.headers["content-disposition"]
    head, row = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert (row[head.index("券码")], row[head.index("核销人")]) == (partner, "小编")
    assert wang.openid not in answer.text
    secret = editor.send("/coupons/export", page="/coupons", batch="new").text
    assert shown not in secret
    assert f"…{shown[-4:]}" in secret
    assert [action for action, _ in trail(shop)][1:] == [
        "coupon_redeemed",
        "coupon_undone",
        "coupon_redeemed",
        "coupons_exported",
        "coupons_exported",
    ]
    for _ in range(20):
        assert editor.send("/coupons/look", page="/coupons", code="nothing").status_code == 404
    assert editor.send("/coupons/look", page="/coupons", code=shown).status_code == 429


def test_a_formula_in_an_export_is_text(shop: World, yizhan: Typed) -> None:
    editor = signed_in(shop, "editor", "=1+1")
    shown = claimed(shop.person("小王"))
    editor.send("/coupons/redeem", page="/coupons", code=shown)
    head, row = csv.reader(io.StringIO(editor.send("/coupons/export", page="/coupons", batch="new").content.decode("utf-8-sig")))
    assert row[head.index("核销人")] == "'=1+1"
    assert openid("小王") not in row
