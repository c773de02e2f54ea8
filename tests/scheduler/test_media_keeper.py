"""The media keeper against the simulator as a process: one upload per content, renewed in time, whoever is killed on the way."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import pytest

from app import media_files
from app.token_store import DatabaseTokenStore
from models import media
from models.config import Config
from models.database import Database
from models.media import Copy, MediaSection
from scheduler.media import FileChanged, MediaKeeper
from tests.people import APP_ID, APP_SECRET, ROOT, Town
from tests.pictures import AMR, JPG, PNG
from tests.scheduler.stage import shanghai
from wechat.client import Client
from wechat.errcodes import PlatformError

T = TypeVar("T")
UPLOAD = "/cgi-bin/media/upload"


def well(platform: Town) -> None:
    """Nothing goes wrong on purpose any more."""
    urllib.request.urlopen(urllib.request.Request(f"{platform.sim}/_sim/faults", method="DELETE")).close()


@dataclass
class Shop:
    """Files, a database, a platform, and a clock that stands where the test puts it."""

    platform: Town
    url: str
    folder: Path
    stack: ExitStack
    at: datetime = field(default_factory=lambda: shanghai("2026-11-21 10:00:00"))

    def __post_init__(self) -> None:
        self.before = 0
        self.before = self.uploads
        self.database = self.another_database()
        self.section = MediaSection({})

    def another_database(self) -> Database:
        database = Database(self.url)
        self.stack.callback(database.close)
        return database

    def has(self, **files: bytes) -> None:
        """These are the files of the section."""
        for name, content in files.items():
            self.folder.joinpath(name).write_bytes(content)
        self.section = MediaSection({name: media.understand(str(self.folder / name), content) for name, content in files.items()})

    def config(self) -> Config:
        return Config(ZoneInfo("Asia/Shanghai"), "", {MediaSection: self.section})

    def run(self, work: Callable[[MediaKeeper], Coroutine[Any, Any, T]], processes: int = 1) -> list[T]:
        """Does this with a keeper in so many processes' place at once, each with a connection and a client of its own."""

        async def one() -> T:
            database = self.another_database()
            store = DatabaseTokenStore(database, APP_ID, lambda: self.at)
            async with Client(app_id=APP_ID, secret=APP_SECRET, api_base=self.platform.sim, store=store, clock=lambda: self.at) as client:
                return await work(MediaKeeper(database, client, self.config, media_files.read, lambda: self.at))

        async def all_at_once() -> list[T]:
            return list(await asyncio.gather(*(one() for _ in range(processes))))

        return asyncio.run(all_at_once())

    @property
    def uploads(self) -> int:
        """Calls of media/upload since this shop opened, refused ones too."""
        return int(sum(self.platform.ask("/_sim/stats")["api"].get(UPLOAD, {}).values())) - self.before

    def copy(self, name: str = "a.png", kind: str = "image") -> Copy | None:
        with self.database.snapshot() as db:
            return media.copies(db).get((self.section.root[name].digest, kind))


@pytest.fixture
def shop(platform: Town, database_url: str, tmp_path: Path) -> Iterator[Shop]:
    with ExitStack() as stack:
        yield Shop(platform, database_url, tmp_path, stack)
        well(platform)


def test_the_platform_has_what_was_uploaded_and_is_not_asked_again(shop: Shop) -> None:
    shop.has(**{"a.png": PNG, "b.amr": AMR})

    async def twice(keeper: MediaKeeper) -> list[str]:
        return [await keeper.media_id("a.png"), await keeper.media_id("a.png"), await keeper.media_id("b.amr")]

    [[first, again, voice]] = shop.run(twice)
    assert first == again != voice
    assert shop.uploads == 2
    with urllib.request.urlopen(f"{shop.platform.sim}/_sim/media/{first}") as answer:
        assert answer.read() == PNG


def test_eight_processes_at_once_make_one_upload(shop: Shop) -> None:
    shop.has(**{"a.png": PNG})
    found = shop.run(lambda keeper: keeper.media_id("a.png"), processes=8)
    assert len(set(found)) == 1
    assert shop.uploads == 1


def test_eight_processes_that_keep_make_one_upload_of_each(shop: Shop) -> None:
    shop.has(**{f"{number}.png": PNG + bytes([number]) for number in range(3)})
    shop.run(lambda keeper: keeper.keep(), processes=8)
    assert shop.uploads == 3


def test_a_copy_is_renewed_twelve_hours_before_its_end(shop: Shop) -> None:
    shop.has(**{"a.png": PNG})
    shop.run(lambda keeper: keeper.keep())
    first = shop.copy()
    assert first is not None
    shop.at += timedelta(days=2, hours=12, seconds=-1)
    shop.run(lambda keeper: keeper.keep())
    assert (shop.copy(), shop.uploads) == (first, 1)
    shop.at += timedelta(seconds=1)
    assert shop.run(lambda keeper: keeper.media_id("a.png")) == [first.media_id], "the old copy serves while it lives"
    shop.run(lambda keeper: keeper.keep())
    second = shop.copy()
    assert second is not None
    assert (second.media_id != first.media_id, second.expires_at, shop.uploads) == (True, shop.at + timedelta(days=3), 2)


def test_a_round_that_finds_nothing_to_do_costs_no_call(shop: Shop) -> None:
    shop.run(lambda keeper: keeper.keep())
    assert shop.uploads == 0


def test_a_refused_copy_is_uploaded_anew_and_a_newer_one_stays(shop: Shop) -> None:
    shop.has(**{"a.png": PNG})

    async def refused(keeper: MediaKeeper) -> list[str]:
        first = await keeper.media_id("a.png")
        await keeper.refused("a.png", first)
        second = await keeper.media_id("a.png")
        await keeper.refused("a.png", first)
        return [first, second, await keeper.media_id("a.png")]

    [[first, second, still]] = shop.run(refused)
    assert first != second == still
    assert shop.uploads == 2


