"""Two clients of other people work against the simulator with nothing changed but the address their requests go to."""

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import requests
import werobot.client  # type: ignore[import-untyped]
from wechatpy import WeChatClient
from wechatpy.exceptions import WeChatClientException

from tests.simulator.coverage import accepted, checked_by

APP_ID, SECRET = "wx1234567890abcdef", "demo-app-secret"
JPEG, AMR, MP4 = b"\xff\xd8\xff\xe0" + bytes(64), b"#!AMR\n" + bytes(64), bytes(4) + b"ftypmp42" + bytes(64)
MENU = {
    "button": [
        {"type": "click", "name": "今日歌曲", "key": "V1001_TODAY_MUSIC"},
        {"name": "菜单", "sub_button": [{"type": "view", "name": "搜索", "url": "http://www.soso.com/"}, {"type": "click", "name": "赞一下我们", "key": "V1001_GOOD"}]},
    ]
}  # fmt: skip
DIGEST = {"thing1": {"value": "本周精选"}, "time2": {"value": "20:00"}}
NOTICE = {"thing1": {"value": "一号店"}, "time2": {"value": "2026年11月21日 18:30"}}
QR = {"expire_seconds": 1800, "action_name": "QR_SCENE", "action_info": {"scene": {"scene_id": 123}}}
SONG = ("https://e.com/a.mp3", "https://e.com/b.mp3")
CARD = {"title": "商城", "appid": "wx286b93c14bbf93aa", "pagepath": "pages/index"}
OPTIONS = {"head_content": "满意吗", "list": [{"id": "101", "content": "满意"}], "tail_content": "谢谢"}
KF = "kf2001@yizhan"


@dataclass(frozen=True)
class Known:
    """What a row of the tables may use: a follower who has just written, media of each kind, a tag, and the tag's carriers."""

    openid: str
    image: str
    voice: str
    video: str
    thumb: str
    tag_id: int
    openids: list[str]


def _file(content: bytes, name: str) -> io.BytesIO:
    file = io.BytesIO(content)
    file.name = name
    return file


