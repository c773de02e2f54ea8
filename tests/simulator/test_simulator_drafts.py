"""Drafts, what is published of them, and the pages a follower opens."""

import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import httpx
import pytest

PICTURE = b"\x89PNG\r\n\x1a\n" + b"\0" * 32
Call = Callable[..., dict[str, Any]]
Cover = Callable[[httpx.Client], str]


@pytest.fixture
def cover(token_of: Callable[[httpx.Client], str]) -> Cover:
    """A picture the account keeps."""

    def upload(client: httpx.Client) -> str:
        query = {"access_token": token_of(client), "type": "image"}
        files = {"media": ("cover.png", PICTURE, "image/png")}
        return str(client.post("/cgi-bin/material/add_material", params=query, files=files).json()["media_id"])

    return upload


def _article(cover: str, **more: Any) -> dict[str, Any]:
    return {"title": "秋天的书", "author": "小站", "content": "<p>正文<b>一</b></p>", "thumb_media_id": cover, **more}


def _events(webhook: Any, client: httpx.Client, name: str) -> list[ET.Element]:
    bodies = [entry["body"] for entry in client.get("/_sim/log", params={"kind": "push"}).json()["entries"]]
    return [root for body in bodies if (root := ET.fromstring(body)).findtext("Event") == name]


def test_a_draft_can_be_read_changed_listed_and_thrown_away(
    launch: Callable[..., httpx.Client], webhook: Any, call: Call, cover: Cover
) -> None:
    client = launch(webhook.url, "--followers", "1")
    picture = cover(client)
    draft = call(client, "/cgi-bin/draft/add", {"articles": [_article(picture), _article(picture, title="第二篇")]})["media_id"]
    items = call(client, "/cgi-bin/draft/get", {"media_id": draft})["news_item"]
    assert [(item["title"], item["digest"]) for item in items] == [("秋天的书", "正文一"), ("第二篇", "正文一")]
    changed = {"media_id": draft, "index": 1, "articles": _article(picture, title="改过")}
    assert call(client, "/cgi-bin/draft/update", changed)["errcode"] == 0
    assert call(client, "/cgi-bin/draft/update", changed | {"index": 2})["errcode"] == 40114
    page = call(client, "/cgi-bin/draft/batchget", {"offset": 0, "count": 20, "no_content": 1})
    assert (page["total_count"], page["item_count"]) == (1, 1)
    assert [("content" in item, item["title"]) for item in page["item"][0]["content"]["news_item"]] == [
        (False, "秋天的书"),
        (False, "改过"),
    ]
    assert call(client, "/cgi-bin/draft/batchget", {"offset": 0, "count": 21})["errcode"] == 40097
    assert call(client, "/cgi-bin/draft/count") == {"total_count": 1}
    assert call(client, "/cgi-bin/draft/delete", {"media_id": draft})["errcode"] == 0
    assert call(client, "/cgi-bin/draft/get", {"media_id": draft})["errcode"] == 40007
    assert call(client, "/cgi-bin/draft/switch", checkonly="1")["is_open"] == 0


@pytest.mark.parametrize(
    ("wrong", "errcode"),
    [
        ({"title": ""}, 45003),
        ({"title": "字" * 65}, 45003),
        ({"author": "字" * 17}, 45110),
        ({"digest": "字" * 121}, 45004),
        ({"content": ""}, 44004),
        ({"content": "字" * 20_000}, 45002),
        ({"thumb_media_id": "none"}, 40007),
        ({"content_source_url": "http://" + "x" * 1024}, 45005),
    ],
)
def test_an_article_that_is_too_long_or_lacks_something_is_refused(
    platform: httpx.Client, call: Call, cover: Cover, wrong: dict[str, Any], errcode: int
) -> None:
    assert call(platform, "/cgi-bin/draft/add", {"articles": [_article(cover(platform)) | wrong]})["errcode"] == errcode


