"""One access token for all processes of an account."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta

import pytest

from app.token_store import DatabaseTokenStore
from models.clock import utc_now
from models.database import Database
from tests.people import ROOT
from tests.wechat.scripted_platform import PATHS, platform, run
from wechat.client import Client
from wechat.errcodes import Action, PlatformError
from wechat.token import LEASE, MemoryTokenStore, Token, Tokens


class World:
    """A clock, a store and a platform that counts its tokens."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, tzinfo=UTC)
        self.store = MemoryTokenStore(lambda: self.now)
        self.fetched = 0
        self.expires_in = 7200
        self.error: PlatformError | None = None

    async def fetch(self) -> tuple[str, int]:
        self.fetched += 1
        await asyncio.sleep(0.01)
        if self.error:
            raise self.error
        return f"token-{self.fetched}", self.expires_in

    def worker(self) -> Tokens:
        return Tokens(self.fetch, self.store, lambda: self.now)

    def later(self, **duration: float) -> None:
        self.now += timedelta(**duration)


def in_a_world(scenario: Callable[[World], Awaitable[None]]) -> Callable[[], None]:
    return lambda: run(lambda: scenario(World()))


@in_a_world
async def test_eight_workers_starting_at_once_fetch_one_token(world: World) -> None:
    tokens = await asyncio.gather(*(world.worker().get() for _ in range(8)))
    assert world.fetched == 1
    assert set(tokens) == {Token("token-1", 1)}


@in_a_world
async def test_eight_workers_refused_at_once_fetch_one_new_token_per_generation(world: World) -> None:
    workers = [world.worker() for _ in range(8)]
    tokens = await asyncio.gather(*(worker.get() for worker in workers))
    for generation in range(1, 4):
        calls = [worker.refused(token) for worker, token in zip(workers, tokens, strict=True) for _ in range(3)]
        tokens = (await asyncio.gather(*calls))[::3]
        assert world.fetched == generation + 1
        assert {token.generation for token in tokens} == {generation + 1}


@in_a_world
async def test_a_refusal_of_an_older_token_costs_no_call(world: World) -> None:
    one, other = world.worker(), world.worker()
    old = await one.get()
    new = await other.refused(await other.get())
    world.later(seconds=9)  # the claim on the old generation is over; the generation too
    assert not await world.store.claim_refresh(old.generation, world.now + LEASE)
    assert await one.refused(old) == new
    assert world.fetched == 2


@in_a_world
async def test_a_token_is_kept_until_five_minutes_before_its_end(world: World) -> None:
    worker = world.worker()
    await worker.get()
    world.later(seconds=6899)
    assert (await worker.get()).generation == 1
    world.later(seconds=2)
    assert (await worker.get()).generation == 2
    assert world.fetched == 2


@in_a_world
async def test_a_stored_token_is_used_by_a_new_process_and_refreshed_when_due(world: World) -> None:
    await world.store.save(7, "stored", world.now + timedelta(seconds=301))
    assert await world.worker().get() == Token("stored", 7)
    world.later(seconds=2)
    assert await world.worker().get() == Token("token-1", 8)


@in_a_world
async def test_tokens_that_are_due_when_fetched_do_not_cause_a_storm(world: World) -> None:
    world.expires_in = 200
    worker = world.worker()
    for _ in range(50):
        await worker.get()
    assert world.fetched == 1


@in_a_world
async def test_a_late_writer_never_puts_an_older_token_back(world: World) -> None:
    await world.store.save(3, "newest", world.now + timedelta(hours=2))
    assert not await world.store.save(3, "late", world.now)
    assert not await world.store.save(2, "later", world.now)
    stored = await world.store.read()
    assert stored
    assert stored.value == "newest"


@in_a_world
async def test_a_claim_belongs_to_one_caller_until_its_time_has_passed(world: World) -> None:
    assert await world.store.claim_refresh(1, world.now + LEASE)
    assert not await world.store.claim_refresh(1, world.now + LEASE)
    world.later(seconds=9)
    assert await world.store.claim_refresh(1, world.now + LEASE)


@in_a_world
async def test_a_worker_waits_for_the_process_that_holds_the_claim(world: World) -> None:
    await world.store.claim_refresh(0, world.now + LEASE)
    waiting = asyncio.create_task(world.worker().get())
    await asyncio.sleep(0.1)
    await world.store.save(1, "theirs", world.now + timedelta(hours=2))
    assert await waiting == Token("theirs", 1)
    assert world.fetched == 0


