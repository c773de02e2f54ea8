"""Signature, encryption and reply XML, judged by wechatpy's own WeChatCrypto and the platform's published vector."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode

import pytest
import xmltodict
from hypothesis import given, settings
from hypothesis import strategies as st
from wechatpy.crypto import WeChatCrypto

from wechat.envelope import BadEnvelope, BadSignature, Envelope, Opened, Previous
from wechat.inbound import Unreadable
from wechat.reply import Article, Handoff, Image, Music, News, Reply, Text, Video, Voice, clean, cut

TOKEN, AES, APP = "pamtest", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "wxb11529c136998cb6"
OLD_TOKEN, OLD_AES = "oldtoken", "Z" * 42 + "Y"
SECOND = 1714112445
NOW = datetime.fromtimestamp(SECOND, UTC)
UNTIL = NOW + timedelta(days=1)
NONCE = "415670741"
HEAD = "<ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[oA]]></FromUserName><CreateTime>1714112445</CreateTime>"
TEXT = f"<xml>{HEAD}<MsgType>text</MsgType><Content>签到</Content><MsgId>1</MsgId></xml>"
EVENT = f"<xml>{HEAD}<MsgType>event</MsgType><Event>CLICK</Event><EventKey>A</EventKey></xml>"

# The example of the platform's page on message encryption.
OFFICIAL = (
    "+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcvZqzDpVzazhZv6JsXUnnR8XGT740XgXZUXQ7v"
    "JVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3Fn2Pede2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32IIjdf8YL/P50F7mStwntrA2cPDrM1kb"
    "6mOcfBgRtWygb3VIYnSeOBrebufAlr7F9mFUPAJGj04="
)
OFFICIAL_QUERY = (
    b"signature=6c5c811b55cc85e0e1b54100749188c20beb3f5d&timestamp=1714112445&nonce=415670741&openid=o9AgO5Kd5ggOC-bXrbNODIiE3bGY"
    b"&encrypt_type=aes&msg_signature=046e02f8204d34f8ba5fa3b1db94908f3df2e9b3"
)

SAFE = Envelope(app_id=APP, token=TOKEN, aes_key=AES, mode="safe", previous=Previous(OLD_TOKEN, OLD_AES, UNTIL))
PLAIN = Envelope(app_id=APP, token=TOKEN, aes_key=None, mode="plain")


def sign(*values: str) -> str:
    return hashlib.sha1("".join(sorted(values)).encode()).hexdigest()


def sealed(encrypted: str, *, timestamp: str = str(SECOND), nonce: str = NONCE, token: str = TOKEN) -> tuple[bytes, bytes]:
    query = {
        "signature": sign(token, timestamp, nonce),
        "timestamp": timestamp,
        "nonce": nonce,
        "encrypt_type": "aes",
        "msg_signature": sign(token, timestamp, nonce, encrypted),
    }
    body = f"<xml><ToUserName><![CDATA[gh_1]]></ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
    return urlencode(query).encode(), body.encode()


def encrypt(xml: str, *, token: str = TOKEN, aes: str = AES, app: str = APP) -> str:
    message = WeChatCrypto(token, aes, app).encrypt_message(xml, NONCE, str(SECOND))
    return str(xmltodict.parse(message)["xml"]["Encrypt"])


def clear(timestamp: str = str(SECOND), nonce: str = NONCE) -> bytes:
    return urlencode({"signature": sign(TOKEN, timestamp, nonce), "timestamp": timestamp, "nonce": nonce}).encode()


def opened(xml: str = TEXT) -> Opened:
    return SAFE.open(*sealed(encrypt(xml)), NOW)


def test_a_push_in_safe_mode_is_opened() -> None:
    push = opened()
    assert (push.inbound.text, push.inbound.openid, push.nonce) == ("签到", "oA", NONCE)


def test_a_push_in_plain_mode_is_opened() -> None:
    assert PLAIN.open(clear(), TEXT.encode(), NOW).inbound.text == "签到"


def test_the_bodies_of_compatible_mode_are_read_from_their_encrypted_part() -> None:
    query, _ = sealed(encrypt(TEXT))
    body = TEXT.replace("签到", "forged").replace("</xml>", f"<Encrypt>{encrypt(TEXT)}</Encrypt></xml>")
    with pytest.raises(BadSignature):  # another random prefix: another ciphertext
        SAFE.open(query, body.encode(), NOW)
    encrypted = encrypt(TEXT)
    query, _ = sealed(encrypted)
    body = TEXT.replace("签到", "forged").replace("</xml>", f"<Encrypt>{encrypted}</Encrypt></xml>")
    assert SAFE.open(query, body.encode(), NOW).inbound.text == "签到"


def test_the_outer_recipient_may_be_absent() -> None:
    encrypted = encrypt(TEXT)
    assert SAFE.open(sealed(encrypted)[0], f"<xml><Encrypt>{encrypted}</Encrypt></xml>".encode(), NOW).inbound.text == "签到"


def test_the_official_url_verification_is_answered() -> None:
    official = Envelope(app_id="wxba5fad812f8e6fb9", token="AAAAA", aes_key="A" * 43, mode="safe")
    query = b"signature=f464b24fc39322e44b38aa78f5edd27bd1441696&echostr=4375120948345356249&timestamp=1714036504&nonce=1514711492"
    assert official.verify_url(query, datetime.fromtimestamp(1714036504, UTC)) == "4375120948345356249"
    with pytest.raises(BadSignature):
        official.verify_url(query.replace(b"f464", b"f465"), datetime.fromtimestamp(1714036504, UTC))
    with pytest.raises(BadSignature):
        official.verify_url(query.replace(b"echostr", b"x"), datetime.fromtimestamp(1714036504, UTC))


def test_the_official_push_is_proved_and_decrypted_as_far_as_its_json() -> None:
    official = Envelope(app_id="wxba5fad812f8e6fb9", token="AAAAA", aes_key="A" * 43, mode="safe")
    body = f"<xml><ToUserName>gh_97417a04a28d</ToUserName><Encrypt>{OFFICIAL}</Encrypt></xml>".encode()
    with pytest.raises(Unreadable, match="not well-formed"):
        official.open(OFFICIAL_QUERY, body, NOW)
    other = Envelope(app_id="wxother", token="AAAAA", aes_key="A" * 43, mode="safe")
    with pytest.raises(Unreadable, match="not for this account"):
        other.open(OFFICIAL_QUERY, body, NOW)


@pytest.mark.parametrize("name", ["timestamp", "nonce", "msg_signature", "encrypt_type"])
def test_missing_empty_doubled_and_wrong_parameters_prove_nothing(name: str) -> None:
    query, body = sealed(encrypt(TEXT))
    params = dict(parse_qsl(query.decode()))
    without = urlencode({key: value for key, value in params.items() if key != name})
    doubled_in_disguise = f"{query.decode()}&%{ord(name[0]):x}{name[1:]}={params[name]}"
    bad = [without, f"{without}&{name}=", f"{without}&{name}", f"{query.decode()}&{name}={params[name]}", doubled_in_disguise]
    for broken in [*bad, f"{without}&{name}=0", f"{without}&{name}=%FF%00", f"{without}&{name}={params[name]}0"]:
        with pytest.raises(BadSignature):
            SAFE.open(broken.encode(), body, NOW)


def test_a_plain_signature_that_is_empty_or_doubled_is_refused_in_both_modes() -> None:
    query, body = sealed(encrypt(TEXT))
    rest = query.partition(b"&")[2]  # without the signature, which comes first
    assert SAFE.open(rest, body, NOW).inbound.text == "签到"  # in safe mode it proves nothing, so it may be absent
    for broken in (query + b"&signature=a", rest + b"&signature=", rest + b"&signature"):
        with pytest.raises(BadSignature):
            SAFE.open(broken, body, NOW)
    for broken in (clear() + b"&signature=a", clear().partition(b"&")[2], clear().partition(b"&")[2] + b"&signature="):
        with pytest.raises(BadSignature):
            PLAIN.open(broken, TEXT.encode(), NOW)


@pytest.mark.parametrize("query", [b"", b"&&&", b"signature=&timestamp=&nonce=", b"timestamp=1714112445&nonce=1", b"\xff\xfe=%%%"])
def test_an_unsigned_request_proves_nothing(query: bytes) -> None:
    for envelope in (SAFE, PLAIN):
        with pytest.raises(BadSignature):
            envelope.open(query, TEXT.encode(), NOW)
        with pytest.raises(BadSignature):
            envelope.verify_url(query, NOW)


@pytest.mark.parametrize(("apart", "accepted"), [(-301, False), (-299, True), (0, True), (299, True), (301, False), (86400, False)])
def test_a_timestamp_off_by_more_than_five_minutes_is_refused_though_rightly_signed(apart: int, accepted: bool) -> None:
    query, body = sealed(encrypt(TEXT), timestamp=str(SECOND + apart))
    if accepted:
        assert SAFE.open(query, body, NOW).inbound.text == "签到"
        return
    with pytest.raises(BadSignature):
        SAFE.open(query, body, NOW)


@pytest.mark.parametrize("timestamp", ["abc", "-1", "01714112445", "1714112445.0", "1" * 20, "１７１４１１２４４５", "+1714112445"])
def test_a_timestamp_that_is_no_number_of_the_platforms_is_refused_though_rightly_signed(timestamp: str) -> None:
    with pytest.raises(BadSignature):
        SAFE.open(*sealed(encrypt(TEXT), timestamp=timestamp), NOW)


@pytest.mark.parametrize("nonce", ["1714112446", "1714112444", "0", "zzz", "171411244517141124451"])
def test_no_other_split_of_timestamp_and_nonce_is_accepted(nonce: str) -> None:
    genuine = sign(TOKEN, str(SECOND), nonce)
    for whole in (f"{SECOND}{nonce}", f"{nonce}{SECOND}"):
        for at in range(1, len(whole)):
            for timestamp, rest in ((whole[:at], whole[at:]), (whole[at:], whole[:at])):
                if (timestamp, rest) == (str(SECOND), nonce) or sorted((timestamp, rest)) == sorted((str(SECOND), nonce)):
                    continue  # the second: both look like a timestamp near now, and both are still the platform's own numbers
                with pytest.raises(BadSignature):
                    PLAIN.open(urlencode({"signature": genuine, "timestamp": timestamp, "nonce": rest}).encode(), TEXT.encode(), NOW)


def test_bytes_of_the_ciphertext_cannot_move_into_the_nonce() -> None:
    between = range(ord(NONCE[0]) + 1, ord(TOKEN[0]))  # so that sorting leaves nonce and ciphertext side by side
    encrypted = next(e for e in iter(lambda: encrypt(TEXT), "") if e[:64].isalnum() and ord(e[0]) in between and ord(e[64]) in between)
    query, _ = sealed(encrypted)
    params = dict(parse_qsl(query.decode()))
    moved = {**params, "nonce": NONCE + encrypted[:64]}
    assert sign(TOKEN, str(SECOND), moved["nonce"], encrypted[64:]) == params["msg_signature"]  # the shift verifies…
    with pytest.raises(BadSignature):  # …and is refused
        SAFE.open(urlencode(moved).encode(), f"<xml><Encrypt>{encrypted[64:]}</Encrypt></xml>".encode(), NOW)


def test_a_clear_body_proves_nothing_in_safe_mode() -> None:
    for query in (clear(), sealed(encrypt(TEXT))[0]):
        with pytest.raises(BadSignature):
            SAFE.open(query, TEXT.encode(), NOW)


def test_a_rightly_signed_query_with_another_body_proves_nothing() -> None:
    query, _ = sealed(encrypt(TEXT))
    _, other = sealed(encrypt(EVENT))
    with pytest.raises(BadSignature):
        SAFE.open(query, other, NOW)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"<xml>",
        b"<xml></xml>",
        b"<xml><ToUserName>gh_1</ToUserName></xml>",
        b"<xml><Encrypt></Encrypt></xml>",
        b"<xml><Encrypt>a</Encrypt><Encrypt>b</Encrypt></xml>",
        b"<xml><Encrypt><a>b</a></Encrypt></xml>",
        b"<other><Encrypt>a</Encrypt></other>",
        b'<!DOCTYPE xml [<!ENTITY a "b">]><xml><Encrypt>&a;</Encrypt></xml>',
        '<!DOCTYPE xml SYSTEM "http://127.0.0.1:9/"><xml><Encrypt>a</Encrypt></xml>'.encode("utf-16"),
    ],
)
def test_an_outer_xml_that_is_no_envelope_is_a_bad_one(body: bytes) -> None:
    with pytest.raises(BadEnvelope):
        SAFE.open(sealed(encrypt(TEXT))[0], body, NOW)


def test_nothing_is_parsed_before_the_parameters_hold_nor_decrypted_before_the_signature_does(monkeypatch: pytest.MonkeyPatch) -> None:
    query, body = sealed(encrypt(TEXT))
    crypto = SAFE._keys[0].crypto
    monkeypatch.setattr(crypto, "decrypt", lambda *_: pytest.fail("decrypted"))
    with pytest.raises(BadSignature):
        SAFE.open(query[:-1] + (b"0" if query[-1:] != b"0" else b"1"), body, NOW)
    monkeypatch.setattr("wechat.envelope.fields_of", lambda *_: pytest.fail("parsed"))
    with pytest.raises(BadSignature):
        SAFE.open(query + b"&nonce=1", body, NOW)


@pytest.mark.parametrize(
    "encrypted",
    [
        "AAAA",
        "A" * 64,
        "!!!!",
        encrypt(TEXT).replace("A", "_A").replace("B", "_B") + "____",
        "A" * 22 + "==",
        encrypt(TEXT, app="wxother"),
        encrypt(TEXT, aes=OLD_AES),
        encrypt(TEXT)[:-24] + "A" * 24,
    ],
    ids=["short", "noise", "no base64", "junk between", "one byte short", "another app", "another key", "damaged end"],
)
def test_a_rightly_signed_ciphertext_that_is_none_is_unreadable(encrypted: str) -> None:
    with pytest.raises(Unreadable):
        SAFE.open(*sealed(encrypted), NOW)


@pytest.mark.parametrize("inside", ["", "x", "<xml></xml>", f"<!DOCTYPE x []>{TEXT}", TEXT.replace("oA", ""), "\ufffe", "{}"])
def test_a_rightly_signed_message_that_is_none_is_unreadable(inside: str) -> None:
    with pytest.raises(Unreadable):
        SAFE.open(*sealed(encrypt(inside)), NOW)


def test_in_plain_mode_broken_xml_is_a_bad_envelope_and_broken_content_is_unreadable() -> None:
    with pytest.raises(BadEnvelope):
        PLAIN.open(clear(), f"<!DOCTYPE x []>{TEXT}".encode(), NOW)
    with pytest.raises(Unreadable):
        PLAIN.open(clear(), TEXT.replace("oA", "").encode(), NOW)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=40), st.integers(0, 400), st.integers(0, 40), st.booleans(), st.binary(max_size=20), st.integers(0, 200))
def test_no_mutation_raises_anything_but_the_three(noise: bytes, at: int, dropped: int, resign: bool, dirt: bytes, where: int) -> None:
    cipher = CIPHER[: at % len(CIPHER)] + noise.hex() + CIPHER[at % len(CIPHER) + dropped :]
    query, body = sealed(cipher or "A") if resign else sealed(CIPHER)
    if not resign:
        body = body[:at] + noise + body[at + dropped :]
        query = query[:where] + dirt + query[where:]
    for envelope in (SAFE, PLAIN):
        with suppress(BadSignature, BadEnvelope, Unreadable):
            envelope.open(query, body, NOW)


CIPHER = encrypt(TEXT)


def test_a_sealed_reply_is_what_wechatpy_can_open() -> None:
    push = opened()
    body = SAFE.seal(SAFE.render(Text("你好 😀"), push.inbound, NOW), push, NOW)
    outer = xmltodict.parse(body)["xml"]
    assert (outer["TimeStamp"], outer["Nonce"]) == (str(SECOND), NONCE)
    inner = WeChatCrypto(TOKEN, AES, APP).decrypt_message(body.decode(), outer["MsgSignature"], outer["TimeStamp"], outer["Nonce"])
    reply = xmltodict.parse(inner)["xml"]
    assert (reply["Content"], reply["ToUserName"], reply["FromUserName"], reply["CreateTime"]) == ("你好 😀", "oA", "gh_1", str(SECOND))


def test_the_same_reply_is_sealed_differently_each_time() -> None:
    push = opened()
    assert SAFE.seal("<xml/>", push, NOW) != SAFE.seal("<xml/>", push, NOW)


def test_after_a_rotation_the_old_pair_is_read_and_answered_under_the_old_pair() -> None:
    push = SAFE.open(*sealed(encrypt(TEXT, token=OLD_TOKEN, aes=OLD_AES), token=OLD_TOKEN), NOW)
    body = SAFE.seal(SAFE.render(Text("好"), push.inbound, NOW), push, NOW).decode()
    outer = xmltodict.parse(body)["xml"]
    inner = WeChatCrypto(OLD_TOKEN, OLD_AES, APP).decrypt_message(body, outer["MsgSignature"], str(SECOND), NONCE)
    assert "好" in inner
    with pytest.raises(BadSignature):
        SAFE.open(*sealed(encrypt(TEXT), token="neverused"), NOW)


def test_nothing_to_say_is_success_in_clear() -> None:
    push = opened()
    for empty in (Text(""), Text(" \n\x00"), News(())):
        assert SAFE.render(empty, push.inbound, NOW) == ""
    assert SAFE.seal("", push, NOW) == b"success"


def test_a_reply_in_plain_mode_is_clear() -> None:
    push = PLAIN.open(clear(), TEXT.encode(), NOW)
    assert "你好".encode() in PLAIN.seal(PLAIN.render(Text("你好"), push.inbound, NOW), push, NOW)


@pytest.mark.parametrize("key", ["", "short", "A" * 42, "A" * 44, "A" * 42 + "!", "A" * 43 + "\n"])
def test_a_key_that_cannot_be_one_is_refused_with_a_clear_sentence(key: str) -> None:
    with pytest.raises(ValueError, match="43") as refused:
        Envelope(app_id=APP, token=TOKEN, aes_key=key, mode="safe")
    assert len(key) < 2 or key not in str(refused.value)


def test_safe_mode_needs_a_key_and_a_log_line_never_shows_one() -> None:
    with pytest.raises(ValueError, match="safe mode"):
        Envelope(app_id=APP, token=TOKEN, aes_key=None, mode="safe")
    assert TOKEN not in repr(opened())


nasty = st.text(st.one_of(st.characters(exclude_categories=()), st.sampled_from("]>[<&\r\n\t\x00\ud800{}")), max_size=30).map(
    lambda text: text + "]]></Content><MsgType>"
)
media = st.one_of(
    st.builds(Image, nasty),
    st.builds(Voice, nasty),
    st.builds(Video, nasty, nasty, nasty),
    st.builds(Music, nasty, nasty, nasty, nasty, nasty),
)


def reparsed(reply: Reply, xml: str = TEXT) -> dict[str, object]:
    tree = xmltodict.parse(SAFE.render(reply, opened(xml).inbound, NOW), strip_whitespace=False)["xml"]
    return {name: value for name, value in tree.items() if name != "#text"}


@settings(max_examples=100, deadline=None)
@given(nasty)
def test_any_text_parses_back_to_its_cleaned_self(text: str) -> None:
    reply = reparsed(Text(text))
    assert reply["Content"] == cut(clean(text))
    assert (reply["MsgType"], set(reply)) == ("text", {"MsgType", "Content", "FromUserName", "ToUserName", "CreateTime"})


@settings(max_examples=100, deadline=None)
@given(media)
def test_any_media_reply_parses_back_to_its_cleaned_strings(reply: Image | Voice | Video | Music) -> None:
    name = type(reply).__name__
    inside = reparsed(reply)[name]
    assert isinstance(inside, dict)
    given_strings = sorted(clean(str(getattr(reply, field))) for field in reply.__dataclass_fields__)
    assert sorted(value for key, value in inside.items() if key != "#text") == given_strings


@settings(max_examples=50, deadline=None)
@given(nasty)
def test_any_news_and_handoff_parse_back(text: str) -> None:
    articles = reparsed(News((Article(text, text, text, text),)))["Articles"]
    assert isinstance(articles, dict)
    item = {key: value for key, value in articles["item"].items() if key != "#text"}
    assert item == dict.fromkeys(("Title", "Description", "PicUrl", "Url"), clean(text))
    assert reparsed(Handoff(text))["TransInfo"] == {"KfAccount": clean(text)}


def test_a_long_text_is_cut_and_a_forged_one_stays_text() -> None:
    content = reparsed(Text("签" * 2000))["Content"]
    assert isinstance(content, str)
    assert len(content.encode()) <= 2048
    assert content.endswith("…")


def test_news_has_one_article_for_a_message_and_eight_for_an_event() -> None:
    news = News(tuple(Article(str(n), "", "", "") for n in range(12)))
    assert reparsed(news)["ArticleCount"] == "1"
    assert reparsed(news, EVENT)["ArticleCount"] == "8"


def test_a_handoff_without_account_names_none() -> None:
    assert reparsed(Handoff())["MsgType"] == "transfer_customer_service"
    assert "TransInfo" not in reparsed(Handoff())


# Rotation


def rotated(token: str | None, aes: str | None) -> Envelope:
    """An account whose token, AES key or both were replaced; the old ones hold for a day."""
    return Envelope(app_id=APP, token=TOKEN, aes_key=AES, mode="safe", previous=Previous(token, aes, UNTIL))


@pytest.mark.parametrize(("token", "aes"), [(OLD_TOKEN, OLD_AES), (OLD_TOKEN, None), (None, OLD_AES)])
def test_what_was_sent_under_the_old_keys_is_answered_under_them_until_they_end(token: str | None, aes: str | None) -> None:
    envelope = rotated(token, aes)
    used_token, used_aes = token or TOKEN, aes or AES
    for at in (NOW, UNTIL - timedelta(seconds=1)):
        second = str(int(at.timestamp()))
        old = sealed(encrypt(TEXT, token=used_token, aes=used_aes), timestamp=second, token=used_token)
        push = envelope.open(*old, at)
        assert push.inbound.text == "签到"
        assert reply_in(envelope, push, at, used_token, used_aes) == "好"
        new = envelope.open(*sealed(encrypt(TEXT), timestamp=second), at)
        assert reply_in(envelope, new, at, TOKEN, AES) == "好"


def reply_in(envelope: Envelope, push: Opened, at: datetime, token: str, aes: str) -> str:
    """What a reply says, opened with these keys."""
    body = envelope.seal(envelope.render(Text("好"), push.inbound, at), push, at)
    outer = xmltodict.parse(body)["xml"]
    inner = WeChatCrypto(token, aes, APP).decrypt_message(body, outer["MsgSignature"], outer["TimeStamp"], outer["Nonce"])
    return str(xmltodict.parse(inner)["xml"]["Content"])


@pytest.mark.parametrize("at", [UNTIL, UNTIL + timedelta(days=99)])
def test_the_old_token_proves_nothing_any_more_once_it_is_over(at: datetime) -> None:
    second = str(int(at.timestamp()))
    with pytest.raises(BadSignature):
        rotated(OLD_TOKEN, OLD_AES).open(*sealed(encrypt(TEXT, token=OLD_TOKEN, aes=OLD_AES), timestamp=second, token=OLD_TOKEN), at)
    with pytest.raises(BadSignature):
        query = urlencode({"signature": sign(OLD_TOKEN, second, NONCE), "timestamp": second, "nonce": NONCE, "echostr": "1"})
        rotated(OLD_TOKEN, OLD_AES).verify_url(query.encode(), at)
    with pytest.raises(Unreadable):
        rotated(None, OLD_AES).open(*sealed(encrypt(TEXT, aes=OLD_AES), timestamp=second), at)
    assert rotated(OLD_TOKEN, OLD_AES).open(*sealed(encrypt(TEXT), timestamp=second), at).inbound.text == "签到"


def test_an_old_aes_key_that_cannot_be_one_says_which_it_is() -> None:
    with pytest.raises(ValueError, match="the previous EncodingAESKey"):
        rotated(OLD_TOKEN, "short")