def test_a_draft_has_one_to_eight_articles(platform: httpx.Client, call: Call, cover: Cover) -> None:
    assert call(platform, "/cgi-bin/draft/add", {"articles": []})["errcode"] == 44003
    assert call(platform, "/cgi-bin/draft/add", {"articles": [_article(cover(platform))] * 9})["errcode"] == 45008


def test_articles_sent_to_all_can_be_opened_until_they_are_deleted_and_the_draft_is_gone(
    launch: Callable[..., httpx.Client], webhook: Any, call: Call, cover: Cover, eventually: Callable[..., Any]
) -> None:
    client = launch(webhook.url, "--followers", "2", "--mode", "plain")
    nasty = _article(cover(client), title="<i>标题</i>", content="<p>甲 &lt;乙&gt;</p><script>alert(1)</script><p onclick=x>丙</p>")
    draft = call(client, "/cgi-bin/draft/add", {"articles": [nasty]})["media_id"]
    sent = call(
        client, "/cgi-bin/message/mass/sendall", {"filter": {"is_to_all": True}, "msgtype": "mpnews", "mpnews": {"media_id": draft}}
    )
    assert sent["msg_data_id"] > 0
    event = eventually(lambda: _events(webhook, client, "MASSSENDJOBFINISH"))[0]
    url = event.findtext("ArticleUrlResult/ResultList/item/ArticleUrl")
    assert (event.findtext("ArticleUrlResult/Count"), event.findtext("CopyrightCheckResult/Count")) == ("1", "0")
    assert call(client, "/cgi-bin/draft/get", {"media_id": draft})["errcode"] == 40007

    openid = client.get("/_sim/followers").json()["followers"][0]["openid"]
    card = client.get(f"/_sim/followers/{openid}/conversation").json()["messages"][-1]
    assert (card["type"], card["via"], card["articles"][0]["title"]) == ("news", "mass", "<i>标题</i>")
    page = client.get(card["articles"][0]["url"])
    assert page.url == url
    assert page.headers["content-security-policy"].startswith("default-src 'self'")
    assert "<h1>&lt;i&gt;标题&lt;/i&gt;</h1>" in page.text
    assert "<p>甲 &lt;乙&gt;</p><p>丙</p>" in page.text
    assert "alert" not in page.text

    assert call(client, "/cgi-bin/message/mass/delete", {"msg_id": sent["msg_id"], "article_idx": 2})["errcode"] == 40060
    assert call(client, "/cgi-bin/message/mass/delete", {"url": url})["errcode"] == 0
    assert call(client, "/cgi-bin/message/mass/get", {"msg_id": sent["msg_id"]})["msg_status"] == "DELETE"
    gone = client.get(card["articles"][0]["url"])
    assert (gone.status_code, "该内容已被发布者删除" in gone.text) == (404, True)


@pytest.mark.parametrize("name", ["PUBLISHJOBFINISH", "FREEPUBLISHJOBFINISH"])
def test_publishing_is_a_job_whose_end_is_an_event_of_either_name(
    launch: Callable[..., httpx.Client], webhook: Any, call: Call, cover: Cover, eventually: Callable[..., Any], name: str
) -> None:
    client = launch(webhook.url, "--followers", "1", "--mode", "plain")
    settings = {"publish": {"event": name, "review": 0.2}, "receipts": {"earliest": 0, "latest": 0}}
    client.post("/_sim/settings", json=settings).raise_for_status()
    draft = call(client, "/cgi-bin/draft/add", {"articles": [_article(cover(client))]})["media_id"]
    job = call(client, "/cgi-bin/freepublish/submit", {"media_id": draft})["publish_id"]
    assert call(client, "/cgi-bin/freepublish/get", {"publish_id": job})["publish_status"] == 1
    info = eventually(lambda: _events(webhook, client, name))[0].find("PublishEventInfo")
    assert info is not None
    status = call(client, "/cgi-bin/freepublish/get", {"publish_id": job})
    assert (status["publish_status"], status["article_id"]) == (0, info.findtext("article_id"))
    assert info.findtext("article_detail/item/article_url") == status["article_detail"]["item"][0]["article_url"]
    assert client.get(status["article_detail"]["item"][0]["article_url"]).status_code == 200
    article = {"article_id": status["article_id"]}
    assert call(client, "/cgi-bin/freepublish/getarticle", article)["news_item"][0]["is_deleted"] is False
    assert call(client, "/cgi-bin/freepublish/batchget", {"offset": 0, "count": 1})["item"][0]["article_id"] == status["article_id"]
    assert call(client, "/cgi-bin/freepublish/delete", {**article, "index": 1})["errcode"] == 0
    assert call(client, "/cgi-bin/freepublish/get", {"publish_id": job})["publish_status"] == 5
    assert call(client, "/cgi-bin/freepublish/getarticle", {"article_id": "none"})["errcode"] == 53600
    assert call(client, "/cgi-bin/freepublish/get", {"publish_id": "none"})["errcode"] == 53502


