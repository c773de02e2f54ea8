"""Coupons by their verbs: codes that tell a slip, the last of a batch, one use, and a machine that does anything in any order."""

from __future__ import annotations

import asyncio
import json
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import Connection, text

from models import coupon, follower, staff, stock
from models.config import Config
from models.coupon import CouponNotices, CouponRules, Redeemer, code
from models.coupon.rules import BatchRules
from models.database import Database, undone_on_error
from models.refusal import Refusal

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
COUNTER = Redeemer("柜台")
MINUTES = timedelta(minutes=10)


class Section(CouponRules):
    """As the file's section, without the words of the chat."""

    key: ClassVar[str] = "coupons"


def batch(key: str = "b", **more: Any) -> BatchRules:
    """A batch as the file would have it."""
    return BatchRules.model_validate_json(json.dumps({"key": key, "name": f"券{key}", "valid": {"days": 30}, "stock": 5, **more}))


def config_of(*batches: BatchRules) -> Config:
    """A file with these batches."""
    return Config(ZONE, sections={Section: Section(batches=batches, notices=CouponNotices())})


def people(db: Connection, many: int) -> list[int]:
    """So many followers."""
    return [follower.seen(db, f"o{number:027d}", NOW, NOW).id for number in range(many)]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    yield made
    made.close()


# Codes


def test_a_code_tells_every_wrong_letter_and_every_two_that_changed_places() -> None:
    for _ in range(20):
        made = code.fresh()
        assert code.right(made)
        for place, letter in enumerate(made):
            for other in code.LETTERS:
                assert other == letter or not code.right(made[:place] + other + made[place + 1 :])
            for there in range(place + 1, len(made)):
                swapped = list(made)
                swapped[place], swapped[there] = swapped[there], swapped[place]
                assert made[place] == made[there] or not code.right("".join(swapped))
            assert code.slip(made[:place] + made[place + 1 :])
            assert code.slip(made[:place] + "O" + made[place:])


def test_codes_have_69_bits_and_are_never_alike() -> None:
    assert len(code.LETTERS) ** (code.LENGTH - 1) > 2**69
    assert not set("01OIL") & set(code.LETTERS)
    some = {code.fresh() for _ in range(2000)}
    assert len(some) == 2000
    assert all(len(Counter(one[place] for one in some)) == 31 for place in range(code.LENGTH))


@settings(max_examples=60)
@given(data=st.data())
def test_a_code_is_the_same_however_it_is_typed(data: st.DataObject) -> None:
    made = code.fresh()
    wide = {c: unicodedata.lookup(f"FULLWIDTH {unicodedata.name(c).replace('CAPITAL ', 'CAPITAL ')}") for c in made}
    typed = "".join(
        data.draw(st.sampled_from([c, c.lower(), wide[c], wide[c].lower()]))
        + data.draw(st.sampled_from(["", " ", "-", "－", "—", "\u3000"]))
        for c in made
    )
    assert code.plain(typed) == code.plain(code.shown(made)) == made


# Claims


def at_once(database: Database, works: Sequence[Callable[[Any], Any]]) -> list[Any]:
    """What became of each, all handed over at once."""

    async def everything() -> list[Any]:
        return await asyncio.gather(*(database.run(work) for work in works), return_exceptions=True)

    return asyncio.run(everything())


def test_the_last_coupon_among_500_claimants_has_one_winner(database: Database) -> None:
    last = batch(stock=1)
    config = config_of(last)
    with database.transaction() as db:
        crowd = people(db, 500)
    works = [lambda db, one=one: coupon.claim_one(db, config, one, last, NOW) for one in crowd]
    told = Counter(type(outcome).__name__ for outcome in at_once(database, works))
    assert told == {"Coupon": 1, "SoldOut": 499}
    with database.snapshot() as db:
        assert stock.taken(db, "coupon:b") == 1
        assert db.execute(text("SELECT count(*), (SELECT count(*) FROM coupon_holding) FROM coupon")).one() == (1, 1)


