"""Key rotation: the token and the AES key that were replaced hold for a while, and say so clearly when they are written wrongly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from app.complaint import BadConfig
from app.main import build, create_app
from app.secrets import Secrets, secrets
from tests.conftest import Founded
from tests.people import AES_KEY, APP_SECRET, TOKEN, World, message, openid, push

OLD = {"YIZHAN_TOKEN_PREVIOUS": "old-token", "YIZHAN_ENCODING_AES_KEY_PREVIOUS": "Z" * 42 + "Y"}
BASE = {"YIZHAN_APP_SECRET": "s", "YIZHAN_TOKEN": "t", "YIZHAN_ENCODING_AES_KEY": AES_KEY}


def test_a_running_service_takes_the_old_keys_until_they_end_without_a_restart(found: Founded, database_url: str) -> None:
    world: World = found()
    until = world.at + timedelta(hours=1)
    given = Secrets(APP_SECRET, TOKEN, AES_KEY, database_url, "old-token", OLD["YIZHAN_ENCODING_AES_KEY_PREVIOUS"], until)
    service = build(world.path, given, {"web"}, clock=lambda: world.at)

    async def status(token: str, aes: str) -> int:
        query, body = push(message(openid("王"), world.at.timestamp(), Content="营业时间"), world.at.timestamp(), token, aes)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(create_app(service)), base_url="http://bot") as http:
            return (await http.post(f"/wechat?{query}", content=body)).status_code

    old = tuple(OLD.values())
    assert (world.run(status(*old)), world.run(status(TOKEN, AES_KEY))) == (200, 200)
    world.at = until
    assert (world.run(status(*old)), world.run(status(TOKEN, AES_KEY))) == (403, 200)
    world.run(service.client.aclose())
    service.database.close()


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2026-12-01", datetime(2026, 12, 1, 16, tzinfo=UTC)),  # the whole day, in Shanghai
        ("2026-12-01T18:00+08:00", datetime(2026, 12, 1, 10, tzinfo=UTC)),
        ("2026-12-01T10:00:00Z", datetime(2026, 12, 1, 10, tzinfo=UTC)),
        (" 2026-12-01 ", datetime(2026, 12, 1, 16, tzinfo=UTC)),
    ],
)
def test_the_end_is_a_day_or_an_instant(written: str, instant: datetime) -> None:
    found = secrets(BASE | OLD | {"YIZHAN_PREVIOUS_UNTIL": written})
    assert found.previous_until == instant
    assert (found.token_previous, found.encoding_aes_key_previous) == tuple(OLD.values())
    assert "old-token" not in repr(found)


def test_a_previous_key_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old-token\n")
    found = secrets(BASE | {"YIZHAN_TOKEN_PREVIOUS_FILE": str(tmp_path / "old"), "YIZHAN_PREVIOUS_UNTIL": "2026-12-01"})
    assert (found.token_previous, found.encoding_aes_key_previous) == ("old-token", None)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (OLD, "a previous key needs an end"),
        ({"YIZHAN_TOKEN_PREVIOUS": "x", "YIZHAN_PREVIOUS_UNTIL": ""}, "a previous key needs an end"),
        (OLD | {"YIZHAN_PREVIOUS_UNTIL": "tomorrow"}, "cannot read 'tomorrow'"),
        (OLD | {"YIZHAN_PREVIOUS_UNTIL": "2026-13-01"}, "cannot read"),
        (OLD | {"YIZHAN_PREVIOUS_UNTIL": "9999-12-31"}, "cannot read"),
        (OLD | {"YIZHAN_PREVIOUS_UNTIL": "2026-12-01T10:00"}, "2026-12-01T18:00+08:00"),
        ({"YIZHAN_PREVIOUS_UNTIL": "2026-12-01"}, "there is no previous key"),
    ],
)
def test_what_is_wrong_with_the_end_is_said(given: dict[str, str], said: str) -> None:
    with pytest.raises(BadConfig) as wrong:
        secrets(BASE | given)
    assert "YIZHAN_PREVIOUS_UNTIL" in wrong.value.render("en")
    assert said in wrong.value.render("en")


def test_without_previous_keys_nothing_is_asked_for() -> None:
    assert secrets(BASE) == Secrets("s", "t", AES_KEY)
