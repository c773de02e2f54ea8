"""One access token for all processes of an account."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.wechat.scripted_platform import run
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
