"""What each kind of push says, in types; wechatpy is the judge where it knows the kind."""

from __future__ import annotations

import json
from typing import Any

import pytest
import wechatpy
from hypothesis import given, settings
from hypothesis import strategies as st

from wechat.inbound import Content, Inbound, Unknown, Unreadable, acts, affairs, jobs, messages, notices, parse, read

HEAD = "<ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[oA]]></FromUserName><CreateTime>1714112445</CreateTime>"
BIG = "18446744073709551615"


def xml(inside: str) -> str:
    return f"<xml>{HEAD}{inside}</xml>"


def message(kind: str, inside: str = "") -> Inbound:
    return parse(xml(f"<MsgType><![CDATA[{kind}]]></MsgType>{inside}<MsgId>{BIG}</MsgId>").encode())


def event(name: str, inside: str = "") -> Inbound:
    return parse(xml(f"<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[{name}]]></Event>{inside}").encode())


def test_every_message_says_what_the_platform_put_into_it() -> None:
    assert message("text", "<Content>你好</Content>").content == messages.Text("你好", "", "", None, "")
    tap = "<Content>满意</Content><bizmsgmenuid><![CDATA[101]]></bizmsgmenuid>"
    assert message("text", tap).content == messages.Text("满意", "101", "", None, "")
    under = "<Content>x</Content><MsgDataId>206227730</MsgDataId><Idx> 1 </Idx>"
    assert message("text", under).content == messages.Text("x", "", "206227730", 1, "")
    assert message("image", "<PicUrl>http://p</PicUrl><MediaId>m</MediaId>").content == messages.Image("http://p", "m")
    voice = "<MediaId>m</MediaId><Format>amr</Format><MediaId16K>n</MediaId16K><Recognition>你好</Recognition>"
    assert message("voice", voice).content == messages.Voice("m", "amr", "n", "你好")
    film = "<MediaId>m</MediaId><ThumbMediaId>t</ThumbMediaId>"
    assert (message("video", film).content, message("shortvideo", film).content) == (
        messages.Video("m", "t"),
        messages.ShortVideo("m", "t"),
    )
    place = "<Location_X>23.134521</Location_X><Location_Y>-113.358803</Location_Y><Scale>20</Scale><Label>广州</Label>"
    assert message("location", place).content == messages.Location(23.134521, -113.358803, 20, "广州")
    link = "<Title>t</Title><Description>d</Description><Url>http://u</Url>"
    assert message("LINK", link).content == messages.Link("t", "d", "http://u")


def test_every_act_of_a_follower_says_what_they_did() -> None:
    code = "<EventKey><![CDATA[qrscene_store_01]]></EventKey><Ticket>TICKET</Ticket>"
    assert event("subscribe", code).content == acts.Subscribe("store_01", "TICKET")
    assert event("subscribe", "<EventKey><![CDATA[]]></EventKey>").content == acts.Subscribe("", "")
    assert event("unsubscribe").content == acts.Unsubscribe()
    assert event("SCAN", "<EventKey>qrscene_is_my_name</EventKey><Ticket>T</Ticket>").content == acts.Scan("qrscene_is_my_name", "T")
    where = "<Latitude>23.137466</Latitude><Longitude>113.352425</Longitude><Precision>119.385040</Precision>"
    assert event("LOCATION", where).content == acts.LocationReport(23.137466, 113.352425, 119.38504)
    assert event("CLICK", "<EventKey>K</EventKey>").content == acts.Click("K")
    assert event("VIEW", "<EventKey>http://u</EventKey><MenuId>7</MenuId>").content == acts.View("http://u", "7")
    assert event("view_miniprogram", "<EventKey>pages/a</EventKey><MenuId>7</MenuId>").content == acts.ViewMiniProgram("pages/a", "7")
    scanned = "<EventKey>6</EventKey><ScanCodeInfo><ScanType>qrcode</ScanType><ScanResult>1</ScanResult></ScanCodeInfo>"
    assert event("scancode_push", scanned).content == acts.ScanCodePush("6", "qrcode", "1")
    assert event("scancode_waitmsg", scanned).content == acts.ScanCodeWaitmsg("6", "qrcode", "1")
    chosen = "<EventKey>6</EventKey><SendLocationInfo><Location_X>23</Location_X><Location_Y>113</Location_Y><Scale>15</Scale>"
    chosen += "<Label>L</Label><Poiname></Poiname></SendLocationInfo>"
    assert event("location_select", chosen).content == acts.LocationSelect("6", 23.0, 113.0, 15, "L", "")