def test_a_cover_is_renewed_once_it_was_needed_as_one(shop: Shop) -> None:
    shop.has(**{"a.jpg": JPG})
    shop.run(lambda keeper: keeper.keep())
    assert shop.copy("a.jpg", "thumb") is None
    shop.run(lambda keeper: keeper.media_id("a.jpg", "thumb"))
    assert shop.uploads == 2
    shop.at += timedelta(days=2, hours=13)
    shop.run(lambda keeper: keeper.keep())
    cover = shop.copy("a.jpg", "thumb")
    assert cover is not None
    assert cover.uploaded_at == shop.at
    assert shop.uploads == 4


def test_a_refused_upload_is_kept_for_the_operator_and_not_tried_again_unasked_for_ten_minutes(shop: Shop) -> None:
    shop.has(**{"a.png": PNG})
    shop.platform.ask("/_sim/faults", path=UPLOAD, errcode=45009)
    shop.run(lambda keeper: keeper.keep())
    copy = shop.copy()
    assert copy is not None
    assert copy.media_id is None
    assert (copy.error or "").startswith("45009 ")
    shop.run(lambda keeper: keeper.keep())
    assert shop.uploads == 1
    with pytest.raises(PlatformError):  # whoever needs it now asks at once
        shop.run(lambda keeper: keeper.media_id("a.png"))
    well(shop.platform)
    shop.at += timedelta(minutes=10)
    shop.run(lambda keeper: keeper.keep())
    copy = shop.copy()
    assert copy is not None
    assert (copy.error, copy.lives(shop.at), shop.uploads) == (None, True, 3)


def test_an_upload_that_fails_fails_for_everybody_who_wants_the_copy_and_not_once_more_for_each(shop: Shop) -> None:
    shop.has(**{"a.png": PNG})
    shop.platform.ask("/_sim/faults", path=UPLOAD, status=502)

    async def crowd(keeper: MediaKeeper) -> int:
        wanted = [keeper.media_id("a.png") for _ in range(30)]
        refused = await asyncio.gather(*wanted, return_exceptions=True)
        return sum(isinstance(one, PlatformError) for one in refused)

    assert shop.run(crowd) == [30]
    assert shop.uploads == 1


def test_a_renewal_that_fails_leaves_the_old_copy_in_use(shop: Shop) -> None:
    shop.has(**{"a.png": PNG})
    [first] = shop.run(lambda keeper: keeper.media_id("a.png"))
    shop.at += timedelta(days=2, hours=13)
    shop.platform.ask("/_sim/faults", path=UPLOAD, errcode=-1)
    shop.run(lambda keeper: keeper.keep())
    assert shop.run(lambda keeper: keeper.media_id("a.png")) == [first]


def test_a_file_that_is_not_the_one_that_was_checked_is_not_uploaded(shop: Shop) -> None:
    shop.has(**{"a.png": PNG})
    (shop.folder / "a.png").write_bytes(JPG)
    with pytest.raises(FileChanged):
        shop.run(lambda keeper: keeper.media_id("a.png"))
    (shop.folder / "a.png").unlink()
    with pytest.raises(FileNotFoundError):
        shop.run(lambda keeper: keeper.media_id("a.png"))
    shop.run(lambda keeper: keeper.keep())
    with pytest.raises(KeyError):
        shop.run(lambda keeper: keeper.media_id("b.png"))
    assert shop.uploads == 0


_KILLED = """
import asyncio, json, os, signal, sys
from datetime import datetime
from zoneinfo import ZoneInfo
from app import media_files
from app.token_store import DatabaseTokenStore
from models import media
from models.config import Config
from models.database import Database
from models.media import MediaSection
from scheduler.media import MediaKeeper
from wechat.client import Client

given = json.loads(sys.argv[1])
at = datetime.fromisoformat(given["at"])
media.store = lambda *_: os.kill(os.getpid(), signal.SIGKILL)

async def main():
    database = Database(given["url"])
    store = DatabaseTokenStore(database, given["app_id"], lambda: at)
    content = open(given["path"], "rb").read()
    section = MediaSection({"a.png": media.understand(given["path"], content)})
    config = Config(ZoneInfo("Asia/Shanghai"), "", {MediaSection: section})
    async with Client(app_id=given["app_id"], secret=given["secret"], api_base=given["sim"], store=store, clock=lambda: at) as client:
        await MediaKeeper(database, client, lambda: config, media_files.read, lambda: at).media_id("a.png")

asyncio.run(main())
"""


def test_killed_between_upload_and_store_it_costs_one_more_upload_and_nothing_else(shop: Shop) -> None:
    shop.has(**{"a.png": PNG})
    given = {
        "url": shop.url,
        "at": shop.at.isoformat(),
        "path": str(shop.folder / "a.png"),
        "app_id": APP_ID,
        "secret": APP_SECRET,
        "sim": shop.platform.sim,
    }
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, json.dumps(given)], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert shop.uploads == 1
    shop.run(lambda keeper: keeper.keep())
    assert shop.uploads == 1, "the lease of the one that was killed still runs"
    shop.at += media.LEASE
    [found] = shop.run(lambda keeper: keeper.media_id("a.png"))
    copy = shop.copy()
    assert copy is not None
    assert (copy.media_id, copy.lives(shop.at), shop.uploads) == (found, True, 2)
    shop.run(lambda keeper: keeper.keep(), processes=3)
    assert shop.uploads == 2
