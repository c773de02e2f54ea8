"""The webhook as the platform, and as strangers, see it."""

from __future__ import annotations

import asyncio
import base64
import json
import struct
from datetime import timedelta
from pathlib import Path

import pytest
import xmltodict
from wechatpy.crypto import PrpCrypto

from models import broadcast
from models.broadcast import Broadcast
from tests.conftest import Founded
from tests.people import AES_KEY, APP_ID, BASIC, TOKEN, World, account, event, message, opened, openid, push, signed
from wechat import inbound


@pytest.fixture
def bot(found: Founded) -> World:
    return found()


def rows(world: World) -> int:
    return int(world.sql("SELECT count(*) FROM inbox_entry")[0][0])


# URL verification


def test_the_url_is_verified_by_its_signature(bot: World) -> None:
    now = str(int(bot.at.timestamp()))
    answer = bot.request("GET", f"signature={signed(TOKEN, now, 'n1')}&timestamp={now}&nonce=n1&echostr=4375120948345356249")
    assert (answer.status_code, answer.text) == (200, "4375120948345356249")


def test_a_wrong_signature_gets_403_and_nothing_else_happens(bot: World) -> None:
    now = str(int(bot.at.timestamp()))
    assert bot.request("GET", f"signature={'0' * 40}&timestamp={now}&nonce=n1&echostr=1").status_code == 403
    query, body = push(message(openid("王"), bot.at.timestamp(), Content="签到"), bot.at.timestamp(), token="another")
    assert bot.request("POST", query, body).status_code == 403
    assert rows(bot) == 0


@pytest.mark.parametrize("name", ["timestamp", "nonce", "msg_signature", "encrypt_type"])
@pytest.mark.parametrize("how", ["missing", "empty", "doubled"])
def test_a_missing_empty_or_doubled_parameter_gets_403(bot: World, name: str, how: str) -> None:
    query, body = push(message(openid("王"), bot.at.timestamp(), Content="签到"), bot.at.timestamp())
    pairs = query.split("&")
    mine = next(pair for pair in pairs if pair.startswith(f"{name}="))
    change = {"missing": [], "empty": [f"{name}="], "doubled": [mine, mine]}[how]
    other = "&".join([pair for pair in pairs if pair != mine] + change)
    assert bot.request("POST", other, body).status_code == 403
    assert rows(bot) == 0


@pytest.mark.parametrize(("seconds", "status"), [(-301, 403), (-299, 200), (299, 200), (301, 403)])
def test_a_timestamp_may_be_five_minutes_off(bot: World, seconds: int, status: int) -> None:
    query, body = push(message(openid("王"), bot.at.timestamp(), Content="营业时间"), bot.at.timestamp() + seconds)
    assert bot.request("POST", query, body).status_code == status


def test_a_replayed_request_within_the_window_gets_the_stored_reply_and_no_second_effect(bot: World) -> None:
    query, body = push(message(openid("王"), bot.at.timestamp(), Content="签到"), bot.at.timestamp())
    first, second = (
        opened(answer.status_code, answer.content) for answer in (bot.request("POST", query, body), bot.request("POST", query, body))
    )
    assert first.xml == second.xml
    assert bot.person("王").points == 5


def test_a_clear_body_in_safe_mode_gets_403(bot: World) -> None:
    now = str(int(bot.at.timestamp()))
    inner = message(openid("王"), bot.at.timestamp(), Content="签到").encode()
    assert bot.request("POST", f"signature={signed(TOKEN, now, 'n')}&timestamp={now}&nonce=n", inner).status_code == 403
    aes = f"signature={signed(TOKEN, now, 'n')}&timestamp={now}&nonce=n&encrypt_type=aes&msg_signature={signed(TOKEN, now, 'n', '')}"
    assert bot.request("POST", aes, inner).status_code in (400, 403)
    assert rows(bot) == 0


# Bodies


@pytest.mark.parametrize("size", [64 * 1024 + 1, 200_000])
def test_a_body_over_64_kb_is_refused(bot: World, size: int) -> None:
    query, _ = push(message(openid("王"), bot.at.timestamp(), Content="x"), bot.at.timestamp())
    assert bot.request("POST", query, b"<xml>" + b"a" * size).status_code == 413


@pytest.mark.parametrize("body", [b"", b"not xml", b"<xml>", b"<xml><Encrypt></Encrypt></xml>", b"\xff\xfe\x00", b"[]"])
def test_a_malformed_outer_body_gets_a_4xx(bot: World, body: bytes) -> None:
    query, _ = push(message(openid("王"), bot.at.timestamp(), Content="x"), bot.at.timestamp())
    assert 400 <= bot.request("POST", query, body).status_code < 500


def seal(inner: bytes, world: World, app_id: str = APP_ID) -> tuple[str, bytes]:
    """A well-signed push of any bytes."""
    crypto = PrpCrypto(base64.b64decode(AES_KEY + "="))
    encrypted = crypto.encrypt(inner, app_id).decode()
    now = str(int(world.at.timestamp()))
    query = (
        f"timestamp={now}&nonce=n&encrypt_type=aes&signature={signed(TOKEN, now, 'n')}&msg_signature={signed(TOKEN, now, 'n', encrypted)}"
    )
    return query, f"<xml><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>".encode()