def test_imported_codes_go_to_one_follower_each_and_none_is_lost(database: Database) -> None:
    partner = batch("p", codes="imported", stock=None, per_follower=2)
    config = config_of(partner)
    with database.transaction() as db:
        crowd = people(db, 8)
        assert coupon.import_codes(db, "p", [f"Pa-{number:05d}" for number in range(10_000)]) == coupon.Imported(10_000, 0)
        assert coupon.import_codes(db, "p", [f"pa {number:05d}" for number in range(9_990, 10_010)]) == coupon.Imported(10, 10)
        db.execute(text("DELETE FROM coupon_code WHERE id > 10"))

    def killed(db: Connection) -> None:
        coupon.claim_one(db, config, crowd[0], partner, NOW)
        raise KeyboardInterrupt  # the process is gone before the commit

    with pytest.raises(KeyboardInterrupt), database.transaction() as db:
        killed(db)
    works = [lambda db, one=one: coupon.claim_one(db, config, one, partner, NOW) for one in crowd * 3]
    told = at_once(database, works)
    got = [one.code for one in told if isinstance(one, coupon.Coupon)]
    assert sorted(got) == [f"Pa-{number:05d}" for number in range(10)]
    holders = Counter(one.follower_id for one in told if isinstance(one, coupon.Coupon))
    assert max(holders.values()) <= 2
    with database.snapshot() as db:
        assert coupon.counted(db, NOW)["p"] == coupon.Counted(claimed=10)


def test_codes_that_nobody_could_tell_apart_are_refused_and_none_is_imported(database: Database) -> None:
    with database.transaction() as db:
        coupon.import_codes(db, "other", ["TAKEN-1"])
    for lines in (["a" * 81], ["", "ab-1", "AB 1"], ["--- "], ["a\u200bb\x07"], ["taken1"]):
        with pytest.raises(coupon.UnusableCodes) as unusable, database.transaction() as db:
            coupon.import_codes(db, "p", ["good1", *lines])
        assert unusable.value.faults[0][0] == len(lines) + 1
    with database.snapshot() as db:
        assert "p" not in coupon.counted(db, NOW)


def test_a_cause_has_one_coupon_however_often_and_by_whomever_it_is_given(database: Database) -> None:
    few = batch(stock=3)
    config = config_of(few)
    with database.transaction() as db:
        one, other = people(db, 2)
    told = at_once(database, [lambda db: coupon.give(db, config, one, "b", "survey:s", NOW)] * 12)
    assert len({given.id for given in told}) == 1
    assert [given.new for given in told].count(True) == 1
    assert at_once(database, [lambda db: coupon.claim_one(db, config, one, few, NOW)])[0].args[0] == "AlreadyClaimed"
    assert at_once(database, [lambda db: coupon.claim_one(db, config, other, few, NOW)])[0].new
    with database.snapshot() as db:
        assert stock.taken(db, "coupon:b") == 2
        assert db.execute(text("SELECT count(*) FROM notice WHERE key LIKE 'coupon:%'")).scalar() == 1


# The counter


def test_a_coupon_is_redeemed_by_one_of_all_who_try_at_once(database: Database) -> None:
    config = config_of(batch())
    with database.transaction() as db:
        one, *staff_people = people(db, 13)
        counters = [Redeemer.of(staff.add(db, person, f"店员{person}", "一号店", "cli:x", NOW)) for person in staff_people]
        given = coupon.give(db, config, one, "b", "operator:1", NOW)
    works = [partial(coupon.redeem, config=config, coupon_id=given.id, who=who, now=NOW) for who in counters]
    told = at_once(database, works)
    winners = [outcome for outcome in told if isinstance(outcome, coupon.Found)]
    assert len(winners) == 1
    losers = [outcome for outcome in told if isinstance(outcome, coupon.AlreadyRedeemed)]
    assert len(losers) == 11
    assert {(loser.details["by"], loser.details["at"]) for loser in losers} == {(winners[0].redeemed_by, NOW)}
    with database.snapshot() as db:
        assert [act for _, act, _, _ in coupon.history(db, given.id)] == ["redeemed"]