@pytest.mark.parametrize("name", ["pic_sysphoto", "pic_photo_or_album", "pic_weixin"])
@pytest.mark.parametrize("sums", [(), ("1b5f7c23b5bf75682a53e7b6d163e185",), ("a", "b", "c")])
def test_pictures_from_the_menu_come_as_none_one_or_many(name: str, sums: tuple[str, ...]) -> None:
    items = "".join(f"<item><PicMd5Sum>{one}</PicMd5Sum></item>" for one in sums)
    said = event(name, f"<EventKey>6</EventKey><SendPicsInfo><Count>{len(sums)}</Count><PicList>{items}</PicList></SendPicsInfo>").content
    assert isinstance(said, acts.Pics)
    assert (said.event_key, said.count, said.pic_md5_sums) == ("6", len(sums), sums)
    assert type(said).__name__.lower() == name.replace("_", "")


@pytest.mark.parametrize(
    ("status", "succeeded"), [("success", True), (" success ", True), ("failed:user block", False), ("failed: system failed", False)]
)
@pytest.mark.parametrize("name", ["TEMPLATESENDJOBFINISH", "templatesendjobfinish"])
def test_a_report_on_a_template_message_is_understood_with_and_without_blanks(name: str, status: str, succeeded: bool) -> None:
    said = event(name, f"<MsgID>{BIG}</MsgID><Status><![CDATA[{status}]]></Status>").content
    assert isinstance(said, jobs.TemplateSendJobFinish)
    assert (said.msg_id, said.succeeded) == (BIG, succeeded)


def test_a_report_on_a_mass_send_has_its_nested_results() -> None:
    check = "<item><ArticleIdx>1</ArticleIdx><UserDeclareState>0</UserDeclareState><AuditState>2</AuditState>"
    check += "<OriginalArticleUrl>Url_1</OriginalArticleUrl><OriginalArticleType>1</OriginalArticleType><CanReprint>1</CanReprint>"
    check += "<NeedReplaceContent>1</NeedReplaceContent><NeedShowReprintSource>1</NeedShowReprintSource></item>"
    urls = "".join(f"<item><ArticleIdx>{n}</ArticleIdx><ArticleUrl>http://{n}</ArticleUrl></item>" for n in (1, 2))
    inside = (
        "<MsgID>1000001625</MsgID><Status>err(30003)</Status><TotalCount>0</TotalCount><FilterCount> 0 </FilterCount><SentCount>0</SentCount>"
        "<ErrorCount>0</ErrorCount><CopyrightCheckResult><Count>1</Count><ResultList>"
        f"{check}</ResultList><CheckState>2</CheckState></CopyrightCheckResult>"
        f"<ArticleUrlResult><Count>2</Count><ResultList>{urls}</ResultList></ArticleUrlResult>"
    )
    expected = jobs.MassSendJobFinish(
        "1000001625",
        "err(30003)",
        *(0, 0, 0, 0, 2),
        (jobs.CopyrightCheck(1, 0, 2, "Url_1", 1, 1, 1, 1),),
        (jobs.ArticleUrl(1, "http://1"), jobs.ArticleUrl(2, "http://2")),
    )
    assert event("MASSSENDJOBFINISH", inside).content == expected
    bare = event("MASSSENDJOBFINISH", "<MsgID>1</MsgID><Status>send success</Status>").content
    assert bare == jobs.MassSendJobFinish("1", "send success", None, None, None, None, None, (), ())


@pytest.mark.parametrize("name", ["PUBLISHJOBFINISH", "FREEPUBLISHJOBFINISH"])
def test_a_publication_ends_under_either_name(name: str) -> None:
    done = "<publish_id>2247503051</publish_id><publish_status>0</publish_status><article_id>A</article_id>"
    done += "<article_detail><count>1</count><item><idx>1</idx><article_url>http://1</article_url></item></article_detail>"
    urls = (jobs.ArticleUrl(1, "http://1"),)
    assert event(name, f"<PublishEventInfo>{done}</PublishEventInfo>").content == jobs.PublishJobFinish("2247503051", 0, "A", urls, ())
    failed = "<publish_id>1</publish_id><publish_status>2</publish_status><fail_idx>1</fail_idx><fail_idx>2</fail_idx>"
    assert event(name, f"<PublishEventInfo>{failed}</PublishEventInfo>").content == jobs.PublishJobFinish("1", 2, "", (), (1, 2))


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_notices_come_as_none_one_or_many(number: int) -> None:
    asked = "<List><TemplateId>T</TemplateId><SubscribeStatusString>accept</SubscribeStatusString><PopupScene>2</PopupScene></List>"
    popup = event("subscribe_msg_popup_event", f"<SubscribeMsgPopupEvent>{asked * number}</SubscribeMsgPopupEvent>").content
    assert popup == notices.SubscribeMsgPopup((notices.Consent("T", "accept", 2),) * number)
    refused = "<List><TemplateId>T</TemplateId><SubscribeStatusString>reject</SubscribeStatusString></List>"
    change = event("subscribe_msg_change_event", f"<SubscribeMsgChangeEvent>{refused * number}</SubscribeMsgChangeEvent>").content
    assert change == notices.SubscribeMsgChange((notices.Consent("T", "reject", None),) * number)
    told = "<List><TemplateId>T</TemplateId><MsgID>1700827132819554304</MsgID><ErrorCode>0</ErrorCode><ErrorStatus>success</ErrorStatus></List>"
    sent = event("subscribe_msg_sent_event", f"<SubscribeMsgSentEvent>{told * number}</SubscribeMsgSentEvent>").content
    assert sent == notices.SubscribeMsgSent((notices.Notice("T", "1700827132819554304", 0, "success"),) * number)


