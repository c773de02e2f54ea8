"""What a push says, and which two pushes are one."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wechat.inbound import Unreadable, parse

HEAD = "<ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[oA]]></FromUserName><CreateTime>1714112445</CreateTime>"
TEXT = HEAD + "<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[ 签到 <b>&amp; ]]></Content><MsgId>9007199254740993</MsgId>"
CLICK = HEAD + "<MsgType>event</MsgType><Event>CLICK</Event><EventKey>CHECKIN</EventKey>"


def xml(inside: str) -> bytes:
    return f"<xml>{inside}</xml>".encode()


def test_a_text_is_read_exactly_as_it_was_sent() -> None:
    message = parse(xml(TEXT))
    assert (message.to, message.openid, message.created_at, message.type) == ("gh_1", "oA", 1714112445, "text")
    assert (message.text, message.msg_id, message.event, message.event_key) == (" 签到 <b>&amp; ", "9007199254740993", "", "")


def test_an_event_name_is_lower_case_and_an_empty_key_is_no_key() -> None:
    event = parse(xml(HEAD + "<MsgType><![CDATA[event]]></MsgType><Event>SUBSCRIBE</Event><EventKey><![CDATA[]]></EventKey>"))
    assert (event.type, event.event, event.event_key, event.text) == ("event", "subscribe", "", "")


def test_repeated_siblings_are_a_list_and_one_alone_is_not() -> None:
    two = parse(xml(CLICK + "<P><List><T>a</T></List><List><T>b</T></List></P><Q><List><T>c</T></List></Q>"))
    assert two.fields["P"] == {"List": [{"T": "a"}, {"T": "b"}]}
    assert two.fields["Q"] == {"List": {"T": "c"}}


def test_the_report_on_a_template_message_has_its_id() -> None:
    report = parse(xml(HEAD + "<MsgType>event</MsgType><Event>TEMPLATESENDJOBFINISH</Event><MsgID>200</MsgID><Status>success</Status>"))
    assert report.msg_id == "200"


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"<xml>",
        b"<xml></xml>",
        b"<xml>text</xml>",
        b"{}",
        b"\xff\xfe",
        b"<xml>\x00</xml>",
        b"<json/>",
        b"<xml>\xed\xa0\x80</xml>",
        b"<xml><Content>&#xD800;</Content></xml>",
        b'<?xml version="1.0" encoding="utf-7"?>' + xml(TEXT).replace(b"<MsgId>", b"<Msg"),
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE xml [<!ENTITY a "b">]><xml>&a;</xml>'.encode("utf-16"),
        b'<!DOCTYPE xml [<!ENTITY a SYSTEM "file:///etc/hostname">]>' + xml(TEXT.replace("<b>&amp;", "]]>&a;<![CDATA[")),
        b"\xef\xbb\xbf<!DOCTYPE xml>" + xml(TEXT),
        b"<!DOCTYPE xml [<!ENTITY % p SYSTEM 'http://127.0.0.1:9/x'>%p;]>" + xml(TEXT),
        xml(TEXT.replace(" 签到 ", "]]>&unknown;<![CDATA[")),
        xml(TEXT + "<a>" * 21 + "</a>" * 21),
        xml("<a>" * 5000 + "</a>" * 5000),
        xml(TEXT + "<MsgType>event</MsgType>"),
        xml(TEXT + "<Content>again</Content>"),
        xml(TEXT + "<FromUserName>oB</FromUserName>"),
        xml(HEAD + "<MsgType><a>text</a></MsgType>"),
        xml(HEAD),
        xml(HEAD + "<MsgType>event</MsgType>"),
        xml(HEAD + "<MsgType>  </MsgType>"),
        xml(TEXT.replace("<FromUserName><![CDATA[oA]]></FromUserName>", "")),
        xml(TEXT.replace("gh_1", "")),
        xml(TEXT.replace("oA", "o" * 65)),
    ],
)
def test_what_is_no_message_is_unreadable(broken: bytes) -> None:
    with pytest.raises(Unreadable):
        parse(broken)


@pytest.mark.parametrize("time", ["", "abc", "-1", "0", "1e9", "1714112445000", "100000000000000", "１７１４１１２４４５", " 1714112445"])
def test_a_time_that_is_none_is_unreadable(time: str) -> None:
    with pytest.raises(Unreadable):
        parse(xml(TEXT.replace("1714112445", time)))


def test_a_utf_16_dtd_is_refused_because_it_is_one() -> None:
    with pytest.raises(Unreadable, match="declaration"):
        parse('<!DOCTYPE xml [<!ENTITY a "b">]><xml><a>&a;</a></xml>'.encode("utf-16"))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 300), st.integers(0, 40))
def test_no_mutation_raises_anything_but_unreadable(noise: bytes, at: int, dropped: int) -> None:
    whole = xml(TEXT)
    with suppress(Unreadable):
        parse(whole[:at] + noise + whole[at + dropped :])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (TEXT, TEXT.replace("oA", "oB")),  # one MsgId, two followers: seen in the field
        (TEXT, TEXT.replace("gh_1", "gh_2")),
        (TEXT, TEXT.replace("1714112445", "1714112446")),
        (TEXT, TEXT.replace("9007199254740993", "9007199254740992")),
        (TEXT.partition("<MsgId>")[0], TEXT.partition("<MsgId>")[0].replace("签到", "积分")),  # no MsgId: the content tells
        (CLICK, CLICK.replace("CLICK", "VIEW")),  # LOCATION and CLICK in one second: seen in the field
        (CLICK, CLICK.replace("CHECKIN", "POINTS")),
        (CLICK, CLICK + "<MsgID>1</MsgID>"),
        (CLICK.replace("CHECKIN", "k" * 300 + "1"), CLICK.replace("CHECKIN", "k" * 300 + "2")),
        (CLICK.replace("CHECKIN", "a|"), CLICK.replace("CHECKIN", "a") + "<MsgID>|</MsgID>"),
    ],
)
def test_two_pushes_have_two_keys(one: str, other: str) -> None:
    assert parse(xml(one)).key != parse(xml(other)).key


def test_copies_of_one_push_have_one_key_of_bounded_length() -> None:
    for inside in (TEXT, CLICK, TEXT.partition("<MsgId>")[0], CLICK.replace("CHECKIN", "https://例.cn/" + "x" * 999) + "<MsgID>1</MsgID>"):
        longest = inside.replace("oA", "o" * 64).replace("gh_1", "g" * 64)
        assert parse(xml(longest)).key == parse(xml(longest)).key
        assert len(parse(xml(longest)).key) <= 200