def test_what_was_done_at_the_counter_cannot_be_changed_afterwards(database: Database) -> None:
    config = config_of(batch())
    with database.transaction() as db:
        given = coupon.give(db, config, people(db, 1)[0], "b", "operator:1", NOW)
        coupon.redeem(db, config, given.id, COUNTER, NOW)
    for statement in (
        "UPDATE coupon_event SET reason = 'x'",
        "DELETE FROM coupon_event",
        "UPDATE coupon SET state = 'claimed'",
        "UPDATE coupon SET state = 'lost'",
        "UPDATE stock SET taken = 6",
        "INSERT INTO coupon_holding (follower_id, batch, number) SELECT follower_id, batch, 0 FROM coupon",
    ):
        with pytest.raises(Exception, match=r"append-only|violates|CHECK|UNIQUE"), database.transaction() as db:
            db.execute(text(statement))


# Reminders


def test_followers_are_reminded_once_of_all_that_expires_soon_and_of_nothing_else(database: Database) -> None:
    config = config_of(
        batch("a", valid={"days": 5}), batch("b", valid={"to": "2026-11-26"}), batch("c", remind_days=0), batch("d", valid={"days": 2})
    )
    with database.transaction() as db:
        wang, li = people(db, 2)
        for key in "abcd":
            coupon.give(db, config, wang, key, f"operator:{key}", NOW)
        used = coupon.give(db, config, li, "a", "operator:a", NOW)
        coupon.redeem(db, config, used.id, COUNTER, NOW)
        db.execute(text("DELETE FROM notice"))
    morning = datetime(2026, 11, 23, 10, tzinfo=ZONE)
    at_once(database, [lambda db: coupon.remind(db, config, morning - timedelta(seconds=1))])
    assert sum(at_once(database, [lambda db: coupon.remind(db, config, morning)] * 8)) == 2
    assert sum(at_once(database, [lambda db: coupon.remind(db, config, morning + timedelta(days=9))] * 2)) == 0
    with database.snapshot() as db:
        told = db.execute(text("SELECT follower_id, text FROM notice")).all()
        templates = db.execute(text("SELECT count(*) FROM delivery")).scalar()
    assert [tuple(row) for row in told] == [
        (wang, "您有 2 张券快到期了：\n券a，有效期至 2026-11-26\n券b，有效期至 2026-11-26\n回复「我的券」可以查看")
    ]
    assert templates == 0


# Anything in any order


@dataclass
class Known:
    """What the model knows of a coupon."""

    who: int
    batch: str
    state: str = "claimed"
    at: datetime | None = None


