"""What is to be sent, as a table for whoever packs it: the only place where addresses leave the program, and each time is noted."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from models import address, audit, order
from models.order import Order

MOST = 5000  # orders in one list
_HEAD = ("订单号", "商品", "姓名", "电话", "地址", "下单时间", "快递公司", "快递单号")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def shipping_list(db: Connection, by: str, zone: ZoneInfo, now: datetime, origin: str = "") -> str:
    """The placed orders with their addresses as CSV; afterwards the trail says who took them out, and how many."""
    rows = [(one, address.recipient_of(address.of(db, one.id))) for one, _ in reversed(order.listed(db, "placed", MOST))]
    audit.note(db, by, "addresses_exported", now, subject="orders", detail=f"{len(rows)}", address=origin)
    return table([_HEAD, *(_row(one, who, zone) for one, who in rows)])


def _row(one: Order, who: address.Recipient, zone: ZoneInfo) -> tuple[str, ...]:
    return (one.number, one.name, who.name, who.phone, who.address, f"{one.placed_at.astimezone(zone):%Y-%m-%d %H:%M}", "", "")


def table(rows: Sequence[Sequence[str]]) -> str:
    """CSV as spreadsheets open it: in UTF-8 with its mark, and nothing in it is a formula (OWASP: CSV Injection)."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([[harmless(cell) for cell in row] for row in rows])
    return "\ufeff" + text.getvalue()


def harmless(cell: str) -> str:
    """The cell as text, whatever it begins with."""
    return f"'{cell}" if cell.lstrip(" \u3000\n").startswith(_FORMULA) else cell
