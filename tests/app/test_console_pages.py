"""The console's pages: what they show is so, what their buttons do, and that nothing a follower sends becomes a part of them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from app import live
from app.complaint import BadConfig
from app.console import PAGES, Desk, trying
from models import finding, follower, rule_version
from models.database import Database
from tests.app.browser import OURS, Browser, Page, console_of, hire, signed_in
from tests.conftest import Founded
from tests.people import BASIC, ROOT, World, account

RULES = """
keywords: {rules: [{name: 问候, when: {exact: [你好]}, reply: "%s"}], fallback: 没听懂}
points: {levels: {金卡: 100}}
"""


def audited(world: World) -> list[tuple[str, str, str]]:
    """Who did what to what, signing in left out."""
    rows = world.sql("SELECT audit_entry.by, action, subject FROM audit_entry WHERE action != 'signed_in' ORDER BY id")
    return [tuple(row) for row in rows]


# The first page


def test_the_first_page_says_what_is_in_force_and_what_came_in(world: World) -> None:
    for words in ("营业时间", "你们招人吗", "招人吗"):
        world.person("小王").says(words)
    world.person("小王").does("subscribe")
    world.at += timedelta(days=2)
    world.person("小李").says("招人吗")
    said = signed_in(world, "viewer").text()
    assert world.service.live.config.version[:12] in said
    assert "最近 24 小时 收到消息 1 没听懂 1 含事件共 1 最近 7 天 收到消息 4 没听懂 3 含事件共 5" in said


def test_an_error_of_the_newest_file_is_shown_at_its_place(world: World) -> None:
    browser = signed_in(world, "viewer")
    version = world.service.live.config.version[:12]
    world.path.write_text(account() + BASIC.replace("exact", "exakt").replace("contains", "contain"), "utf-8")
    world.service.live.refresh()
    said = browser.text()
    assert "没有生效" in said
    assert version in said
    assert "config.yaml:6:" in said
    assert re.search(r"<pre>[^<]*<mark>c</mark>ontain: ", browser.get().text)
    world.configure(BASIC)
    assert "没有生效" not in browser.text()


def test_a_warning_is_shown_with_its_code(found: Founded) -> None:
    world = found(RULES.replace("[你好]", "['签到，打卡']").replace("'签到，打卡'", "签到，打卡") % "好")
    assert [complaint.code for complaint in world.service.live.current.settings.warnings] == ["YZ601"]
    assert "YZ601" in signed_in(world, "viewer").text()


# 试一句


def test_a_try_shows_the_reply_and_the_way_to_it_and_changes_nothing(world: World) -> None:
    browser = signed_in(world, "viewer")
    before = (
        world.sql("SELECT count(*) FROM inbox_entry"),
        world.sql("SELECT count(*) FROM follower"),
        world.sql("SELECT count(*) FROM checkin"),
    )
    for openid in ("", world.person("小王").openid):
        said = Page(browser.send("/try", words="签到", openid=openid).text).text
        assert "第1天 +5 共5" in said
        assert "config.yaml:" in said
        assert "触发词“签到”" in said
    assert (
        world.sql("SELECT count(*) FROM inbox_entry"),
        world.sql("SELECT count(*) FROM follower"),
        world.sql("SELECT count(*) FROM checkin"),
    ) == before


def test_a_try_can_be_somebody_at_some_time(found: Founded) -> None:
    rules = "[{name: 夜, when: {exact: [在吗], from: '22:00', to: '06:00'}, reply: 睡了}, {name: 金, when: {exact: [在吗], level: 金卡, tags: [上海]}, reply: 贵客}]"
    world = found(f"keywords: {{rules: {rules}, fallback: 没听懂}}\npoints: {{levels: {{金卡: 100}}}}\n")
    browser = signed_in(world, "viewer")

    def says(**how: str) -> str:
        found_ = re.search(r'<p class="bubble ours">([^<]*)', browser.send("/try", words="在吗", **how).text)
        return found_[1] if found_ else ""

    assert says() == "没听懂"
    assert says(at="2026-11-21T23:30") == "睡了"
    assert says(level="金卡", tags="上海、北京") == "贵客"
    assert says(points="120", tags="上海") == "贵客"
    assert says(points="20", tags="上海") == "没听懂"


@pytest.mark.parametrize("how", [how for how in trying.WAYS if how != "says"])
def test_a_try_can_be_any_message(world: World, how: str) -> None:
    answer = signed_in(world, "viewer").send("/try", how=how, words="store_01")
    assert answer.status_code == 200
    assert "为什么" in answer.text


@pytest.mark.parametrize(
    "form",
    [
        {"words": ""},
        {"words": "字" * 1000},
        {"at": "昨天"},
        {"at": "0001-01-01T00:00"},
        {"at": "9999-12-31T23:59"},
        {"points": "-1"},
        {"points": "９"},
        {"points": "9" * 50},
        {"level": "没有的等级"},
    ],
    ids=repr,
)
def test_a_try_that_cannot_be_says_why(world: World, form: dict[str, str]) -> None:
    answer = signed_in(world, "viewer").send("/try", **{"words": "签到", **form})
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text


def test_tries_are_limited_per_operator(world: World) -> None:
    browser, other = signed_in(world, "viewer", "甲"), signed_in(world, "viewer", "乙")
    token = browser.token("/try")
    form = {"words": "签到", "csrf": token}
    status = [browser.request("POST", "/try", data=form, headers=OURS).status_code for _ in range(trying.MOST + 2)]
    assert status == [200] * trying.MOST + [429] * 2
    assert other.send("/try", words="签到").status_code == 200
    world.at += trying.WINDOW
    assert browser.send("/try", words="签到").status_code == 200


# 没听懂


def test_what_nobody_answered_is_grouped_with_a_rule_to_paste(world: World) -> None:
    for number, words in enumerate(("可以开发票吗", "可以开发票吗？", "能不能开发票", "停车方便吗", "营业时间")):
        world.person(f"粉丝{number}").says(words)
    said = signed_in(world, "viewer").text("/misses")
    assert "可以开发票吗 3 次 · 3 人" in said
    assert "停车方便吗 1 次" in said
    assert "营业时间" not in said
    assert "ask: 可以开发票吗" in said


def test_a_rule_that_is_suggested_is_refused_until_it_is_filled_in(world: World, tmp_path: Path) -> None:
    world.person("小王").says("可以开发票吗 # 'x': \"y\"\n- *a")
    html = signed_in(world, "viewer").get("/misses").text
    written = re.search(r'<pre class="copy"[^>]*>(.*?)</pre>', html, re.DOTALL)
    assert written
    text = "".join(Page(f"<pre>{written[1]}</pre>").words)
    path = tmp_path / "pasted.yaml"
    path.write_text(account() + text.replace("（请填写）", "可以"), "utf-8")
    live.read(path)
    path.write_text(account() + text, "utf-8")
    with pytest.raises(BadConfig):
        live.read(path)


# 待处理


def queued(world: World, text: str = "你们这些傻瓜") -> int:
    """Something waits for an operator. Returns its number."""
    openid = world.person("小王").openid
    world.person("小王").says("你好")
    with world.service.database.transaction() as db:
        person = follower.find(db, openid)
        assert person
        finding.note(db, f"k{text}", "heard", person.id, "傻瓜", "queue", text, world.at)
        return finding.newest(db)[0].id


@pytest.mark.parametrize(
    ("verdict", "state", "action"), [("pass", "passed", "finding_passed"), ("dismiss", "dismissed", "finding_dismissed")]
)
def test_an_editor_settles_what_waits_and_it_is_written_down(world: World, verdict: str, state: str, action: str) -> None:
    number, editor = queued(world), signed_in(world, "editor")
    assert "你们这些傻瓜" in editor.text("/findings")
    assert "1 条话等人看一眼" in editor.text()
    assert world.person("小王").openid not in editor.get("/findings?all=1").text
    assert editor.send(f"/findings/{number}", page="/findings", verdict=verdict).status_code == 303
    assert "没有等处理的" in editor.text("/findings")
    assert world.sql("SELECT state, settled_by FROM finding") == [(state, "editor")]
    assert audited(world) == [("editor", action, f"finding:{number}")]


def test_what_another_has_settled_stays_as_it_is(world: World) -> None:
    number, editor, admin = queued(world), signed_in(world, "editor"), signed_in(world, "admin")
    editor.send(f"/findings/{number}", page="/findings", verdict="pass")
    answer = admin.send(f"/findings/{number}", page="/findings", verdict="dismiss")
    assert answer.status_code == 409
    assert "已经由 editor 处理过了" in answer.text
    assert world.sql("SELECT state, settled_by FROM finding") == [("passed", "editor")]
    assert len(audited(world)) == 1


def test_a_viewer_sees_what_waits_and_no_buttons(world: World) -> None:
    queued(world)
    assert 'name="verdict"' not in signed_in(world, "viewer").get("/findings").text


@pytest.mark.parametrize(
    ("number", "verdict", "status"), [("999999", "pass", 404), ("1", "delete", 400), (str(1 << 63), "pass", 400), ("9" * 40, "pass", 400)]
)
def test_a_verdict_on_nothing_is_refused(world: World, number: str, verdict: str, status: int) -> None:
    assert signed_in(world, "editor").send(f"/findings/{number}", page="/findings", verdict=verdict).status_code == status


# 版本


def remembered(world: World) -> str:
    """The version in force is written down as serve does it, and another is in force after it. Returns the first."""
    first = ""
    for words in ("早", "晚"):
        world.configure(RULES % words)
        with world.service.database.transaction() as db:
            version = world.service.live.config.version
            rule_version.remember(db, version, [("config.yaml", world.path.read_text("utf-8"))], world.at)
            rule_version.under(db, version, "here:1", world.at)
        first = first or version
        world.at += timedelta(minutes=1)
    return first


def test_two_versions_are_compared_line_by_line(world: World) -> None:
    first, browser = remembered(world), signed_in(world, "viewer")
    current = world.service.live.config.version
    assert first[:12] in browser.text("/versions")
    html = browser.get(f"/versions/{first}").text
    assert re.search(r'class="minus">.*reply: &#34;晚', html)
    assert re.search(r'class="plus">.*reply: &#34;早', html)
    assert re.search(r'class="plus">.*reply: &#34;晚', browser.get(f"/versions/{current}?with={first}").text)
    assert "/back" not in html


def test_an_admin_goes_back_to_a_version_and_it_answers(world: World) -> None:
    first, admin = remembered(world), signed_in(world, "admin")
    assert world.person("小王").says("你好") == "晚"
    current = world.service.live.config.version
    assert admin.send(f"/versions/{first}/back", page=f"/versions/{first}").headers["location"] == "/console/versions"
    assert world.person("小王").says("你好") == "早"
    assert audited(world) == [("admin", "went_back", first)]
    assert current in world.sql("SELECT detail FROM audit_entry WHERE action = 'went_back'")[0][0]


def test_a_version_that_is_not_understood_any_more_is_not_gone_back_to(world: World) -> None:
    remembered(world)
    with world.service.database.transaction() as db:
        rule_version.remember(db, "broken", [("config.yaml", account() + "keywords: {rules: 7}")], world.at)
    before, admin = world.path.read_text("utf-8"), signed_in(world, "admin")
    answer = admin.send("/versions/broken/back", page="/versions/broken")
    assert answer.status_code == 409
    assert "回不去" in answer.text
    assert world.path.read_text("utf-8") == before
    assert audited(world) == []


def test_a_comparison_of_huge_files_is_not_made(world: World) -> None:
    with world.service.database.transaction() as db:
        for name in ("a", "b"):
            rule_version.remember(db, name, [("config.yaml", "\n".join(f"{name}{number}" for number in range(50_000)))], world.at)
    began = time.perf_counter()
    assert "改动太大" in signed_in(world, "viewer").text("/versions/a?with=b")
    assert time.perf_counter() - began < 2


# 操作记录


def test_the_trail_shows_who_did_what(world: World) -> None:
    hire(world, "小李", "editor")
    Browser(world).signs_in("小李", "guess")
    said = signed_in(world, "admin").text("/audit")
    assert "小李 登录失败" in said
    assert "admin 登录" in said


# What followers send


def attacks() -> list[str]:
    """Two hundred ways to become an element, an attribute or a script."""
    inner = [
        "alert(1)",
        "alert`1`",
        "confirm(document.cookie)",
        "fetch('/console/sign-out',{method:'POST'})",
        "top.location='//evil.example'",
    ]
    shapes = [
        "<script>{}</script>", "<img src=x onerror={}>", "<svg onload={}>", '"><script>{}</script>', "'><img src=x onerror={}>",
        '" onmouseover="{}', "' onfocus='{}' autofocus='", "javascript:{}", "<a href=javascript:{}>x</a>", "<iframe srcdoc='<script>{}</script>'>",
        "</textarea><script>{}</script>", "</pre><script>{}</script>", "</title><script>{}</script>", "--><script>{}</script><!--",
        "]]><script>{}</script>", "<style>@import'//evil.example/{}';</style>", "<base href='//evil.example/{}'>", "<form action=//evil.example><input name={}>",
        "<math><mtext><script>{}</script>", "<details open ontoggle={}>", "<video><source onerror={}>", "<body onload={}>",
        "<meta http-equiv=refresh content='0;url=javascript:{}'>", "<object data='javascript:{}'>", "<embed src='javascript:{}'>", "<link rel=stylesheet href='//e.example/{}'>",
        "&lt;script&gt;{}&lt;/script&gt;", "&#60;script&#62;{}", "%3Cscript%3E{}%3C/script%3E", "\u202e<script>{}</script>", "＜script＞{}＜/script＞",
        "{{{{ {} }}}}", "{{% print({}) %}}", "${{{}}}", "<ScRiPt\n>{}</sCrIpT\t>", "<<script>{}//<</script>", "<x onclick={} tabindex=1>x", "<input autofocus onfocus={}>",
        "<q cite=javascript:{}>", "</li></ol></section></main><script>{}</script>",
    ]  # fmt: skip
    return [shape.format(one) for shape in shapes for one in inner]


def skeleton(html: str) -> set[tuple[str, tuple[str, ...]]]:
    """The kinds of elements of a page, each with its attributes' names."""
    return set(Page(html).elements)