def test_the_account_s_affairs_are_known() -> None:
    assert event("kf_create_session", "<KfAccount>a@b</KfAccount>").content == affairs.KfCreateSession("a@b")
    assert event("kf_close_session", "<KfAccount>a@b</KfAccount>").content == affairs.KfCloseSession("a@b")
    handed = "<FromKfAccount>a@b</FromKfAccount><ToKfAccount>c@b</ToKfAccount>"
    assert event("kf_switch_session", handed).content == affairs.KfSwitchSession("a@b", "c@b")
    for spelling in ("OpenID", "openid"):
        inside = f"<{spelling}>oB</{spelling}><UnionID>u</UnionID><AppID>wx1</AppID><RevokeInfo>301</RevokeInfo>"
        assert event("user_info_modified", inside).content == affairs.UserInfoModified("oB", "u", "wx1", "301")
        assert event("user_authorization_revoke", inside).content == affairs.UserAuthorizationRevoke("oB", "u", "wx1", "301")
        assert event("user_authorization_cancellation", inside).content == affairs.UserAuthorizationCancellation("oB", "u", "wx1", "301")
    for name in ("qualification_verify_success", "naming_verify_success", "annual_renew", "verify_expired"):
        said = event(name, "<ExpiredTime>1442401156</ExpiredTime>").content
        assert isinstance(said, affairs.Verified)
        assert (type(said).__name__.lower(), said.expired_time) == (name.replace("_", ""), 1442401156)
    for name in ("qualification_verify_fail", "naming_verify_fail"):
        said = event(name, "<FailTime>1442401122</FailTime><FailReason>by time</FailReason>").content
        assert isinstance(said, affairs.NotVerified)
        assert (type(said).__name__.lower(), said.fail_time, said.fail_reason) == (name.replace("_", ""), 1442401122, "by time")


@pytest.mark.parametrize("what", [message("hologram", "<Depth>3</Depth>"), event("user_get_card", "<CardId>c</CardId>")])
def test_what_we_do_not_know_says_so_and_keeps_everything(what: Inbound) -> None:
    assert what.content == Unknown(what.kind)
    assert not what.known
    assert what.kept is not None
    again = read(json.loads(what.kept))
    assert (again, again.key) == (what, what.key)


def test_an_event_without_a_message_type_is_an_event() -> None:
    for inside in ("<Event>CLICK</Event>", "<MsgType></MsgType><Event>CLICK</Event>", "<MsgType> </MsgType><Event>CLICK</Event>"):
        assert parse(xml(f"{inside}<EventKey>K</EventKey>").encode()).content == acts.Click("K")
    with pytest.raises(Unreadable):
        parse(xml("<Content>x</Content>").encode())


def test_what_opens_different_windows_has_different_kinds() -> None:
    assert message("text", "<Content>x</Content>").kind == "text"
    assert message("text", "<Content>x</Content><bizmsgmenuid>1</bizmsgmenuid>").kind == "msgmenu"
    assert message("location").kind == "location"
    assert event("LOCATION").kind == "event:location"
    assert event("CLICK").kind == "click"


def test_a_report_says_nothing_about_its_sender() -> None:
    assert all(event(name).by_follower for name in ("subscribe", "CLICK", "VIEW", "unsubscribe", "subscribe_msg_popup_event"))
    reports = ("TEMPLATESENDJOBFINISH", "MASSSENDJOBFINISH", "subscribe_msg_sent_event", "verify_expired", "kf_close_session", "brand_new")
    assert not any(event(name).by_follower for name in reports)


def test_a_plain_text_keeps_nothing_more_and_a_huge_push_keeps_what_has_room() -> None:
    assert message("text", "<Content>x</Content>").kept is None
    huge = event("VIEW", f"<EventKey>{'汉' * 20_000}</EventKey><MenuId>7</MenuId>")
    assert huge.kept is not None
    assert len(huge.kept.encode()) <= 16_000
    assert json.loads(huge.kept)["MenuId"] == "7"
    assert json.loads(huge.kept)["…"] == ["EventKey"]


