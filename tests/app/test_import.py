"""`yizhan import`: what the platform's console had becomes a file that passes the check, and nothing of it is lost in silence."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app import carry_over, cli, live, yaml_text
from app.yaml_source import parse
from app.yaml_text import Piece, printable
from handlers.keyword import KeywordsSection
from handlers.menu import MenuSection
from handlers.welcome import WelcomeSection
from models.config import fill, literal
from tests.people import APP_SECRET, BASIC, Town, account

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


class Console:
    """A platform that answers what was set up in its console, over real sockets; whatever else it is asked is refused."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {
            "/cgi-bin/stable_token": {"access_token": "T", "expires_in": 7200},
            "/cgi-bin/get_current_selfmenu_info": {"is_menu_open": 0},
            "/cgi-bin/get_current_autoreply_info": {"is_add_friend_reply_open": 0, "is_autoreply_open": 0},
            "/cgi-bin/menu/get": {"errcode": 46003, "errmsg": "menu no exist"},
        }
        answers = self.answers

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("content-length") or 0))
                answer = answers.get(self.path.partition("?")[0], {"errcode": 48001, "errmsg": "api unauthorized"})
                body = answer if isinstance(answer, bytes) else json.dumps(answer, ensure_ascii=False).encode()
                self.send_response(200)
                self.send_header("content-type", "image/png" if isinstance(answer, bytes) else "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def menu(self, *buttons: dict[str, Any]) -> None:
        self.answers["/cgi-bin/get_current_selfmenu_info"] = {"is_menu_open": 1, "selfmenu_info": {"button": list(buttons)}}

    def replies(self, *rules: dict[str, Any], **more: Any) -> None:
        self.answers["/cgi-bin/get_current_autoreply_info"] = {
            "is_add_friend_reply_open": 1,
            "is_autoreply_open": 1,
            "keyword_autoreply_info": {"list": list(rules)},
            **more,
        }


@pytest.fixture
def console() -> Iterator[Console]:
    made = Console()
    yield made
    made.close()


Imported = Callable[..., tuple[int, str, str]]


@pytest.fixture
def imported(console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Imported:
    """Types `yizhan import -o new.yaml` in a folder that has an account. Returns exit code, the new file and standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("YIZHAN_APP_SECRET", APP_SECRET)
    for name in ("YIZHAN_CONFIG", "YIZHAN_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    Path("config.yaml").write_text(account(console.base), "utf-8")

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["yizhan", "import", "-o", "new.yaml", *words])
        with pytest.raises(SystemExit) as done:
            cli.main()
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        file = Path("new.yaml")
        return int(str(done.value.code)), file.read_text("utf-8") if file.exists() else "", err

    return run


def rule(name: str, *replies: dict[str, Any], mode: str = "reply_all", **words: list[str]) -> dict[str, Any]:
    keywords = [{"type": "text", "match_mode": how, "content": word} for how, some in words.items() for word in some]
    return {"rule_name": name, "create_time": 1, "reply_mode": mode, "keyword_list_info": keywords, "reply_list_info": list(replies)}


def said(text: str) -> dict[str, Any]:
    return {"type": "text", "content": text}


def keywords() -> KeywordsSection:
    return live.read(Path("new.yaml")).config[KeywordsSection]


def menu() -> MenuSection:
    return live.read(Path("new.yaml")).config[MenuSection]


ARTICLE = {
    "title": "标题 {a}",
    "author": "a",
    "digest": "说明",
    "show_cover": 1,
    "cover_url": "http://p/1.jpg",
    "content_url": "https://mp.weixin.qq.com/s/1",
    "source_url": "http://s",
}


def test_welcome_rules_and_default_reply_become_sections(console: Console, imported: Imported) -> None:
    console.replies(
        rule("营业", said("9 点"), contain=["几点", "营业时间"], equal=["开门"]),
        rule("图文", {"type": "news", "news_info": {"list": [ARTICLE]}}, equal=["图文"]),
        add_friend_autoreply_info=said("你好\n第二行"),
        message_default_autoreply_info=said("收到"),
    )
    code, _, err = imported()
    assert code == 0
    config = live.read(Path("new.yaml")).config
    assert config[WelcomeSection].reply == "你好\n第二行"
    assert config[KeywordsSection].fallback == "收到"
    first, second = config[KeywordsSection].rules
    assert (first.name, first.when.contains, first.when.exact, first.reply) == ("营业", ["几点", "营业时间"], ["开门"], "9 点")
    article = second.reply.news[0]  # type: ignore[union-attr,index]
    assert (article.title, article.description, article.picture) == ("标题 {{a}}", "说明", "http://p/1.jpg")
    assert article.url == "https://mp.weixin.qq.com/s/1"
    assert err == "注意：公众平台一小时只回复一次，这里每次都回复\n"


@pytest.mark.parametrize(
    "text",
    [
        "{name}，你好",
        "{{name}}",
        "{a}{b} {0} {}",
        "- a: b # c",
        "22:30",
        "007",
        "yes",
        "~",
        "*a",
        "&a",
        "!a",
        "a\n\n  b \n# c\n",
        "'\"\\",
        "👨‍👩‍👧 [微笑]",
    ],
)
def test_a_text_reaches_the_follower_as_the_operator_wrote_it_in_the_console(console: Console, imported: Imported, text: str) -> None:
    console.replies(rule(text[:9] or "a", said(text), equal=[text]))
    console.menu({"type": "text", "name": "a", "value": text})
    assert imported()[0] == 0
    (one,) = keywords().rules
    assert (fill(str(one.reply), {}), one.when.exact) == (text, [text])
    assert fill(str(menu().buttons[0].reply), {}) == text


def test_what_cannot_be_carried_over_is_said_in_the_file_and_to_the_operator(console: Console, imported: Imported) -> None:
    console.replies(
        rule("两条", said("甲"), said("乙\n丙"), equal=["a"]),
        rule("随机", said("丁"), said("戊"), mode="random_one", equal=["b"]),
        rule("只有视频", {"type": "video", "content": "VIDEO"}, equal=["c"]),
        rule("没有回复", equal=["d"]),
        rule("没有词", said("己")),
        add_friend_autoreply_info=[said("庚"), said("辛")],
        message_default_autoreply_info={"type": "video", "content": "VIDEO"},
    )
    console.answers["/cgi-bin/media/get"] = {"video_url": "http://video/1", "down_url": "http://video/1"}
    console.menu({"type": "video", "name": "视频", "value": "http://video/2"}, {"type": "finder", "name": "视频号", "value": "x"})
    code, text, err = imported()
    assert code == 0
    assert [one.name for one in keywords().rules] == ["两条", "随机"]
    assert [one.reply for one in menu().buttons] == ["视频", "视频号"]
    for lost in (
        "乙",
        "丙",
        "戊",
        "随机回复其中一条",
        "只有视频",
        "http://video/1",
        "没有回复",
        "没有词",
        "己",
        "辛",
        "http://video/2",
        "finder",
    ):
        assert lost in err, lost
        comment = "".join(line for line in text.splitlines() if line.lstrip().startswith("#"))
        assert lost in comment, lost


def test_switched_off_replies_and_menus_are_not_switched_on(console: Console, imported: Imported) -> None:
    console.replies(
        is_add_friend_reply_open=0, is_autoreply_open=0, add_friend_autoreply_info=said("你好"), message_default_autoreply_info=said("收到")
    )
    console.menu({"type": "view", "name": "官网", "url": "https://x"})
    console.answers["/cgi-bin/get_current_selfmenu_info"]["is_menu_open"] = 0
    code, text, err = imported()
    assert code == 0
    config = live.read(Path("new.yaml")).config
    assert not {WelcomeSection, KeywordsSection, MenuSection} & set(config.sections)
    for kept in ("你好", "收到", "https://x"):
        assert kept in err
        assert f"{kept}\n" in text


def test_words_that_two_rules_or_a_feature_of_ours_claim_are_reported_and_the_file_is_good(console: Console, imported: Imported) -> None:
    console.replies(
        rule("一", said("甲"), contain=["活动"]),
        rule("二", said("乙"), equal=["活动报名", "报名"]),
        rule("三", said("丙"), equal=["报名", "积分"]),
    )
    code, _, err = imported()
    assert code == 0
    assert "“活动报名”先被规则“一”回答，轮不到规则“二”" in err
    assert "“报名”先被规则“二”回答，轮不到规则“三”" in err
    assert "“积分”是驿站自己的词（points.triggers.0），轮不到规则“三”" in err
    assert err.count("注意：") == 3


def test_pictures_are_saved_beside_the_file_because_their_ids_die_in_three_days(console: Console, imported: Imported) -> None:
    console.replies(rule("图", {"type": "img", "content": "PICTURE"}, equal=["图"]))
    console.menu({"type": "img", "name": "图", "value": "PICTURE2"})
    console.answers["/cgi-bin/media/get"] = PNG
    code, _, err = imported()
    assert (code, err) == (0, "")
    assert keywords().rules[0].reply.image.media_id == menu().buttons[0].reply.image.media_id == "导入的素材1"  # type: ignore[union-attr]
    (file,) = Path("imported-media").iterdir()
    assert file.read_bytes() == PNG


def test_a_picture_that_cannot_be_fetched_keeps_its_id_and_is_reported(console: Console, imported: Imported) -> None:
    console.replies(rule("图", {"type": "img", "content": "PICTURE"}, equal=["图"]))
    code, _, err = imported()
    assert code == 0
    assert "素材 PICTURE 下载不了：48001 接口未授权" in err
    assert keywords().rules[0].reply.image.media_id == "PICTURE"  # type: ignore[union-attr]


def test_every_button_of_a_menu_made_by_a_program_leads_somewhere(console: Console, imported: Imported) -> None:
    console.replies(rule("你好", said("好"), contain=["你好"]))
    console.menu(
        {"type": "click", "name": "问好", "key": "你好吗"},
        {"type": "click", "name": "歌曲", "key": "V1001"},
        {
            "name": "更多",
            "sub_button": {
                "list": [
                    {"type": "scancode_push", "name": "扫", "key": "K1"},
                    {"type": "scancode_waitmsg", "name": "扫二", "key": "K2"},
                    {"type": "pic_weixin", "name": "图", "key": "K3"},
                    {"type": "miniprogram", "name": "小", "url": "http://m", "appid": "wxm", "pagepath": "p"},
                    {"type": "click", "name": "歌曲", "key": "V1001"},
                ]
            },
        },
    )
    code, _, err = imported()
    assert code == 0
    section = menu()
    assert section.buttons[0].say == "你好吗"
    assert (section.buttons[1].key, section.buttons[1].reply) == ("V1001", "歌曲")
    assert "按钮“歌曲”原来由开发者的程序回答（key V1001）" in err
    assert [button.get("key") for button in section.wire()[2]["sub_button"]] == ["K1", "K2", "K3", None, "V1001"]  # type: ignore[attr-defined]


def test_buttons_of_one_name_get_keys_of_their_own(console: Console, imported: Imported) -> None:
    console.menu(*({"type": "text", "name": "同名", "value": value} for value in ("甲", "乙", "丙")))
    assert imported()[0] == 0
    assert len({button["key"] for button in menu().wire()}) == 3


def test_buttons_that_break_our_limits_are_remarked_and_the_file_is_good(console: Console, imported: Imported) -> None:
    console.menu(
        {"type": "view", "name": "没有网址", "url": "weixin://x"},
        {"name": "列表", "sub_button": {"list": [{"type": "text", "name": "长" * 30, "value": "内容"}]}},
        {"type": "text", "name": "名字太长了太长了", "value": "好"},
    )
    code, _, err = imported()
    assert code == 0
    assert [button.reply for button in menu().buttons] == ["没有网址", "列表"]
    for lost in ("weixin://x", "长" * 30, "内容", "名字太长了太长了"):
        assert lost in err, lost


def test_a_picture_that_is_known_by_its_address_only_is_remarked_and_the_file_is_good(console: Console, imported: Imported) -> None:
    picture = {"type": "img", "content": "http://mmbiz.qpic.cn/a/0"}
    console.replies(rule("地图", picture, equal=["地图"]), rule("营业", said("9 点"), equal=["几点"]))
    code, _, err = imported()
    assert code == 0
    assert [one.name for one in keywords().rules] == ["营业"]
    assert "规则“地图”的回复带不过来，请自己写。原来是 图片：http://mmbiz.qpic.cn/a/0" in err


def test_more_buttons_than_a_menu_holds_are_remarked_and_the_file_is_good(console: Console, imported: Imported) -> None:
    console.menu(*({"name": f"按钮{number}", "type": "view", "url": f"http://a.cn/{number}"} for number in range(5)))
    code, _, err = imported()
    assert code == 0
    assert [button.name for button in menu().buttons] == ["按钮0", "按钮1", "按钮2"]
    assert "菜单最多 3 个按钮，没有带过来的是" in err
    assert "按钮4" in err


def test_a_file_that_is_there_is_not_overwritten_without_force(imported: Imported) -> None:
    Path("new.yaml").write_text("mine", "utf-8")
    code, text, err = imported()
    assert (code, text) == (1, "mine")
    assert "--force" in err
    assert imported("--force")[0] == 0
    assert live.read(Path("new.yaml")).account.app_id == "wx1234567890abcdef"


def test_a_refusal_of_the_platform_leaves_no_file(console: Console, imported: Imported) -> None:
    del console.answers["/cgi-bin/get_current_autoreply_info"]
    code, text, err = imported()
    assert (code, text) == (2, "")
    assert "48001 接口未授权" in err
    assert [path.name for path in Path().iterdir() if "yaml" in path.name] == ["config.yaml"]


STRANGE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=20)
    | st.sampled_from(["text", "img", "news", "equal", "contain", "{a}", "- x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "content", "list", "rule_name", "keyword_list_info", "reply_list_info", "match_mode", "news_info", "title"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STRANGE)
def test_whatever_the_platform_tells_of_rules_is_carried_or_remarked(told: Any) -> None:
    from zoneinfo import ZoneInfo

    pieces = carry_over.rules(told, carry_over.Media(), ZoneInfo("Asia/Shanghai"))
    assert all(piece.value is not None or piece.remarks for piece in pieces)
    text = yaml_text.section("rules", pieces)
    source = parse(f"{text}end: 1\n".encode(), "x")
    assert source.sealed() == []
    assert (source.value["rules"] or []) == [piece.value for piece in pieces if piece.value is not None]


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.sampled_from("{}ab0_名 "), max_size=12))
def test_a_literal_text_is_filled_to_itself(text: str) -> None:
    assert fill(literal(text), {}) == text


LINES = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30).map(printable), min_size=1, max_size=3)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(LINES, LINES)
@example(["a\n\n"], [""])
def test_values_and_remarks_are_written_so_that_the_values_are_read_again(texts: list[str], remarks: list[str]) -> None:
    items = [Piece({"name": text, "items": [Piece({"a": text, "b": [text]}, remarks)]}, remarks) for text in texts]
    source = parse((yaml_text.section("list", items) + yaml_text.section("last", Piece(texts, remarks))).encode(), "x")
    assert source.sealed() == []
    assert source.value == {"list": [{"name": text, "items": [{"a": text, "b": [text]}]} for text in texts], "last": texts}


SOME = """\
  conditional:
    - {tag: VIP, platform: ios, buttons: [{name: 专线, reply: 一}]}
    - {tag: VIP, buttons: [{name: 二, url: 'https://x'}]}
"""


def test_round_trip_with_the_simulator_the_imported_file_publishes_to_no_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = Town(tmp_path, BASIC)
    made.simulator.start(f"{made.sim}/_sim/clock")
    monkeypatch.setenv("YIZHAN_APP_SECRET", APP_SECRET)

    def types(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["yizhan", *words, "--config", str(made.config)])
        with pytest.raises(SystemExit) as done:
            cli.main()
        assert done.value.code == 0, capsys.readouterr()
        return capsys.readouterr().out

    def imports() -> None:
        types("import", "-o", str(tmp_path / "new.yaml"), "--force")
        (tmp_path / "new.yaml").replace(made.config)

    try:
        imports()
        assert "没有错误" in types("check")
        assert not json.loads(types("menu", "diff", "--json"))["same"]
        assert json.loads(types("menu", "publish", "--json"))["created"]
        assert json.loads(types("menu", "diff", "--json"))["same"]
        # What was published through the API is imported once more, conditional menus too, and still nothing differs.
        with made.config.open("a", encoding="utf-8") as file:
            file.write(SOME)
        assert json.loads(types("menu", "publish", "--json"))["added"] == 2
        imports()
        assert "tag: VIP" in made.config.read_text("utf-8")
        assert json.loads(types("menu", "diff", "--json"))["same"]
        printed = types("import")  # to standard output, and no file anywhere
        assert "buttons:" in printed
    finally:
        made.simulator.stop()