def test_a_refused_draft_stays_a_draft(
    launch: Callable[..., httpx.Client], webhook: Any, call: Call, cover: Cover, eventually: Callable[..., Any]
) -> None:
    client = launch(webhook.url, "--followers", "1", "--mode", "plain")
    client.post("/_sim/settings", json={"publish": {"status": 2, "review": 0}, "receipts": {"earliest": 0, "latest": 0}})
    draft = call(client, "/cgi-bin/draft/add", {"articles": [_article(cover(client))]})["media_id"]
    job = call(client, "/cgi-bin/freepublish/submit", {"media_id": draft})["publish_id"]
    event = eventually(lambda: _events(webhook, client, "PUBLISHJOBFINISH"))[0]
    assert event.findtext("PublishEventInfo/fail_idx") == "1"
    assert call(client, "/cgi-bin/freepublish/get", {"publish_id": job}) == {"publish_id": job, "publish_status": 2, "fail_idx": [1]}
    assert call(client, "/cgi-bin/draft/count") == {"total_count": 1}


def test_comments_are_written_listed_elected_answered_and_deleted(
    launch: Callable[..., httpx.Client], webhook: Any, call: Call, cover: Cover, eventually: Callable[..., Any]
) -> None:
    client = launch(webhook.url, "--followers", "2")
    people = [person["openid"] for person in client.get("/_sim/followers").json()["followers"]]
    draft = call(client, "/cgi-bin/draft/add", {"articles": [_article(cover(client))]})["media_id"]
    sent = call(client, "/cgi-bin/message/mass/send", {"touser": people, "msgtype": "mpnews", "mpnews": {"media_id": draft}})
    path = eventually(lambda: client.get(f"/_sim/followers/{people[0]}/conversation").json()["messages"])[-1]["articles"][0]["url"]
    where = {"msg_data_id": sent["msg_data_id"]}
    assert client.post(f"{path}/comments", json={"openid": people[0], "text": "好"}).status_code == 409
    call(client, "/cgi-bin/comment/open", where)
    for openid in people:
        client.post(f"{path}/comments", json={"openid": openid, "text": "好"}).raise_for_status()
    which = {**where, "user_comment_id": 2}
    assert call(client, "/cgi-bin/comment/markelect", which)["errcode"] == 0
    assert call(client, "/cgi-bin/comment/reply/add", {**which, "content": "谢谢"})["errcode"] == 0
    assert call(client, "/cgi-bin/comment/reply/add", {**which, "content": "谢谢"})["errcode"] == 88005
    elected = call(client, "/cgi-bin/comment/list", {**where, "begin": 0, "count": 49, "type": 2})
    assert (elected["total"], elected["comment"][0]["openid"], elected["comment"][0]["reply"]["content"]) == (1, people[1], "谢谢")
    assert call(client, "/cgi-bin/comment/list", {**where, "begin": 0, "count": 50, "type": 0})["errcode"] == 88010
    assert call(client, "/cgi-bin/comment/delete", which)["errcode"] == 0
    assert call(client, "/cgi-bin/comment/reply/delete", which)["errcode"] == 88008
    assert call(client, "/cgi-bin/comment/open", {"msg_data_id": 1})["errcode"] == 88001