# wechatpy as the judge


WECHATPY: list[tuple[str, str, dict[str, str]]] = [
    ("text", "<Content>a &amp; b</Content>", {"content": "content"}),
    ("image", "<PicUrl>http://p</PicUrl><MediaId>m</MediaId>", {"pic_url": "image", "media_id": "media_id"}),
    (
        "voice",
        "<MediaId>m</MediaId><Format>amr</Format><Recognition>r</Recognition>",
        {"media_id": "media_id", "format": "format", "recognition": "recognition"},
    ),
    ("video", "<MediaId>m</MediaId><ThumbMediaId>t</ThumbMediaId>", {"media_id": "media_id", "thumb_media_id": "thumb_media_id"}),
    ("shortvideo", "<MediaId>m</MediaId><ThumbMediaId>t</ThumbMediaId>", {"media_id": "media_id", "thumb_media_id": "thumb_media_id"}),
    (
        "link",
        "<Title>t</Title><Description>d</Description><Url>u</Url>",
        {"title": "title", "description": "description", "url": "url"},
    ),
    ("scan", "<EventKey>123</EventKey><Ticket>T</Ticket>", {"scene": "scene_id", "ticket": "ticket"}),
    (
        "LOCATION",
        "<Latitude>23.1</Latitude><Longitude>113.3</Longitude><Precision>119.3</Precision>",
        {"latitude": "latitude", "longitude": "longitude", "precision": "precision"},
    ),
    ("CLICK", "<EventKey>K</EventKey>", {"event_key": "key"}),
    ("VIEW", "<EventKey>http://u</EventKey>", {"event_key": "url"}),
    (
        "scancode_push",
        "<EventKey>6</EventKey><ScanCodeInfo><ScanType>qrcode</ScanType><ScanResult>1</ScanResult></ScanCodeInfo>",
        {"event_key": "key", "scan_type": "scan_type", "scan_result": "scan_result"},
    ),
    ("TEMPLATESENDJOBFINISH", "<MsgID>200163836</MsgID><Status>failed: system failed</Status>", {"status": "status"}),
    ("kf_create_session", "<KfAccount>a@b</KfAccount>", {"kf_account": "account"}),
    ("kf_switch_session", "<FromKfAccount>a</FromKfAccount><ToKfAccount>b</ToKfAccount>", {"from_kf_account": "from_account"}),
]


@pytest.mark.parametrize(("kind", "inside", "names"), WECHATPY, ids=[kind for kind, _, _ in WECHATPY])
def test_wechatpy_reads_the_same(kind: str, inside: str, names: dict[str, str]) -> None:
    told = f"<MsgType>{kind}</MsgType>" if kind in messages.READERS else f"<MsgType>event</MsgType><Event>{kind}</Event>"
    pushed = xml(told + inside + ("" if "<MsgID>" in inside else "<MsgId>1234567890123456</MsgId>"))
    ours, theirs = parse(pushed.encode()), wechatpy.parse_message(pushed)
    assert (ours.openid, ours.created_at, int(ours.msg_id)) == (theirs.source, int(theirs.create_time.timestamp()), theirs.id)
    for our_name, their_name in names.items():
        assert str(getattr(ours.content, our_name)) == str(getattr(theirs, their_name)), our_name


# Whatever comes


NAMES = st.sampled_from(
    [
        "Content",
        "bizmsgmenuid",
        "Location_X",
        "Scale",
        "EventKey",
        "SendPicsInfo",
        "PicList",
        "item",
        "Count",
        "ScanCodeInfo",
        "SubscribeMsgPopupEvent",
        "List",
        "CopyrightCheckResult",
        "ResultList",
        "PublishEventInfo",
        "fail_idx",
        "Status",
        "MsgID",
        "ExpiredTime",
        "OpenID",
        "ArticleUrlResult",
        "article_detail",
    ]
)
SCALARS = st.one_of(st.text(max_size=30), st.integers().map(str), st.floats().map(str), st.none(), st.integers(), st.booleans())
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5), max_leaves=12)
KINDS = st.sampled_from([*messages.READERS, "hologram"])
EVENTS = st.sampled_from([*acts.READERS, *jobs.READERS, *notices.READERS, *affairs.READERS, "brand_new"])


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(NAMES, VALUES, max_size=8), KINDS | st.just("event"), EVENTS)
def test_whatever_the_fields_are_reading_them_does_not_raise(fields: dict[str, Any], kind: str, name: str) -> None:
    said = Inbound("gh_1", "oA", 1, kind, "", name if kind == "event" else "", "", "", fields)
    assert isinstance(said.content, Content)
    assert said.content == said.content
    assert len(said.kind) <= 64
    assert said.known == (not isinstance(said.content, Unknown))