DTD = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b SYSTEM "file:///etc/hostname">]>'
GOOD = message(openid("王"), 1_795_226_400, Content="签到")
INSIDES = [
    b"",
    b"garbage",
    b"<xml></xml>",
    b"<xml><MsgType>text</MsgType></xml>",
    (DTD + GOOD).encode(),
    (DTD + GOOD.replace("签到", "&b;")).encode(),
    ("\ufeff" + DTD + GOOD).encode("utf-16"),
    GOOD.replace("1795226400", "abc").encode(),
    GOOD.replace("1795226400", "1" + "0" * 14).encode(),
    GOOD.replace("1795226400", "-5").encode(),
    GOOD.replace("<MsgType>", "<MsgType>text</MsgType><MsgType>").encode(),
    GOOD.replace("<MsgType><![CDATA[text]]></MsgType>", "").encode(),
    GOOD.encode("gbk"),
    GOOD.encode()[:-20],
    b"<xml>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</xml>",
    struct.pack(">I", 2**31) * 10,
]


@pytest.mark.parametrize("inside", INSIDES)
def test_a_well_signed_message_whose_inside_is_malformed_is_answered_and_has_no_effect(bot: World, inside: bytes) -> None:
    answer = bot.request("POST", *seal(inside, bot))
    assert (answer.status_code, answer.content) == (200, b"success")
    assert rows(bot) == 0


def test_a_message_for_another_account_has_no_effect(bot: World) -> None:
    answer = bot.request(
        "POST", *seal(message(openid("王"), bot.at.timestamp(), Content="签到").encode(), bot, app_id="wx0000000000000000")
    )
    assert (answer.status_code, rows(bot)) == (200, 0)


def test_an_unknown_message_type_is_kept_and_answered_with_success(bot: World) -> None:
    answer = bot.person("王").sends("hologram", Depth="3")
    assert (answer.status, answer.body) == (200, b"success")
    assert bot.sql("SELECT kind FROM inbox_entry")[0][0] == "hologram"


# Replies


@pytest.mark.parametrize(
    "text",
    ["a]]>b", "]]>]]>", "<b>&lt;", "🎉👨‍👩‍👧", "行一\n行二", "  两边  ", "a\u202eb", "全角ＡＢ"],
)
def test_whatever_an_operator_writes_arrives_unchanged(found: Founded, text: str) -> None:
    world = found(f"keywords: {{rules: [], fallback: {json.dumps(text, ensure_ascii=False)}}}")
    answer = world.push(message(openid("王"), world.at.timestamp(), Content="x"))[0]
    assert answer.xml is not None
    assert xmltodict.parse(answer.xml, strip_whitespace=False)["xml"]["Content"] == text


def test_a_long_reply_is_cut_to_2048_bytes_at_a_character(found: Founded) -> None:
    world = found(f"keywords: {{rules: [], fallback: {'长' * 3000}}}")
    said = world.person("王").says("x")
    assert said is not None
    assert len(said.encode()) <= 2048
    assert set(said[:-1]) == {"长"}


# Once


def test_four_copies_of_each_of_many_messages_take_effect_once_and_read_alike(bot: World) -> None:
    for number in range(20):
        assert bot.person(f"人{number}").says("签到", copies=4) == "第1天 +5 共5"
    assert bot.sql("SELECT count(*), sum(amount) FROM ledger_entry WHERE asset = 'points'")[0] == (20, 100)


def test_the_same_msgid_from_two_followers_is_two_messages(bot: World) -> None:
    for name in ("王", "李"):
        bot.push(message(openid(name), bot.at.timestamp(), msg_id="777", Content="签到"))
    assert bot.sql("SELECT count(*) FROM ledger_entry WHERE asset = 'points'")[0][0] == 2


def test_two_events_in_one_second_are_two_events(bot: World) -> None:
    wang = bot.person("王")
    wang.does("LOCATION", Latitude="1", Longitude="2", Precision="3")
    wang.does("CLICK", EventKey="签到")
    assert rows(bot) == 2
    assert wang.points == 5


def test_a_retry_after_the_process_died_before_it_answered_gets_the_stored_reply(bot: World) -> None:
    inner = message(openid("王"), bot.at.timestamp(), Content="签到")
    first = bot.push(inner)[0]
    bot.at += timedelta(seconds=5)  # a new process would find only the database
    bot.service.live.refresh()
    assert bot.push(inner)[0].xml == first.xml


# Trouble