@pytest.fixture
def _rerouted(platform: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every request to a host of the platform goes to the simulator. Both clients have hosts in their code."""
    base, send = str(platform.base_url).rstrip("/"), requests.Session.request

    def request(session: requests.Session, method: str, url: str, **more: Any) -> requests.Response:
        return send(session, method, re.sub(r"^https?://(api|mp|open)\.weixin\.qq\.com", base, url), **more)

    monkeypatch.setattr(requests.Session, "request", request)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")  # a proxy in the environment is not for this machine itself


@pytest.fixture(scope="module")
def _media(platform: httpx.Client, token_of: Callable[..., str]) -> dict[str, str]:
    found = {}
    for kind, content in (("image", JPEG), ("voice", AMR), ("video", MP4), ("thumb", JPEG)):
        query = {"access_token": token_of(platform), "type": kind}
        answer = platform.post("/cgi-bin/media/upload", params=query, files={"media": ("a.bin", content)}).json()
        found[kind] = answer.get("media_id") or answer["thumb_media_id"]
    return found


@pytest.fixture
def acquaint(
    platform: httpx.Client, call: Callable[..., Any], _openids: Iterator[str], _media: dict[str, str]
) -> Iterator[Callable[[], Known]]:
    """Somebody new who has just written, on a platform with a menu."""

    def meet() -> Known:
        openid = next(_openids)
        platform.post("/_sim/say", json={"openid": openid, "text": "在吗"})
        platform.post("/_sim/popup", json={"openid": openid, "template_ids": ["NOTICE_ID"]})
        people = platform.get("/_sim/followers", params={"tag": "VIP", "limit": 3}).json()["followers"]
        tag_id = next(tag["id"] for tag in call(platform, "/cgi-bin/tags/get")["tags"] if tag["name"] == "VIP")
        call(platform, "/cgi-bin/menu/create", MENU)
        return Known(openid, **_media, tag_id=tag_id, openids=[person["openid"] for person in people])

    yield meet
    call(platform, "/cgi-bin/menu/delete")


@pytest.fixture
def known(webhook: Any, acquaint: Callable[[], Known]) -> Known:
    """One such person."""
    return acquaint()


def _conditional(known: Known) -> dict[str, Any]:
    return {**MENU, "matchrule": {"tag_id": str(known.tag_id)}}


Row = Callable[[Any, Known], object]
THEN = "2026-01-05"
"""A day long before the simulator began."""
NEWS = {"title": "秋天的书", "author": "小站", "content": "<p>正文</p>", "digest": "", "content_source_url": ""}

WECHATPY: dict[str, Row] = {
    "ips": lambda c, k: c.misc.get_wechat_ips() == ["127.0.0.1"],
    "menu.create": lambda c, k: c.menu.create(MENU)["errcode"] == 0,
    "menu.update": lambda c, k: c.menu.update(MENU)["errcode"] == 0,
    "menu.get": lambda c, k: c.menu.get()["menu"]["button"][0]["key"] == "V1001_TODAY_MUSIC",
    "menu.delete": lambda c, k: c.menu.delete()["errcode"] == 0 and c.menu.get() is None,
    "menu.get_menu_info": lambda c, k: c.menu.get_menu_info()["selfmenu_info"]["button"][1]["sub_button"]["list"][0]["type"] == "view",
    "menu.conditional": lambda c, k: c.menu.del_conditional(c.menu.add_conditional(_conditional(k))["menuid"])["errcode"] == 0,
    "menu.try_match": lambda c, k: len(c.menu.try_match(k.openid)["button"]) == 2,
    "message.get_autoreply_info": lambda c, k: c.message.get_autoreply_info()["keyword_autoreply_info"]["list"],
    "media": lambda c, k: c.media.download(c.media.upload("image", _file(JPEG, "a.jpg"))["media_id"]).content == JPEG,
    "media.video": lambda c, k: c.media.download(k.video)["video_url"].startswith("http"),
    "media.upload_video": lambda c, k: c.media.upload_video(k.video, "探店", "一号店")["type"] == "video",
    "media.upload_image": lambda c, k: c.media.upload_image(_file(JPEG, "a.jpg")).startswith("http"),
    "material": lambda c, k: c.material.delete(c.material.add("image", _file(JPEG, "a.jpg"))["media_id"])["errcode"] == 0,
    "material.video": lambda c, k: c.material.get(c.material.add("video", _file(MP4, "a.mp4"), "探店", "一号店")["media_id"])["title"] == "探店",
    "material.batchget": lambda c, k: c.material.batchget("image")["item_count"] >= 0,
    "material.get_count": lambda c, k: c.material.get_count()["voice_count"] >= 0,
    "qrcode": lambda c, k: c.qrcode.show(c.qrcode.create(QR)).content.startswith(b"\x89PNG"),
    "template.list": lambda c, k: c.template.get_all_private_template()["template_list"],
    "template.industry": lambda c, k: c.template.get_industry()["primary_industry"]["first_class"],
    "template.send": lambda c, k: c.message.send_template(k.openid, "TEMPLATE_ID", DIGEST, url="https://e.com")["msgid"] > 0,
    "subscribe": lambda c, k: c.message.send_subscribe_message(k.openid, "NOTICE_ID", NOTICE, page="https://e.com")["errcode"] == 0,
    "send_text": lambda c, k: c.message.send_text(k.openid, "在的", account=KF)["errcode"] == 0,
    "send_image": lambda c, k: c.message.send_image(k.openid, k.image)["errcode"] == 0,
    "send_voice": lambda c, k: c.message.send_voice(k.openid, k.voice)["errcode"] == 0,
    "send_video": lambda c, k: c.message.send_video(k.openid, k.video, "探店")["errcode"] == 0,
    "send_music": lambda c, k: c.message.send_music(k.openid, *SONG, k.thumb, "歌")["errcode"] == 0,
    "send_articles": lambda c, k: c.message.send_articles(k.openid, [{"title": "t", "description": "d", "url": "https://e.com", "image": "https://e.com/a"}]),
    "send_card": lambda c, k: c.message.send_card(k.openid, "card")["errcode"] == 0,
    "send_mini_program_page": lambda c, k: c.message.send_mini_program_page(k.openid, {**CARD, "thumb_media_id": k.thumb})["errcode"] == 0,
    "send_msg_menu": lambda c, k: c.message.send_msg_menu(k.openid, OPTIONS)["errcode"] == 0,
    "kf.accounts": lambda c, k: [c.customservice.add_account("kf_py@yizhan", "小新", "x"), c.customservice.update_account("kf_py@yizhan", "老新", "x"),
        c.customservice.upload_headimg("kf_py@yizhan", _file(JPEG, "a.jpg")), c.customservice.delete_account("kf_py@yizhan")],
    "kf.list": lambda c, k: c.customservice.get_accounts()[0]["kf_account"] == c.customservice.get_online_accounts()[0]["kf_account"] == KF,
    "kf.session": lambda c, k: [c.customservice.create_session(k.openid, KF), c.customservice.get_session(k.openid)["kf_account"] == KF,
        c.customservice.get_session_list(KF), c.customservice.get_wait_case(), c.customservice.close_session(k.openid, KF)],
    "kf.records": lambda c, k: c.customservice.get_records(1, 2)["recordlist"] == [],
    "user.iter_followers": lambda c, k: k.openid in list(c.user.iter_followers()),
    "user.get": lambda c, k: c.user.get(k.openid)["subscribe"] == 1,
    "user.get_batch": lambda c, k: [info["openid"] for info in c.user.get_batch(k.openids)] == k.openids,
    "user.update_remark": lambda c, k: c.user.update_remark(k.openid, "老顾客")["errcode"] == 0,
    "user.get_group_id": lambda c, k: c.user.get_group_id(k.openid) is not None,
    "tag": lambda c, k: [c.tag.update(tag_id := c.tag.create(f"新{k.openid[-6:]}")["id"], f"改{k.openid[-6:]}"), c.tag.tag_user(tag_id, k.openids),
        c.tag.untag_user(tag_id, k.openids), c.tag.delete(tag_id)],
    "tag.get": lambda c, k: {"id": k.tag_id, "name": "VIP"}.items() <= next(tag for tag in c.tag.get() if tag["id"] == k.tag_id).items(),
    "tag.carriers": lambda c, k: set(k.openids) <= set(c.tag.iter_tag_users(k.tag_id)),
    "tag.of": lambda c, k: c.tag.get_user_tag(k.openids[0]) == c.user.get(k.openids[0])["tagid_list"],
    "tag.blacklist": lambda c, k: [c.tag.batch_black_list([k.openid]), c.tag.get_black_list(), c.tag.batch_unblack_list([k.openid])],
    "group": lambda c, k: c.group.delete(c.group.create(f"组{k.openid[-6:]}")["group"]["id"]) is not None,
    "mass": lambda c, k: c.message.get_mass(c.message.send_mass_text(k.openids, f"各位{k.openid}")["msg_id"])["msg_status"],
    "mass.tag": lambda c, k: c.message.send_mass_image(k.tag_id, k.image, client_msg_id=k.openid)["msg_id"] > 0,
    "mass.preview": lambda c, k: c.message.send_mass_voice(k.openid, k.voice, preview=True)["errcode"] == 0,
    "datacube": lambda c, k: [len(ask(THEN, THEN)) >= 1 for ask in (c.datacube.get_user_summary, c.datacube.get_user_cumulate,
        c.datacube.get_interface_summary, c.datacube.get_user_read)],
    "datacube.rest": lambda c, k: [ask(THEN, THEN) == [] for ask in (c.datacube.get_upstream_msg, c.datacube.get_upstream_msg_hour,
        c.datacube.get_upstream_msg_dist, c.datacube.get_article_summary, c.datacube.get_article_total, c.datacube.get_user_share)],
    "jsapi": lambda c, k: c.jsapi.get_jsapi_ticket() == c.jsapi.get_ticket()["ticket"],
}  # fmt: skip

WEROBOT: dict[str, Row] = {
    "get_ip_list": lambda c, k: c.get_ip_list()["ip_list"],
    "menu": lambda c, k: [c.create_menu(MENU), c.get_menu()["menu"], c.get_custom_menu_config()["selfmenu_info"], c.delete_menu()],
    "custom_menu": lambda c, k: c.delete_custom_menu(c.create_custom_menu(MENU["button"], {"tag_id": k.tag_id})["menuid"]),
    "match_custom_menu": lambda c, k: c.match_custom_menu(k.openid)["button"],
    "service_account": lambda c, k: [c.add_custom_service_account("kf_we@yizhan", "小新", "x"), c.update_custom_service_account("kf_we@yizhan", "老新", "x"),
        c.upload_custom_service_account_avatar("kf_we@yizhan", _file(JPEG, "头像.jpg")), c.delete_custom_service_account("kf_we@yizhan", "老新", "x")],
    "service_account_list": lambda c, k: [c.get_custom_service_account_list()["kf_list"], c.get_online_custom_service_account_list()["kf_online_list"]],
    "media": lambda c, k: c.download_media(c.upload_media("image", _file(JPEG, "门店.jpg"))["media_id"]).content == JPEG,
    "upload_news_picture": lambda c, k: c.upload_news_picture(_file(JPEG, "a.jpg"))["url"],
    "permanent_media": lambda c, k: c.download_permanent_media(c.upload_permanent_media("image", _file(JPEG, "a.jpg"))["media_id"]).content == JPEG,
    "permanent_video": lambda c, k: c.delete_permanent_media(c.upload_permanent_video("探店", "一号店", _file(MP4, "a.mp4")).json()["media_id"]),
    "media_lists": lambda c, k: [c.get_media_count()["image_count"], c.get_media_list("image", 0, 20)["total_count"]],
    "groups": lambda c, k: [group := c.create_group(f"甲{k.openid[-6:]}")["group"]["id"], c.update_group(group, f"乙{k.openid[-6:]}"), c.move_user(k.openid, group),
        c.get_group_by_id(k.openid)["groupid"] == group, c.move_users([k.openid], 0), c.get_groups()["groups"], c.delete_group(group)],
    "remark_user": lambda c, k: c.remark_user(k.openid, "老顾客"),
    "users": lambda c, k: [c.get_user_info(k.openid)["subscribe"] == 1, len(c.get_users_info(k.openids)["user_info_list"]) == len(k.openids)],
    "get_followers": lambda c, k: c.get_followers(k.openids[0])["count"] > 0,
    "text": lambda c, k: c.send_text_message(k.openid, "在的", KF),
    "image": lambda c, k: c.send_image_message(k.openid, k.image),
    "voice": lambda c, k: c.send_voice_message(k.openid, k.voice),
    "video": lambda c, k: c.send_video_message(k.openid, k.video, "探店"),
    "music": lambda c, k: c.send_music_message(k.openid, *SONG, k.thumb, "歌"),
    "article": lambda c, k: c.send_article_message(k.openid, [{"title": "t", "description": "d", "url": "https://e.com", "picurl": "https://e.com/a"}]),
    "miniprogrampage": lambda c, k: c.send_miniprogrampage_message(k.openid, CARD["title"], CARD["appid"], CARD["pagepath"], k.thumb),
    "qrcode": lambda c, k: c.show_qrcode(c.create_qrcode(QR)["ticket"]).content.startswith(b"\x89PNG"),
    "template": lambda c, k: c.send_template_message(k.openid, "TEMPLATE_ID", DIGEST, "https://e.com", {"appid": CARD["appid"], "pagepath": "p"})["msgid"],
    "tags": lambda c, k: [tag := c.create_tag(f"签{k.openid[-6:]}")["tag"]["id"], c.update_tag(tag, f"改{k.openid[-6:]}"), c.tag_users(tag, k.openids),
        c.get_users_by_tag(tag)["count"] == len(k.openids), tag in c.get_tags_by_user(k.openids[0])["tagid_list"], c.untag_users(tag, k.openids),
        c.get_tags()["tags"], c.delete_tag(tag)],
    "mass": lambda c, k: c.get_mass_msg_status(c.send_mass_msg("text", f"你们{k.openid}", k.openids)["msg_id"])["msg_status"],
    "mass.tag": lambda c, k: c.send_mass_msg("voice", k.voice, k.tag_id, client_msg_id=k.openid)["errcode"] == 0,
    "mass.preview": lambda c, k: c.send_mass_preview_to_user("image", k.image, k.openid)["errcode"] == 0,
    "mass.news": lambda c, k: c.send_mass_preview_to_user("mpnews", c.upload_news([{**NEWS, "thumb_media_id": k.image}])["media_id"], k.openid)["msg_id"],
    "mass.speed": lambda c, k: c.get_mass_msg_speed()["speed"] is not None,
}  # fmt: skip


@pytest.mark.usefixtures("_rerouted")
@pytest.mark.parametrize("row", WECHATPY)
def test_wechatpys_client_is_served(known: Known, row: str) -> None:
    _holds(WECHATPY[row](_wechatpy(), known))


@pytest.mark.usefixtures("_rerouted")
@pytest.mark.parametrize("row", WEROBOT)
def test_werobots_client_is_served(known: Known, row: str) -> None:
    _holds(WEROBOT[row](_werobot(), known))


def _holds(outcome: object) -> None:
    """Neither client returns from a refused call, so what came back only has to be something, and every check true."""
    assert outcome
    assert not isinstance(outcome, list) or False not in outcome


@pytest.mark.usefixtures("_rerouted", "webhook")
@pytest.mark.parametrize("name", ["wechatpy", "WeRoBot"])
def test_the_page_about_the_platform_says_what_they_reach(platform: httpx.Client, acquaint: Callable[[], Known], name: str) -> None:
    rows, client = (WECHATPY, _wechatpy) if name == "wechatpy" else (WEROBOT, _werobot)
    reached = set()
    for row in rows.values():
        person, before = acquaint(), accepted(platform)
        row(client(), person)
        reached |= {path for path, count in accepted(platform).items() if count > before[path]}
    assert checked_by(name) == reached


def _wechatpy() -> Any:
    return WeChatClient(APP_ID, SECRET)


def _werobot() -> Any:
    return werobot.client.Client({"APP_ID": APP_ID, "APP_SECRET": SECRET})


@pytest.mark.usefixtures("_rerouted")
def test_both_clients_hear_what_was_wrong(platform: httpx.Client) -> None:
    with pytest.raises(WeChatClientException) as refused:
        WeChatClient(APP_ID, SECRET).message.send_text("oSimNobody", "在吗")
    assert refused.value.errcode == 40003
    with pytest.raises(werobot.client.ClientException, match="40003: invalid openid rid: "):
        werobot.client.Client({"APP_ID": APP_ID, "APP_SECRET": SECRET}).send_text_message("oSimNobody", "在吗")