def shown_everywhere(world: World, browser: Browser) -> dict[str, str]:
    """Every page on which something that a follower sent, or that an attacker typed, may be shown."""
    console_of(world).desk.kept.clear()
    tried = browser.send("/try", words="<script>alert(1)</script>", tags='"><img src=x onerror=alert(1)>', openid="o'><script>")
    pages = {
        path: browser.get(path).text for path in ("", "/misses", "/misses?days=30", "/findings", "/findings?all=1", "/audit", "/versions")
    }
    return {**pages, "/try": tried.text}


def test_nothing_that_is_sent_becomes_part_of_a_page(world: World) -> None:
    browser = signed_in(world, "admin")
    world.person("粉丝").says("这是一句话")
    queued(world, "没什么")
    Browser(world).signs_in("x", "y")
    before = shown_everywhere(world, browser)
    sent = attacks()
    assert len(sent) >= 200
    for number, attack in enumerate(sent):
        person = world.person(f"攻击者{number % 7}")
        person.says(attack)
        if number % 20 == 0:
            person.does("CLICK", EventKey=attack)
            person.does("subscribe", EventKey=f"qrscene_{attack[:50]}")
            person.sends("location", Location_X="1", Location_Y="2", Scale="3", Label=attack)
            queued(world, attack)
            Browser(world).signs_in(attack, attack)
    with world.service.database.transaction() as db:
        db.exec_driver_sql("UPDATE follower SET remark = '<script>alert(1)</script>'")
    after = shown_everywhere(world, browser)
    for path, html in after.items():
        assert "script" in Page(html).text or path in ("", "/versions", "/audit"), f"{path} shows nothing of it: the test tests nothing"
        for tag, attributes in skeleton(html) - skeleton(before[path]):
            assert (tag, attributes) in KNOWN, f"{path}: <{tag} {attributes}>"


