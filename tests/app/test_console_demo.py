"""The demonstration's console: the printed link, name and password open it at once, and those of the last time do not any more."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import httpx

from app.passwords import hash_of
from models import operator
from models.database import Database
from tests.app.browser import PASSWORD
from tests.app.test_demo import kept_from_last_time, running


def signs_in(base: str, name: str, password: str) -> tuple[int, str]:
    """They open the link, fill in the form and send it, and look at the first page. Returns the form's status and what the page says."""
    with httpx.Client(base_url=base, headers={"origin": base}) as browser:
        form = re.search(r'name="csrf" value="(\w+)"', browser.get("/console/sign-in").text)
        assert form
        status = browser.post("/console/sign-in", data={"name": name, "password": password, "csrf": form[1]}).status_code
        return status, browser.get("/console").text


def test_the_printed_password_opens_the_console_and_the_last_one_does_not(tmp_path: Path) -> None:
    kept_from_last_time(tmp_path / "demo")
    database = Database(f"sqlite:///{tmp_path}/demo/data/yizhan.db")
    with database.transaction() as db:
        operator.add(db, "demo", "viewer", datetime.now(UTC), password=hash_of(PASSWORD))
    database.close()
    with running(tmp_path / "demo"):
        said = (tmp_path / "demo.out").read_text("utf-8")
        printed = re.search(r"(http://127\.0\.0\.1:\d+)/console\s+名字 (\S+)，密码 (\S+)", said)
        assert printed, said
        base, name, password = printed.groups()
        assert signs_in(base, name, PASSWORD)[0] == 403
        status, page = signs_in(base, name, password)
        assert status == 303
        assert "生效的规则" in page