@in_a_world
async def test_a_claim_whose_owner_died_is_taken_over(world: World) -> None:
    await world.store.claim_refresh(0, world.now + LEASE)
    waiting = asyncio.create_task(world.worker().get())
    await asyncio.sleep(0.1)
    world.later(seconds=9)
    assert (await waiting).value == "token-1"


@in_a_world
async def test_a_wrong_secret_costs_one_call_per_lease_and_the_same_error_for_all(world: World) -> None:
    world.error = PlatformError(40125, "invalid appsecret")
    worker = world.worker()
    for _ in range(20):
        with pytest.raises(PlatformError) as refused:
            await worker.get()
        assert refused.value.action is Action.CONFIG
    assert world.fetched == 1
    world.later(seconds=9)
    world.error = None
    assert (await worker.get()).value == "token-2"


@in_a_world
async def test_a_failed_refresh_leaves_the_living_token_in_use(world: World) -> None:
    worker = world.worker()
    await worker.get()
    world.later(seconds=7000)
    world.error = PlatformError(-1, "system error")
    assert (await worker.get()).value == "token-1"
    world.later(seconds=201)
    with pytest.raises(PlatformError):
        await worker.get()


@in_a_world
async def test_no_printed_form_shows_a_token(world: World) -> None:
    token = await world.worker().get()
    assert token.value not in f"{token!r} {await world.store.read()!r}"


# Eight workers as in production: each with a connection of its own to the one database.

WORKERS = 8
FOREVER = {"errcode": 40001, "errmsg": "invalid credential, access_token is invalid or not latest rid: 1"}


def in_eight_workers(database_url: str, scenario: Callable[[list[DatabaseTokenStore]], Awaitable[None]]) -> None:
    with ExitStack() as opened:
        databases = [opened.enter_context(closing(Database(database_url))) for _ in range(WORKERS)]
        run(lambda: scenario([DatabaseTokenStore(database, "wx1", utc_now) for database in databases]))


def test_eight_workers_over_one_database_refresh_once_per_generation(database_url: str) -> None:
    async def scenario(stores: list[DatabaseTokenStore]) -> None:
        world = World()
        workers = [Tokens(world.fetch, store, utc_now) for store in stores]
        tokens = await asyncio.gather(*(worker.get() for worker in workers for _ in range(3)))
        for generation in range(1, 4):
            assert set(tokens) == {Token(f"token-{generation}", generation)}
            assert world.fetched == generation
            tokens = await asyncio.gather(*(worker.refused(tokens[0]) for worker in workers for _ in range(3)))

    in_eight_workers(database_url, scenario)


def test_a_platform_that_refuses_every_token_is_asked_twice_per_call_and_for_one_token_more(sqlite_url: str) -> None:
    calls = 5

    async def work(base: str, store: DatabaseTokenStore) -> None:
        async with Client(app_id="wx1", secret="s", api_base=base, store=store, clock=utc_now) as one:
            for _ in range(calls):
                with pytest.raises(PlatformError, match="40001"):
                    await one.template.send("oA", "T1", {}, client_msg_id="m1")

    async def scenario(stores: list[DatabaseTokenStore]) -> None:
        async with platform(template_send=[FOREVER]) as scripted:
            await asyncio.gather(*(work(scripted.base, store) for store in stores))
            assert len(scripted.calls(PATHS["template_send"])) == 2 * WORKERS * calls
            assert len(scripted.calls(PATHS["stable_token"])) <= 1 + WORKERS * calls
            assert all(b"force_refresh" not in call.body for call in scripted.calls(PATHS["stable_token"]))

    in_eight_workers(sqlite_url, scenario)


@in_a_world
async def test_a_platform_that_names_the_token_again_that_it_refuses_is_asked_for_another_once_in_a_while(world: World) -> None:
    async def fetch() -> tuple[str, int]:
        world.fetched += 1
        return "the same", 7200

    workers = [Tokens(fetch, world.store, lambda: world.now) for _ in range(8)]
    for _ in range(20):
        for worker in workers:
            token = await worker.get()
            assert (await worker.refused(token)).value == "the same"
    assert world.fetched <= 1 + len(workers)
    world.later(seconds=9)
    await workers[0].refused(await workers[0].get())
    assert world.fetched <= 2 + len(workers)


def test_nothing_of_ours_clears_a_quota() -> None:
    # Ten a month for all programs and people of the account together: that is a person's decision, in the platform's console.
    for package in ("app", "handlers", "models", "scheduler", "wechat"):
        for path in (ROOT / package).rglob("*.py"):
            told = path.read_text("utf-8")
            assert "clear_quota" not in told, path
            assert "quota/clear" not in told, path