# Elements that pages have where they list something: they stand in the templates, and say nothing that is not ours.
KNOWN = {(tag, tuple(re.findall(r'([\w-]+)="', attributes))) for path in (ROOT / "app/console/templates").glob("*.html")
         for tag, attributes in re.findall(r"<(\w+)((?:\s[^<>{}]*(?:\{\{[^{}]*\}\}[^<>{}]*)*)?)>", path.read_text("utf-8"))}  # fmt: skip


def test_a_page_comes_within_fifty_milliseconds(world: World) -> None:
    browser = signed_in(world, "admin")
    for page in PAGES:
        if page.method == "GET" and page.path in ("", "/try", "/misses", "/findings", "/versions", "/audit", "/password"):
            took = []
            for _ in range(7):
                began = time.perf_counter()
                assert browser.get(page.path).status_code == 200
                took.append(time.perf_counter() - began)
            assert min(took) < 0.05, page.path


def test_the_console_can_be_looked_at_while_another_process_holds_the_database(found: Founded, sqlite_url: str, tmp_path: Path) -> None:
    world = World(tmp_path, sqlite_url)
    try:
        browser = signed_in(world, "admin")
        world.at += timedelta(minutes=10)
        other = Database(sqlite_url)
        with other.transaction():
            assert browser.get("/versions").status_code == 200
            assert browser.get("/misses").status_code == 200
        other.close()
    finally:
        world.close()


def test_what_a_desk_keeps_is_its_own(world: World) -> None:
    desk: Callable[[], Desk] = lambda: Desk(world.service.live, world.service.database, world.service.clock)  # noqa: E731
    assert desk().kept is not desk().kept
    assert json.dumps(sorted(desk().kept)) == "[]"
