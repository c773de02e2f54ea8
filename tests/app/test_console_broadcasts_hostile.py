"""The pages about broadcasts against whoever has no business there, and against what is written in the file."""

from __future__ import annotations

from datetime import timedelta

from models import broadcast
from models.broadcast import Broadcast
from tests.app.browser import OURS, signed_in
from tests.app.test_console_broadcasts import decides, state
from tests.conftest import Founded
from tests.people import BASIC

NASTY = '"><script>alert(1)</script><img src=x onerror=1>'
RULES = f"""{BASIC}
segments: []
broadcasts:
  - {{key: ads, title: '{NASTY}', owner: '{NASTY[:36]}', column: '{NASTY[:36]}', cron: "0 20 * * fri", template: TEMPLATE_ID,
     data: {{thing1: '优惠券 {NASTY[:12]}'}}, url: 'javascript:alert(1)//"><script>', goal: {{do: checkin}}}}
"""
PAGES = ("/broadcasts", "/broadcasts/plan/ads", "/broadcasts/1", "/plan", "/effects", "/audit", "")


def test_what_is_written_in_the_file_is_text_and_only_who_may_takes_an_offence_upon_themselves(found_on_sqlite: Founded) -> None:
    world = found_on_sqlite(RULES)
    wang = world.person("小王")
    wang.does("subscribe")
    plan = Broadcast.model_validate(world.service.live.config[broadcast.BroadcastsSection].root[0])
    with world.service.database.transaction() as db:
        run = broadcast.start_for(db, plan, "ads", [1], world.at)
    assert state(world, run) == "asked"
    admin, viewer = signed_in(world, "admin", name="admin"), signed_in(world, "viewer", name="viewer")
    for page in PAGES:
        shown = admin.get(page)
        assert shown.status_code == 200, page
        assert not any(part in shown.text for part in ("<script", "<img src=x", 'href="javascript')), page
        assert wang.openid not in shown.text, page
    for path, form in (
        (f"/broadcasts/{run}/override", {"because": "x"}),
        ("/broadcasts/plan/ads/start", {"last": "0"}),
        ("/broadcasts/plan/ads/test", {"request": "a"}),
    ):
        assert admin.request("POST", path, data=form, headers=OURS).status_code == 403, "a form without its token"
        assert (
            admin.request("POST", path, data=form | {"csrf": admin.token("/plan")}, headers={"sec-fetch-site": "cross-site"}).status_code
            == 403
        )
        assert viewer.request("POST", path, data=form | {"csrf": viewer.token("/plan")}, headers=OURS).status_code == 403
    assert admin.request("POST", "/plan", data={"yaml": "key: x"}, headers=OURS).status_code == 403
    assert state(world, run) == "asked"
    assert decides(admin, run, "override").status_code == 409, "not without a reason"
    world.at += timedelta(seconds=1)
    token = {"csrf": admin.token(f"/broadcasts/{run}"), "because": "券是他们买的"}
    assert admin.request("POST", f"/broadcasts/{run}/override", data=token, headers=OURS).status_code == 303
    assert world.sql("SELECT \"by\", address FROM audit_entry WHERE action = 'run_overridden'") == [("admin", "127.0.0.1")]
    assert decides(admin, run, "resume").status_code == 303
    assert state(world, run) == "planning"
