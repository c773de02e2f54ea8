"""Orders as a state machine against a plain model, and addresses as they are read from what people write."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from models import address, follower, goods, order, points, stock
from models.address import Recipient
from models.condition import Circumstances
from models.config import Config
from models.database import Database, undone_on_error
from models.goods import Goods
from models.order import Order
from models.refusal import Refusal

NOW = datetime(2026, 11, 21, tzinfo=UTC)
CONFIG = Config(ZoneInfo("Asia/Shanghai"))
CUP = Goods.model_validate({"key": "cup", "name": "杯子", "points": 30, "stock": 3, "per_follower": 2})
CARD = Goods.model_validate({"key": "card", "name": "补签卡", "points": 10, "stock": 4, "kind": "virtual", "reward": {"cards": 1}})
WAY = {  # what each verb makes of each state
    "ship": {"placed": "shipped"},
    "deliver": {"shipped": "delivered"},
    "cancel": {"placed": "cancelled", "unaddressed": "cancelled"},
    "take_back": {"shipped": "returned"},
}
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("place"), st.integers(0, 1), st.sampled_from([CUP, CARD])),
        st.tuples(st.just("prize"), st.integers(0, 1), st.integers(0, 1)),
        st.tuples(st.sampled_from(sorted(WAY)), st.integers(0, 5), st.none()),
    ),
    max_size=30,
)


class Plain:
    """What should be: a list of orders and three dictionaries."""

    def __init__(self) -> None:
        self.points, self.taken = [100, 70], {"cup": 0, "card": 0}
        self.had: dict[tuple[int, str], int] = {}
        self.orders: list[dict[str, Any]] = []

    def refusal(self, who: int, wanted: Goods) -> str | None:
        if wanted.per_follower and self.had.get((who, wanted.key), 0) >= wanted.per_follower:
            return "LimitReached"
        if self.points[who] < wanted.points:
            return "NotEnoughPoints"
        return "SoldOut" if self.taken[wanted.key] >= wanted.stock else None

    def place(self, who: int, wanted: Goods) -> None:
        self.points[who] -= wanted.points
        self.taken[wanted.key] += 1
        self.had[who, wanted.key] = self.had.get((who, wanted.key), 0) + 1
        self.orders.append({"who": who, "goods": wanted, "state": "delivered" if wanted.reward else "placed"})

    def step(self, number: int, verb: str) -> bool:
        one = self.orders[number]
        if one["state"] not in WAY[verb]:
            return False
        one["state"] = WAY[verb][one["state"]]
        if verb in ("cancel", "take_back") and one["goods"]:
            self.points[one["who"]] += one["goods"].points
            self.had[one["who"], one["goods"].key] -= 1
            self.taken[one["goods"].key] -= verb == "cancel"
        return True


def do(db: Any, verb: str, number: str) -> Order:
    match verb:
        case "ship":
            return order.ship(db, CONFIG, number, "顺丰", "SF1", "小陈", NOW)
        case "deliver":
            return order.deliver(db, number, "小陈", NOW)
        case "cancel":
            return order.cancel(db, CONFIG, number, "小陈", "没货", NOW)
        case _:
            return order.take_back(db, CONFIG, number, "小陈", "退回", NOW)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS)
def test_states_points_and_stock_are_those_of_a_plain_model(sqlite_template: Path, acts: list[tuple[str, int, Any]]) -> None:
    database, plain = Database(f"sqlite:///{sqlite_template}"), Plain()
    numbers: list[str] = []
    with database.rehearsal() as db:
        people = [follower.seen(db, f"p{number}", NOW, NOW) for number in range(2)]
        for person, amount in zip(people, plain.points, strict=True):
            points.post(db, person.id, amount, "gift:1", NOW)
        for verb, which, what in acts:
            if verb == "place":
                why = plain.refusal(which, what)
                try:
                    with undone_on_error(db):
                        by = Circumstances(db, CONFIG, people[which], NOW, lambda name: 0.5)
                        placed = order.place(db, by, what, order.new_number(), None, NOW)
                except Refusal as refusal:
                    assert type(refusal).__name__ == why
                    continue
                assert why is None
                plain.place(which, what)
                numbers.append(placed.order.number)
                assert placed.balance == plain.points[which]
            elif verb == "prize":
                cause = f"lottery:{which}:{what}"
                known = [one for one in plain.orders if one.get("cause") == cause]
                prize = order.open_prize(db, people[which].id, "大奖", cause, NOW)
                if not known:
                    plain.orders.append({"who": which, "goods": None, "state": "unaddressed", "cause": cause})
                    numbers.append(prize.number)
            elif numbers:
                number = which % len(numbers)
                try:
                    with undone_on_error(db):
                        done: Order | None = do(db, verb, numbers[number])
                except order.WrongState as wrong:
                    assert wrong.details["state"] == plain.orders[number]["state"]
                    done = None
                assert plain.step(number, verb) == (done is not None)
            assert [order.find(db, number).state for number in numbers] == [one["state"] for one in plain.orders]
            assert [points.balance(db, person.id) for person in people] == plain.points
            assert {key: stock.taken(db, f"goods:{key}") for key in plain.taken} == plain.taken
            assert all(goods.number_had(db, people[who].id, key) == number for (who, key), number in plain.had.items())
        assert points.audit(db).differences == ()
        for called, one in zip(numbers, plain.orders, strict=True):
            assert order.history(db, order.find(db, called).id)[-1].state == one["state"]
    database.close()


def test_a_payment_that_was_taken_back_in_the_ledger_is_not_refunded_again(sqlite_template: Path) -> None:
    database = Database(f"sqlite:///{sqlite_template}")
    with database.rehearsal() as db:
        person = follower.seen(db, "p", NOW, NOW)
        points.post(db, person.id, 100, "gift:1", NOW)
        by = Circumstances(db, CONFIG, person, NOW, lambda name: 0.5)
        placed = order.place(db, by, CUP, order.new_number(), None, NOW)
        paid = db.execute(text("SELECT id FROM ledger_entry WHERE cause = :c"), {"c": f"shop:{placed.order.number}"}).scalar_one()
        points.reverse(db, paid, NOW, by="小陈", reason="弄错了")
        order.cancel(db, CONFIG, placed.order.number, "小陈", "", NOW)
        assert points.balance(db, person.id) == 100
        other = order.place(db, by, CUP, order.new_number(), None, NOW)  # and the other way round
        paid = db.execute(text("SELECT id FROM ledger_entry WHERE cause = :c"), {"c": f"shop:{other.order.number}"}).scalar_one()
        order.cancel(db, CONFIG, other.order.number, "小陈", "", NOW)
        assert points.reverse(db, paid, NOW, by="小陈", reason="弄错了") == points.Posted(100, new=False)
    database.close()


def test_history_and_consents_are_only_added_to(sqlite_template: Path) -> None:
    database = Database(f"sqlite:///{sqlite_template}")
    with database.rehearsal() as db:
        order.open_prize(db, follower.seen(db, "p", NOW, NOW).id, "大奖", "lottery:1", NOW)
        address.agreed(db, "同意吗？", "m", 7, NOW)
        for statement in ("UPDATE order_event SET state = 'placed'", "DELETE FROM order_event", "DELETE FROM address_consent"):
            with pytest.raises(Exception, match="append-only"), undone_on_error(db):
                db.execute(text(statement))
    database.close()


def test_an_error_of_the_database_does_not_tell_the_address_to_the_log(sqlite_template: Path) -> None:
    database = Database(f"sqlite:///{sqlite_template}")
    with database.rehearsal() as db:
        person = follower.seen(db, "p", NOW, NOW)
        consent = address.agreed(db, "同意吗？", "m", 7, NOW)
        with pytest.raises(DBAPIError) as broken, undone_on_error(db):
            address.keep(db, 999, person.id, Recipient("张三", "13800138000", "上海市世纪大道"), consent, ["m"])
    assert "INSERT INTO order_address" in str(broken.value)
    assert "世纪大道" not in str(broken.value)
    database.close()


# Reading addresses

WRITTEN = {
    "张三 13800138000 上海市浦东新区世纪大道100号": ("张三", "13800138000", "上海市浦东新区世纪大道100号"),
    "上海市浦东新区世纪大道100号 张三 138-0013-8000": ("张三", "13800138000", "上海市浦东新区世纪大道100号"),
    "张三，１３８００１３８０００，上海市 浦东新区 世纪大道１００号": ("张三", "13800138000", "上海市 浦东新区 世纪大道100号"),
    "收货人：张三\n手机号码：+86 138 0013 8000\n所在地区：上海市浦东新区\n详细地址：世纪大道100号": (
        "张三", "13800138000", "上海市浦东新区 世纪大道100号",
    ),
    "欧阳娜娜 010-62345678 北京市海淀区中关村大街1号院": ("欧阳娜娜", "01062345678", "北京市海淀区中关村大街1号院"),
    "John Smith, +14155550100, 1 Market Street, San Francisco": ("John Smith", "+14155550100", "1 Market Street San Francisco"),
    "13800138000": ("", "13800138000", ""),
    "张三": ("张三", "", ""),
    "浙江省杭州市西湖区文三路1号": ("", "", "浙江省杭州市西湖区文三路1号"),
    "12345678901234567890": ("", "", "12345678901234567890"),
    "23800138000 138001380001": ("", "", "23800138000 138001380001"),
    "": ("", "", ""),
}  # fmt: skip


@pytest.mark.parametrize(("said", "expected"), WRITTEN.items(), ids=[said[:12] for said in WRITTEN])
def test_a_recipient_is_read_as_people_write_it(said: str, expected: tuple[str, str, str]) -> None:
    read = address.read(said, Recipient())
    assert (read.name, read.phone, read.address) == expected


def test_what_is_asked_for_is_what_is_answered() -> None:
    known = Recipient("张三", "13800138000", "")
    assert address.read("3号楼201", known, "address").address == "3号楼201"
    assert address.read("3号", known, "address") == known  # too short for an address
    assert address.read("李四光", Recipient(), "name").name == "李四光"
    assert address.read("张" * 31, Recipient(), "name") == Recipient()
    assert address.read("x" * 201, known, "address") == known


@given(said=st.text(max_size=300), asked=st.sampled_from([None, "name", "phone", "address"]))
def test_whatever_is_written_fits_where_it_is_kept(said: str, asked: str | None) -> None:
    read = address.read(said, Recipient(), asked)
    assert len(read.name) <= 30
    assert len(read.phone) <= 20
    assert len(read.address) <= 200
    shown = read.masked
    assert not read.phone or read.phone not in shown.phone
    assert not read.address or read.address not in shown.address


def test_a_masked_recipient_is_known_again_and_of_no_use() -> None:
    assert Recipient("张三", "13800138000", "上海市浦东新区世纪大道100号").masked == Recipient("张*", "138****8000", "上海市浦…")
    assert Recipient().masked == Recipient()


def test_a_number_is_not_to_be_guessed_and_reads_well() -> None:
    numbers = {order.new_number() for _ in range(2000)}
    assert len(numbers) == 2000
    letters = set("".join(number[1:] for number in numbers))
    assert len(letters) == 32
    assert not letters & set("01IO")
    assert order.as_number(" ｄ23 ") == "D23"
