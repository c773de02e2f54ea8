"""QR codes with a scene: four kinds, their limits, and the picture."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from simulator.codes import Codes, NoneLeft

CREATE = "/cgi-bin/qrcode/create"
Call = Callable[..., dict[str, Any]]


def _scene(**scene: object) -> dict[str, Any]:
    return {"action_info": {"scene": scene}}


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({"action_name": "QR_SCENE", "expire_seconds": 60, **_scene(scene_id=1)}, None),
        ({"action_name": "QR_STR_SCENE", "expire_seconds": 2_592_000, **_scene(scene_str="s" * 64)}, None),
        ({"action_name": "QR_LIMIT_SCENE", **_scene(scene_id=100_000)}, None),
        ({"action_name": "QR_LIMIT_STR_SCENE", **_scene(scene_str="一号店")}, None),
        ({"action_name": "QR_FOREVER", **_scene(scene_id=1)}, 40052), ({**_scene(scene_id=1)}, 40052), ({"action_name": ["QR_SCENE"]}, 40052),
        ({"action_name": "QR_SCENE"}, 40053), ({"action_name": "QR_SCENE", **_scene(scene_id=0)}, 40053), ({"action_name": "QR_SCENE", **_scene(scene_str="s")}, 40053),
        ({"action_name": "QR_SCENE", "expire_seconds": 2_592_001, **_scene(scene_id=1)}, 40053),
        ({"action_name": "QR_SCENE", "expire_seconds": 0, **_scene(scene_id=1)}, 40053),
        ({"action_name": "QR_LIMIT_SCENE", **_scene(scene_id=100_001)}, 40053), ({"action_name": "QR_LIMIT_STR_SCENE", **_scene(scene_str="")}, 40053),
        ({"action_name": "QR_LIMIT_STR_SCENE", **_scene(scene_str="s" * 65)}, 40053),
    ],
)  # fmt: skip
def test_actions_scenes_and_lifetimes_have_their_limits(
    platform: httpx.Client, call: Call, body: dict[str, Any], errcode: int | None
) -> None:
    answer = call(platform, CREATE, body)
    assert answer.get("errcode") == errcode
    if errcode is None:
        assert answer["url"].startswith("http://weixin.qq.com/q/")
        assert ("expire_seconds" in answer) == ("LIMIT" not in body["action_name"])


def test_the_picture_needs_the_ticket_and_no_token(platform: httpx.Client, call: Call) -> None:
    made = call(platform, CREATE, {"action_name": "QR_LIMIT_STR_SCENE", **_scene(scene_str="store_01")})
    assert made["ticket"].endswith("==")
    temporary = {"action_name": "QR_SCENE", **_scene(scene_id=7)}
    answer = platform.get("/cgi-bin/showqrcode", params={"ticket": made["ticket"]})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert answer.content.startswith(b"\x89PNG")
    plus = next(ticket for ticket in (call(platform, CREATE, temporary)["ticket"] for _ in range(100)) if "+" in ticket)
    assert platform.get(f"/cgi-bin/showqrcode?ticket={plus}").status_code == 200  # as clients send it that do not escape
    assert platform.get("/cgi-bin/showqrcode", params={"ticket": "none"}).status_code == 404
    assert platform.get("/cgi-bin/showqrcode").status_code == 404


def test_a_permanent_code_of_a_scene_is_always_the_same_and_a_temporary_one_always_another(platform: httpx.Client, call: Call) -> None:
    forever = {"action_name": "QR_LIMIT_STR_SCENE", **_scene(scene_str="same")}
    today = {"action_name": "QR_STR_SCENE", **_scene(scene_str="same")}
    assert call(platform, CREATE, forever) == call(platform, CREATE, forever)
    first, second = call(platform, CREATE, today), call(platform, CREATE, today)
    assert first["ticket"] != second["ticket"]
    assert first["expire_seconds"] == 60


def test_a_temporary_code_ends_and_permanent_ones_run_out() -> None:
    codes = Codes("seed")
    codes.permanent_most = 2
    code = codes.create("s", permanent=False, seconds=60, now=1000.0)
    assert codes.by_ticket(code.ticket, 1059.0) is code
    assert codes.by_ticket(code.ticket, 1060.0) is None
    for scene in ("a", "b", "a"):
        codes.create(scene, permanent=True, seconds=0, now=1000.0)
    with pytest.raises(NoneLeft):
        codes.create("c", permanent=True, seconds=0, now=1000.0)
    codes.create("d", permanent=False, seconds=60, now=1000.0)
    assert [code.scene for code in codes.all()] == ["s", "a", "b", "d"]