class Machine(RuleBasedStateMachine):
    """Claims, gives, redeems, takes back, voids, and puts other stock into the file, beside a plain model of what must come of it."""

    make: Callable[[], tuple[Database, Any]]

    @initialize()
    def opens(self) -> None:
        """An empty database, four followers and two batches."""
        self.db = self.make()[1]
        self.people = people(self.db, 4)
        self.stocks = {"g": 3, "i": 2}
        self.now, self.counts = NOW, Counter[tuple[int, str]]()
        self.codes = [f"imp{number}" for number in range(4)]
        self.mine: dict[int, Known] = {}
        self.causes: dict[tuple[int, str], int] = {}
        self.taken = Counter[str]()
        coupon.import_codes(self.db, "i", self.codes)

    @property
    def config(self) -> Config:
        """The file as it is now."""
        general = batch("g", stock=self.stocks["g"], per_follower=2)
        return config_of(general, batch("i", stock=self.stocks["i"], codes="imported", per_follower=1))

    def tries(self, work: Callable[[], Any]) -> Any:
        """What the verb returned, or the name of its refusal."""
        try:
            with undone_on_error(self.db):
                return work()
        except Refusal as refusal:
            return type(refusal).__name__

    def _left(self, key: str) -> int:
        left = self.stocks[key] - self.taken[key]
        return min(left, len(self.codes) - self.taken["i"]) if key == "i" else left

    def _got(self, got: Any, who: int, key: str) -> None:
        assert got.new
        assert got.id not in self.mine
        self.mine[got.id] = Known(who, key)
        self.counts[who, key] += 1
        self.taken[key] += 1

    @rule(who=st.integers(0, 3), key=st.sampled_from("gi"))
    def claims(self, who: int, key: str) -> None:
        """One more, up to the limit, while there are any."""
        rules = self.config.of_kind(CouponRules).batch(key)  # type: ignore[union-attr]
        assert rules is not None
        got = self.tries(lambda: coupon.claim_one(self.db, self.config, self.people[who], rules, self.now))
        if self.counts[who, key] >= rules.per_follower:
            assert got == "AlreadyClaimed"
        elif self._left(key) <= 0:
            assert got == "SoldOut"
        else:
            self._got(got, who, key)

    @rule(who=st.integers(0, 3), key=st.sampled_from("gi"), cause=st.integers(0, 2))
    def is_given(self, who: int, key: str, cause: int) -> None:
        """Once per cause, beyond the limit, while there are any."""
        got = self.tries(lambda: coupon.give(self.db, self.config, self.people[who], key, f"survey:{cause}", self.now))
        known = self.causes.get((who, f"survey:{cause}"))
        if known is not None:
            assert (got.id, got.new) == (known, False)
        elif self._left(key) <= 0:
            assert got == "SoldOut"
        else:
            self._got(got, who, key)
            self.causes[who, f"survey:{cause}"] = got.id

    @precondition(lambda self: self.mine)
    @rule(data=st.data(), act=st.sampled_from(["redeem", "undo", "void"]))
    def is_handled(self, data: st.DataObject, act: str) -> None:
        """Each state lets happen what it lets happen."""
        number = data.draw(st.sampled_from(sorted(self.mine)))
        known = self.mine[number]
        match act:
            case "redeem":
                got = self.tries(lambda: coupon.redeem(self.db, self.config, number, COUNTER, self.now))
                expected = {"claimed": None, "redeemed": "AlreadyRedeemed", "void": "CouponVoid"}[known.state]
            case "undo":
                got = self.tries(lambda: coupon.undo(self.db, self.config, number, COUNTER, self.now))
                expected = None if known.state == "redeemed" else "NotRedeemed"
            case _:
                got = self.tries(lambda: coupon.void(self.db, number, "x", "y", self.now))
                expected = {"claimed": None, "redeemed": "AlreadyRedeemed", "void": "CouponVoid"}[known.state]
        if expected is not None:
            assert got == expected
            return
        assert isinstance(got, coupon.Found)
        known.state = {"redeem": "redeemed", "undo": "claimed", "void": "void"}[act]
        if act == "void" and known.batch == "g":
            self.taken["g"] -= 1

    @rule(key=st.sampled_from("gi"), stock=st.integers(0, 6))
    def has_other_stock(self, key: str, stock: int) -> None:
        """The operator saves another file."""
        self.stocks[key] = stock

    @invariant()
    def agrees(self) -> None:
        """The database has what the model has."""
        if not hasattr(self, "mine"):
            return
        rows = self.db.execute(text("SELECT id, follower_id, batch, state FROM coupon")).all()
        assert {row.id: (self.people.index(row.follower_id), row.batch, row.state) for row in rows} == {
            number: (one.who, one.batch, one.state) for number, one in self.mine.items()
        }
        assert {key: stock.taken(self.db, f"coupon:{key}") for key in "gi"} == {key: self.taken[key] for key in "gi"}
        held = self.db.execute(text("SELECT follower_id, batch, number FROM coupon_holding")).all()
        assert {(self.people.index(who), key): number for who, key, number in held} == dict(+self.counts)
        used = self.db.execute(text("SELECT count(*) FROM coupon_code WHERE coupon_id IS NOT NULL")).scalar()
        assert used == sum(1 for one in self.mine.values() if one.batch == "i")


def test_whatever_is_done_with_coupons_in_whatever_order_stock_and_states_are_right(database: Database) -> None:
    open_: list[Any] = []

    def make() -> tuple[Database, Any]:
        while open_:
            open_.pop().__exit__(None, None, None)
        rehearsal = database.rehearsal()
        open_.append(rehearsal)
        return database, rehearsal.__enter__()

    Machine.make = staticmethod(make)
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=False
        ),
    )
    make()
    open_.pop().__exit__(None, None, None)