def test_a_bug_in_a_handler_is_a_neutral_sentence_once_and_nothing_is_kept_of_it(bot: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from models import checkin, points

    def broken(db: object, follower: int, *rest: object, **more: object) -> None:
        points.post(db, follower, 5, "half", bot.at)  # type: ignore[arg-type]
        raise RuntimeError("a bug")

    monkeypatch.setattr(checkin, "check_in", broken)
    inner = message(openid("王"), bot.at.timestamp(), Content="签到")
    answers = bot.push(inner, copies=3)
    assert {answer.text for answer in answers} == {"系统开小差了，请稍后再试"}
    monkeypatch.undo()
    assert bot.push(inner)[0].text == "系统开小差了，请稍后再试"
    assert bot.sql("SELECT count(*) FROM ledger_entry")[0][0] == 0


def test_plain_mode_is_refused_unless_the_platform_is_on_this_machine(found: Founded, tmp_path: object) -> None:
    from app.config_file import BadConfig
    from app.live import read

    world = found()
    plain = account("https://api.weixin.qq.com").replace("app_id", "mode: plain, app_id") + BASIC
    world.path.write_text(plain, "utf-8")
    with pytest.raises(BadConfig, match=r"mode|plain|明文"):
        read(world.path)
    world.path.write_text(plain.replace("https://api.weixin.qq.com", "http://127.0.0.1:8001"), "utf-8")
    assert read(world.path).account.mode == "plain"


def test_readyz_healthz_and_metrics_answer(bot: World) -> None:
    bot.person("王").says("营业时间")
    assert bot.get("/healthz").status_code == 200
    assert bot.get("/readyz").text == "ready"
    assert 'yizhan_inbound_total{outcome="answered"} 1.0' in bot.get("/metrics").text


def test_a_run_that_a_bug_keeps_from_being_sent_shows_in_readyz(bot: World) -> None:
    plan = Broadcast.model_validate({"key": "digest", "template": "T", "data": {"thing1": "x"}})

    async def fails() -> None:
        await bot.service.sender.look()
        while not bot.service.sender.failing:
            await asyncio.sleep(0.01)

    with bot.service.database.transaction() as db:
        run = broadcast.start(db, plan, "all", bot.at, bot.at)
        db.exec_driver_sql("UPDATE broadcast_run SET plan = '{}'")
    bot.run(fails())
    assert f"run {run} " not in bot.get("/readyz").text
    bot.at += timedelta(seconds=91)
    assert f"run {run} has not been sent since" in bot.get("/readyz").text
    with bot.service.database.transaction() as db:
        db.exec_driver_sql("UPDATE broadcast_run SET state = 'cancelled'")
    bot.run(bot.service.sender.look())
    assert f"run {run} " not in bot.get("/readyz").text


def test_an_event_of_unknown_name_is_kept(bot: World) -> None:
    assert bot.push(event(openid("王"), bot.at.timestamp(), "brand_new_event", Foo="1"))[0].body == b"success"
    assert bot.sql("SELECT kind FROM inbox_entry")[0][0] == "brand_new_event"


def test_plain_mode_answers_clear_xml_with_clear_xml(database_url: str, tmp_path: Path) -> None:
    config = account().replace("app_id", "mode: plain, app_id") + BASIC
    bot = World(tmp_path, database_url, config, whole=True)
    now = str(int(bot.at.timestamp()))
    query = f"signature={signed(TOKEN, now, 'n')}&timestamp={now}&nonce=n&openid=x"
    answer = bot.request("POST", query, message(openid("王"), bot.at.timestamp(), Content="签到").encode())
    assert xmltodict.parse(answer.content)["xml"]["Content"] == "第1天 +5 共5"
    assert bot.request("POST", query.replace("signature=", "signature=0"), b"<xml/>").status_code == 403
    bot.close()


def test_a_bug_outside_of_the_handlers_is_no_5xx_either(bot: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> bytes:
        raise RuntimeError("a bug")

    monkeypatch.setattr(type(bot.service.envelope), "seal", broken)
    answer = bot.push(message(openid("王"), bot.at.timestamp(), Content="签到"))[0]
    assert (answer.status, answer.body) == (200, b"success")
    assert bot.person("王").points == 5


# What is kept


def test_what_is_more_than_a_plain_text_is_kept_whole_and_can_be_read_again(bot: World) -> None:
    wang = bot.person("王")
    wang.says("你好")
    wang.sends("hologram", Depth="3")
    wang.does("brand_new_event", Foo="1")
    wang.sends("image", PicUrl="http://p", MediaId="m")
    kept = [json.loads(fields) if fields else None for (fields,) in bot.sql("SELECT fields FROM inbox_entry ORDER BY id")]
    assert kept[0] is None
    assert [inbound.read(fields).content for fields in kept[1:] if fields] == [
        inbound.Unknown("hologram"),
        inbound.Unknown("brand_new_event"),
        inbound.messages.Image("http://p", "m"),
    ]
    assert 'yizhan_inbound_total{outcome="unknown"} 2.0' in bot.get("/metrics").text


def test_a_report_makes_nobody_a_follower_and_brings_nobody_back(bot: World) -> None:
    wang = bot.person("王")
    wang.says("你好")
    bot.at += timedelta(seconds=5)
    wang.does("unsubscribe")
    bot.at += timedelta(seconds=5)
    wang.does("TEMPLATESENDJOBFINISH", MsgID="1", Status="failed:user block")
    bot.push(event("mphelper", bot.at.timestamp(), "MASSSENDJOBFINISH", MsgID="2", Status="send success"))
    assert bot.sql("SELECT openid, subscribed FROM follower") == [(wang.openid, False)]
    assert rows(bot) == 4
