"""Orders at the operators' doors: commands and console; addresses are masked until somebody asks, and then it is noted who."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.console import orders
from app.shipping_list import harmless
from tests.app.browser import Page, signed_in
from tests.app.conftest import Typed
from tests.handlers.test_shop import ADDRESS, NAME, PHONE, SHOP, ordered, rich, says_all, states
from tests.people import World


@pytest.fixture
def world(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, sqlite_url, SHOP.replace("stock: 1, per_follower: 1", "stock: 9"))
    yield made
    made.close()


def trail(world: World) -> list[tuple[str, str, str]]:
    """What was done to orders, by whom, and what the note says of it."""
    rows = world.sql("SELECT a.by, action, detail FROM audit_entry a WHERE action != 'signed_in' ORDER BY id")
    return [tuple(row) for row in rows]


def test_orders_are_shipped_cancelled_and_returned_by_command(world: World, types: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = (ordered(rich(world, name)) for name in ("小王", "小李", "小赵"))
    monkeypatch.setenv("YIZHAN_DATABASE_URL", str(world.service.database.url))

    def shop(*words: str) -> tuple[int, str, str]:
        return types("shop", *words, "--config", str(world.path), *(("--by", "小陈") if words[0] != "orders" else ()))

    code, out, _ = shop("orders", "--state", "placed", "--json")
    assert (code, [one["number"] for one in json.loads(out)]) == (0, [third, second, first])
    assert shop("ship", first.lower(), "--carrier", "顺丰", "--number", "SF1")[:2] == (0, f"{first}：已发货\n")
    assert shop("ship", second, "--carrier", "顺丰", "--number", "SF2")[0] == 0
    assert shop("cancel", first, "--reason", "没货") == (1, "", f"订单 {first} 现在是“已发货”，不能这样做 / the order is shipped\n")
    assert shop("deliver", first)[:2] == (0, f"{first}：已完成\n")
    assert shop("return", second, "--reason", "地址不对")[:2] == (0, f"{second}：已退货\n")
    assert shop("cancel", third, "--reason", "没货")[:2] == (0, f"{third}：已取消\n")
    assert shop("deliver", "D234")[0] == 1
    assert shop("ship", third, "--carrier", " ", "--number", "SF3")[0] == 1
    assert [world.person(name).points for name in ("小王", "小李", "小赵")] == [200, 500, 500]
    assert [row[0] for row in world.sql("SELECT text FROM notice ORDER BY id")][2:] == [
        f"「雨伞」的订单 {second} 已退货：地址不对。退回 300 积分",
        f"「雨伞」的订单 {third} 已取消：没货。退回 300 积分",
    ]
    code, out, _ = shop("show", first)
    assert "欧* 138****5678" in out
    assert ADDRESS not in out
    assert ADDRESS in shop("show", first, "--address")[1]
    assert json.loads(shop("show", first, "--json")[1])["history"][1]["note"] == "顺丰 SF1"
    assert trail(world) == [
        ("小陈", "order_shipped", "顺丰 SF1"),
        ("小陈", "order_shipped", "顺丰 SF2"),
        ("小陈", "order_delivered", ""),
        ("小陈", "order_returned", "地址不对"),
        ("小陈", "order_cancelled", "没货"),
        ("小陈", "address_shown", ""),
    ]


def test_the_shipping_list_holds_addresses_no_formulas_and_is_noted(world: World, types: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIZHAN_DATABASE_URL", str(world.service.database.url))
    number = ordered(rich(world))
    says_all(rich(world, "小李"), "兑换 1", "确认", "同意", "=cmd 13900000000 ＋上海市世纪大道1号", "确认")
    code, out, _ = types("shop", "orders", "--csv", "--by", "小陈", "--config", str(world.path))
    assert (code, out[0]) == (0, "\ufeff")
    head, first, second = csv.reader(io.StringIO(out[1:]))
    assert head[:5] == ["订单号", "商品", "姓名", "电话", "地址"]
    assert first[:5] == [number, "雨伞", NAME, PHONE, ADDRESS]
    assert all(not cell.startswith(("=", "+")) for cell in second)
    assert second[2].startswith("'=")
    assert trail(world) == [("小陈", "addresses_exported", "2")]
    assert [harmless(cell) for cell in ("=1", " +1", "-1", "@x", "\t=1", "＝1", "a=1", "")] == [
        "'=1", "' +1", "'-1", "'@x", "'\t=1", "'＝1", "a=1", "",
    ]  # fmt: skip


def test_every_order_can_be_reached_however_many_there_are(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "_MOST", 1)
    viewer, first, second = signed_in(world, "viewer"), ordered(rich(world)), ordered(rich(world, "小李"))
    newest, oldest = viewer.get("/orders").text, viewer.get("/orders?state=placed&page=2").text
    assert (first in newest, second in newest, "state=placed&amp;page=2" in newest) == (False, True, True)
    assert (first in oldest, second in oldest, "更早的" in oldest) == (True, False, False)
    assert viewer.get("/orders?page=x").text == viewer.get("/orders").text


def test_the_console_shows_orders_masked_and_acts_on_them(world: World) -> None:
    wang = rich(world)
    number = ordered(wang)
    viewer, editor = signed_in(world, "viewer"), signed_in(world, "editor")
    assert "雨伞 待发货" in viewer.text("/orders")
    page = viewer.get(f"/orders/{number}")
    assert "欧* 138****5678" in Page(page.text).text
    assert ADDRESS not in page.text
    assert "显示完整地址" not in page.text
    for path in (f"/orders/{number}/address", f"/orders/{number}/ship", "/orders/export"):
        assert viewer.send(path, f"/orders/{number}", carrier="顺丰", shipment="SF1").status_code == 403
    shown = editor.send(f"/orders/{number}/address", f"/orders/{number}")
    assert ADDRESS in shown.text
    assert "no-store" in shown.headers["cache-control"]
    exported = editor.send("/orders/export", "/orders")
    assert ADDRESS in exported.text
    assert exported.headers["content-type"] == "text/csv; charset=utf-8"
    assert editor.send(f"/orders/{number}/ship", f"/orders/{number}", carrier="顺丰", shipment="").status_code == 400
    assert editor.send(f"/orders/{number}/ship", f"/orders/{number}", carrier="<i>顺丰", shipment="SF1").status_code == 303
    assert "<i>" not in editor.get(f"/orders/{number}").text
    late = editor.send(f"/orders/{number}/cancel", f"/orders/{number}", reason="没货")
    assert late.status_code == 409
    assert "订单现在是“已发货”" in late.text
    assert editor.send(f"/orders/{number}/return", f"/orders/{number}", reason="退回来了").status_code == 303
    assert (wang.points, states(world)) == (500, ["returned"])
    assert "退回来了" in viewer.text(f"/orders/{number}")
    assert "雨伞 已退货" in viewer.text("/orders?state=all")
    assert [viewer.get(path).status_code for path in ("/orders/D1", "/orders?state=x")] == [404, 404]
    assert editor.send(f"/orders/{number}/eat", "/orders").status_code == 404
    assert [action for _, action, _ in trail(world)] == ["address_shown", "addresses_exported", "order_shipped", "order_returned"]
    admin = signed_in(world, "admin")
    assert "看了收货地址" in admin.text("/audit")
