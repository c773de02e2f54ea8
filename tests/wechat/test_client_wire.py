"""What each call looks like on the wire, what it makes of the answer, and that nothing but the platform's own yes is one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from tests.wechat.scripted_platform import Late, client, page, platform, run
from wechat.client import Ambiguous, Client, Garbled, PlatformError
from wechat.client.account import Quota
from wechat.client.mass import Images, MpNews, MpVideo, Submitted
from wechat.client.menu import ConditionalMenu, Menus
from wechat.client.publish import Published
from wechat.client.qrcode import QrCode
from wechat.reply import Text, Voice

YES = {"errcode": 0, "errmsg": "ok"}
BUTTONS = [{"type": "click", "name": "签到", "key": "签到"}]
BUTTONS_TEXT = '[{"type":"click","name":"签到","key":"签到"}]'
JOB = {**YES, "msg_id": 34182, "msg_data_id": 206227730}
ITEM = {"media_id": "M1", "update_time": 1}


@dataclass(frozen=True)
class Row:
    """`asks`: method, path and query as they are on the wire; `sends`: the exact body."""

    asks: str
    sends: str
    answer: dict[str, Any]
    call: Callable[[Client], Awaitable[object]]
    result: object = None


ROWS = [
    Row(
        "POST /cgi-bin/template/del_private_template",
        '{"template_id":"T1"}',
        YES,
        lambda one: one.template.delete("T1"),
    ),
    Row(
        "POST /cgi-bin/message/subscribe/bizsend",
        '{"touser":"oA","template_id":"T1","data":{"thing1":{"value":"签到"}},"page":"p/x","miniprogram":{"appid":"wx2","pagepath":"p"}}',
        YES,
        lambda one: one.subscription.send("oA", "T1", {"thing1": "签\x00到"}, page="p/x", miniprogram={"appid": "wx2", "pagepath": "p"}),
    ),
    Row(
        "POST /cgi-bin/message/custom/send",
        '{"touser":"oA","msgtype":"text","text":{"content":"你好"},"customservice":{"kf_account":"小美@gh"}}',
        YES,
        lambda one: one.custom.send("oA", {"msgtype": "text", "text": {"content": "你好"}}, account="小美@gh"),
    ),
    Row(
        "POST /cgi-bin/message/custom/typing",
        '{"touser":"oA","command":"Typing"}',
        YES,
        lambda one: one.custom.typing("oA", True),
    ),
    Row(
        "POST /cgi-bin/message/custom/typing",
        '{"touser":"oA","command":"CancelTyping"}',
        {"errcode": 45080, "errmsg": "no interaction"},
        lambda one: one.custom.typing("oA", False),
    ),
    Row(
        "POST /cgi-bin/message/mass/sendall",
        '{"filter":{"is_to_all":true},"msgtype":"text","text":{"content":"大家好"},"clientmsgid":"k1"}',
        {**YES, "msg_id": 34182},
        lambda one: one.mass.send_all(Text("大家好"), clientmsgid="k1"),
        Submitted("34182", None),
    ),
    Row(
        "POST /cgi-bin/message/mass/sendall",
        '{"filter":{"is_to_all":false,"tag_id":2},"msgtype":"mpnews","mpnews":{"media_id":"M1"},"send_ignore_reprint":1,"clientmsgid":"k1"}',
        JOB,
        lambda one: one.mass.send_all(MpNews("M1", ignore_reprint=True), tag_id=2, clientmsgid="k1"),
        Submitted("34182", "206227730"),
    ),
    Row(
        "POST /cgi-bin/message/mass/send",
        '{"touser":["oA","oB"],"msgtype":"image","images":{"media_ids":["M1","M2"],"recommend":"看图","need_open_comment":1,'
        '"only_fans_can_comment":0},"clientmsgid":"k1"}',
        JOB,
        lambda one: one.mass.send(["oA", "oB"], Images(("M1", "M2"), "看图", comments=True), clientmsgid="k1"),
        Submitted("34182", "206227730"),
    ),
    Row(
        "POST /cgi-bin/message/mass/send",
        '{"touser":["oA","oB"],"msgtype":"mpvideo","mpvideo":{"media_id":"M1","title":"标题","description":""},"clientmsgid":"k1"}',
        {"errcode": 45065, "errmsg": "clientmsgid exist", "msg_id": 7},
        lambda one: one.mass.send(["oA", "oB"], MpVideo("M1", "标题"), clientmsgid="k1"),
        Submitted("7", None),
    ),
    Row(
        "POST /cgi-bin/message/mass/send",
        '{"touser":["oA","oB"],"msgtype":"voice","voice":{"media_id":"M1"},"clientmsgid":"k1"}',
        {"errcode": 45065, "errmsg": "clientmsgid exist"},
        lambda one: one.mass.send(["oA", "oB"], Voice("M1"), clientmsgid="k1"),
        Submitted(None, None),
    ),
    Row(
        "POST /cgi-bin/message/mass/preview",
        '{"touser":"oA","msgtype":"image","image":{"media_id":"M1"}}',
        {"errcode": 0, "errmsg": "preview success", "msg_id": 1},
        lambda one: one.mass.preview("oA", Images(("M1", "M2"))),
    ),
    Row(
        "POST /cgi-bin/message/mass/get",
        '{"msg_id":"34182"}',
        {"msg_id": 34182, "msg_status": "SENDING"},
        lambda one: one.mass.get("34182"),
        "SENDING",
    ),
    Row(
        "POST /cgi-bin/message/mass/delete",
        '{"msg_id":34182,"article_idx":2}',
        YES,
        lambda one: one.mass.delete("34182", 2),
    ),
    Row("POST /cgi-bin/message/mass/speed/get", "{}", {"speed": 3, "realspeed": 15}, lambda one: one.mass.speed(), 3),
    Row("POST /cgi-bin/message/mass/speed/set", '{"speed":1}', YES, lambda one: one.mass.set_speed(1)),
    Row(
        "POST /cgi-bin/user/info/updateremark",
        '{"openid":"oA","remark":"老王"}',
        YES,
        lambda one: one.follower.remark("oA", "老王"),
    ),
    Row(
        "POST /cgi-bin/tags/create",
        '{"tag":{"name":"会员"}}',
        {"tag": {"id": 134, "name": "会员"}},
        lambda one: one.tag.create("会员"),
        134,
    ),
    Row("POST /cgi-bin/tags/update", '{"tag":{"id":134,"name":"贵宾"}}', YES, lambda one: one.tag.rename(134, "贵宾")),
    Row("POST /cgi-bin/tags/delete", '{"tag":{"id":134}}', YES, lambda one: one.tag.delete(134)),
    Row(
        "POST /cgi-bin/tags/members/batchtagging",
        '{"openid_list":["oA","oB"],"tagid":134}',
        YES,
        lambda one: one.tag.put_on(134, ["oA", "oB"]),
        [],
    ),
    Row(
        "POST /cgi-bin/tags/members/batchuntagging",
        '{"openid_list":["oA","oB"],"tagid":134}',
        {"errcode": 45171, "errmsg": "some openid fail", "fail_openid_list": ["oB"]},
        lambda one: one.tag.take_off(134, ["oA", "oB"]),
        ["oB"],
    ),
    Row("POST /cgi-bin/tags/getidlist", '{"openid":"oA"}', {"tagid_list": [134, 2]}, lambda one: one.tag.of("oA"), [134, 2]),
    Row("POST /cgi-bin/user/tag/get", '{"tagid":134,"next_openid":""}', {"count": 0}, lambda one: everything(one.tag.openids(134)), []),
    Row(
        "POST /cgi-bin/tags/members/getblacklist",
        '{"begin_openid":""}',
        {"total": 1, "count": 1, "data": {"openid": ["oA"]}, "next_openid": ""},
        lambda one: everything(one.blacklist.openids()),
        [["oA"]],
    ),
    Row("POST /cgi-bin/tags/members/batchblacklist", '{"openid_list":["oA"]}', YES, lambda one: one.blacklist.add(["oA"])),
    Row("POST /cgi-bin/tags/members/batchunblacklist", '{"openid_list":["oA"]}', YES, lambda one: one.blacklist.remove(["oA"])),
    Row(
        "GET /cgi-bin/menu/get",
        "",
        {
            "menu": {"button": BUTTONS, "menuid": 1},
            "conditionalmenu": [{"button": BUTTONS, "matchrule": {"tag_id": "2"}, "menuid": 208396993}],
        },
        lambda one: one.menu.get(),
        Menus(BUTTONS, [ConditionalMenu("208396993", {"tag_id": "2"}, BUTTONS)]),
    ),
    Row(
        "GET /cgi-bin/menu/get",
        "",
        {"errcode": 46003, "errmsg": "menu no exist"},
        lambda one: one.menu.get(),
        Menus([], []),
    ),
    Row("POST /cgi-bin/menu/create", f'{{"button":{BUTTONS_TEXT}}}', YES, lambda one: one.menu.create(BUTTONS)),
    Row("GET /cgi-bin/menu/delete", "", YES, lambda one: one.menu.delete()),
    Row(
        "POST /cgi-bin/menu/addconditional",
        f'{{"button":{BUTTONS_TEXT},"matchrule":{{"tag_id":"2"}}}}',
        {"menuid": "208379533"},
        lambda one: one.menu.add_conditional(BUTTONS, {"tag_id": "2"}),
        "208379533",
    ),
    Row("POST /cgi-bin/menu/delconditional", '{"menuid":"208379533"}', YES, lambda one: one.menu.delete_conditional("208379533")),
    Row("POST /cgi-bin/menu/trymatch", '{"user_id":"oA"}', {"button": BUTTONS}, lambda one: one.menu.try_match("oA"), BUTTONS),
    Row(
        "GET /cgi-bin/get_current_selfmenu_info",
        "",
        {"is_menu_open": 1, "selfmenu_info": {"button": BUTTONS}},
        lambda one: one.menu.current(),
        {"is_menu_open": 1, "selfmenu_info": {"button": BUTTONS}},
    ),
    Row(
        "GET /cgi-bin/get_current_autoreply_info",
        "",
        {"is_add_friend_reply_open": 0, "is_autoreply_open": 1},
        lambda one: one.menu.auto_replies(),
        {"is_add_friend_reply_open": 0, "is_autoreply_open": 1},
    ),
    Row(
        "POST /cgi-bin/qrcode/create",
        '{"action_name":"QR_LIMIT_STR_SCENE","action_info":{"scene":{"scene_str":"一号店"}}}',
        {"ticket": "gQ==", "url": "http://weixin.qq.com/q/1"},
        lambda one: one.qrcode.create("一号店"),
        QrCode("gQ==", "http://weixin.qq.com/q/1", None),
    ),
    Row(
        "POST /cgi-bin/qrcode/create",
        '{"action_name":"QR_STR_SCENE","action_info":{"scene":{"scene_str":"s"}},"expire_seconds":604800}',
        {"ticket": "gQ==", "expire_seconds": 604800, "url": "http://weixin.qq.com/q/1"},
        lambda one: one.qrcode.create("s", seconds=604800),
        QrCode("gQ==", "http://weixin.qq.com/q/1", 604800),
    ),
    Row(
        "GET /cgi-bin/media/get?media_id=M/1",
        "",
        {"video_url": "http://v.cn/1"},
        lambda one: one.media.video_url("M/1"),
        "http://v.cn/1",
    ),
    Row(
        "POST /cgi-bin/draft/add",
        '{"articles":[{"title":"标题"}]}',
        {"media_id": "M1"},
        lambda one: one.draft.add([{"title": "标题"}]),
        "M1",
    ),
    Row("POST /cgi-bin/draft/get", '{"media_id":"M1"}', {"news_item": [ITEM]}, lambda one: one.draft.get("M1"), [ITEM]),
    Row(
        "POST /cgi-bin/draft/update",
        '{"media_id":"M1","index":1,"articles":{"title":"标题"}}',
        YES,
        lambda one: one.draft.update("M1", {"title": "标题"}, 1),
    ),
    Row("POST /cgi-bin/draft/delete", '{"media_id":"M1"}', YES, lambda one: one.draft.delete("M1")),
    Row("GET /cgi-bin/draft/count", "", {"total_count": 5}, lambda one: one.draft.count(), 5),
    Row(
        "POST /cgi-bin/draft/batchget",
        '{"offset":0,"count":20,"no_content":1}',
        {"total_count": 1, "item_count": 1, "item": [ITEM]},
        lambda one: one.draft.list(),
        [ITEM],
    ),
    Row(
        "POST /cgi-bin/freepublish/submit",
        '{"media_id":"M1"}',
        {**YES, "publish_id": "100000001", "msg_data_id": "1"},
        lambda one: one.publish.submit("M1"),
        "100000001",
    ),
    Row(
        "POST /cgi-bin/freepublish/get",
        '{"publish_id":"100000001"}',
        {"publish_status": 0, "article_id": "A1", "article_detail": {"count": 1, "item": [{"idx": 1, "article_url": "http://a.cn"}]}},
        lambda one: one.publish.get("100000001"),
        Published(0, "A1", ("http://a.cn",)),
    ),
    Row(
        "POST /cgi-bin/freepublish/get",
        '{"publish_id":"100000001"}',
        {"publish_id": "100000001", "publish_status": 1, "fail_idx": []},
        lambda one: one.publish.get("100000001"),
        Published(1),
    ),
    Row("POST /cgi-bin/freepublish/delete", '{"article_id":"A1","index":1}', YES, lambda one: one.publish.delete("A1", 1)),
    Row(
        "POST /cgi-bin/freepublish/getarticle", '{"article_id":"A1"}', {"news_item": [ITEM]}, lambda one: one.publish.article("A1"), [ITEM]
    ),
    Row(
        "POST /cgi-bin/freepublish/batchget",
        '{"offset":20,"count":5,"no_content":0}',
        {"total_count": 21, "item_count": 1, "item": [ITEM]},
        lambda one: one.publish.list(20, 5, content=True),
        [ITEM],
    ),
    Row(
        "POST /datacube/getusersummary",
        '{"begin_date":"2026-11-14","end_date":"2026-11-20"}',
        {"list": [{"ref_date": "2026-11-14", "user_source": 0, "new_user": 3, "cancel_user": 1}]},
        lambda one: one.statistics.fetch("getusersummary", date(2026, 11, 14), date(2026, 11, 20)),
        [{"ref_date": "2026-11-14", "user_source": 0, "new_user": 3, "cancel_user": 1}],
    ),
    Row(
        "POST /cgi-bin/openapi/quota/get",
        '{"cgi_path":"/cgi-bin/message/custom/send"}',
        {**YES, "quota": {"daily_limit": 500000, "used": 1, "remain": 499999}},
        lambda one: one.account.quota("/cgi-bin/message/custom/send"),
        Quota(500000, 1, 499999),
    ),
    Row("GET /cgi-bin/getcallbackip", "", {"ip_list": ["1.2.3.0/24"]}, lambda one: one.account.callback_ips(), ["1.2.3.0/24"]),
    Row(
        "POST /cgi-bin/callback/check",
        '{"action":"all","check_operator":"DEFAULT"}',
        {"dns": [], "ping": [{"ip": "1.2.3.4", "time": "23.079ms"}]},
        lambda one: one.account.check_callback(),
        {"dns": [], "ping": [{"ip": "1.2.3.4", "time": "23.079ms"}]},
    ),
    Row(
        "POST /cgi-bin/openapi/rid/get",
        '{"rid":"r-1"}',
        {**YES, "request": {"cost_in_ms": 30}},
        lambda one: one.account.rid("r-1"),
        {"cost_in_ms": 30},
    ),
]
NAMES = [f"{number}-{row.asks.split('?')[0].rpartition('/')[2]}" for number, row in enumerate(ROWS)]


async def everything(found: Any) -> list[list[str]]:
    return [one async for one in found]


def path_of(row: Row) -> str:
    return row.asks.split(" ")[1].split("?")[0]


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_the_call_is_on_the_wire_what_the_platform_reads_and_its_answer_is_read(row: Row) -> None:
    async def scenario() -> None:
        async with platform({path_of(row): [row.answer]}) as scripted, client(scripted) as one:
            assert await row.call(one) == row.result
            [call] = scripted.calls(path_of(row))
            query = "&".join(f"{name}={values[0]}" for name, values in call.query.items() if name != "access_token")
            assert f"{call.method} {call.path}{query and '?' + query}" == row.asks
            assert call.query["access_token"] == ["TOKEN-CANARY-1"]
            assert call.body.decode() == row.sends  # raw UTF-8: to the letter
            assert row.sends == "" or "content-type: application/json\r\n" in call.head.lower()

    run(scenario)


NOT_ITS_WORDS = [page(200, b""), page(200, b"<html>login</html>"), page(404, b"nothing"), page(200, b"[]"), {}, {"a": "b"}]
REFUSAL = {"errcode": 48001, "errmsg": "api unauthorized rid: 1"}
UNCLEAR = [
    page(500, b'{"errcode":0}', "application/json"),
    b'HTTP/1.0 200 OK\r\ncontent-length: 100\r\n\r\n{"errcode":0',
    {"errcode": -1, "errmsg": "system error"},
]


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_no_other_answer_is_a_yes_and_a_no_is_a_no(row: Row) -> None:
    async def scenario() -> None:
        answers = NOT_ITS_WORDS + UNCLEAR
        async with platform({path_of(row): [*answers, REFUSAL]}) as scripted, client(scripted) as one:
            for number, answer in enumerate(answers, 1):
                with pytest.raises(Garbled if answer in NOT_ITS_WORDS else Ambiguous):
                    await row.call(one)
                assert len(scripted.calls(path_of(row))) == number
            with pytest.raises(PlatformError, match="48001") as refused:
                await row.call(one)
            assert not isinstance(refused.value, Ambiguous)

    run(scenario)


def test_an_answer_after_the_deadline_is_none() -> None:
    async def scenario() -> None:
        async with platform({"/cgi-bin/menu/create": [Late(0.5, YES)]}) as scripted, client(scripted, deadline=0.2) as one:
            with pytest.raises(Ambiguous):
                await one.menu.create(BUTTONS)

    run(scenario)
