"""Our own client against the simulator: every call it can make is made, and understood by both sides."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.people import ROOT
from wechat.client import Client, PlatformError
from wechat.client.custom import Message, MiniProgram, MpNewsArticle, MsgMenu, WxCard, payload
from wechat.client.mass import Images, MpNews, MpVideo
from wechat.client.statistics import LONGEST
from wechat.oauth import authorize_url
from wechat.reply import Article, Image, Music, News, Text, Video, Voice
from wechat.token import MemoryTokenStore

APP_ID, SECRET = "wx1234567890abcdef", "demo-app-secret"
JPEG, AMR, MP4 = b"\xff\xd8\xff\xe0" + bytes(64), b"#!AMR\n" + bytes(64), bytes(4) + b"ftypmp42" + bytes(64)
BUTTONS: list[dict[str, object]] = [
    {"type": "click", "name": "签到", "key": "签到"},
    {"name": "更多", "sub_button": [{"type": "view", "name": "官网", "url": "https://e.com"}]},
]


def now() -> datetime:
    return datetime.now(UTC)


async def everything(pages: AsyncIterator[list[str]]) -> list[str]:
    return [openid async for page in pages for openid in page]


class Visit:
    """Somebody who uses every part of the client in turn, against one running simulator."""

    def __init__(self, client: Client, sim: httpx.Client) -> None:
        self.client, self.sim = client, sim
        people = sim.get("/_sim/followers", params={"limit": 50}).json()["followers"]
        self.openids = [person["openid"] for person in people]
        self.one = self.openids[0]

    def seen(self, openid: str) -> list[str]:
        """The types of what is on this follower's phone, oldest first."""
        return [message["type"] for message in self.sim.get(f"/_sim/followers/{openid}/conversation").json()["messages"]]

    async def media(self) -> None:
        media = self.client.media
        self.image = await media.upload("image", "a.jpg", JPEG)
        self.voice = await media.upload("voice", "a.amr", AMR)
        self.video = await media.upload("video", "a.mp4", MP4)
        self.thumb = await media.upload("thumb", "封面.jpg", JPEG)
        assert await media.get(self.image) == JPEG
        assert (await media.video_url(self.video)).startswith("http")
        with pytest.raises(PlatformError, match="40007"):
            await media.get("nothing")

    async def followers(self) -> None:
        client = self.client
        assert set(await everything(client.follower.openids())) >= set(self.openids)
        await client.follower.remark(self.one, "老顾客")
        assert (await client.follower.details([self.one]))[0].remark == "老顾客"
        tag = await client.tag.create("新标签")
        await client.tag.rename(tag, "改名")
        assert (await client.tag.names())[tag] == "改名"
        assert await client.tag.put_on(tag, self.openids) == []
        assert tag in await client.tag.of(self.one)
        assert set(await everything(client.tag.openids(tag))) == set(self.openids)
        assert await client.tag.take_off(tag, self.openids) == []
        await client.tag.delete(tag)
        await client.blacklist.add(self.openids[:30])
        assert set(await everything(client.blacklist.openids())) == set(self.openids[:30])
        await client.blacklist.remove(self.openids[:30])
        assert await everything(client.blacklist.openids()) == []

    async def menus(self) -> None:
        menu = self.client.menu
        assert (await menu.auto_replies())["keyword_autoreply_info"]
        await menu.create(BUTTONS)
        menuid = await menu.add_conditional(BUTTONS[:1], {"client_platform_type": "1"})
        found = await menu.get()
        assert len(found.default) == 2
        assert [one.menuid for one in found.conditional] == [menuid]
        assert await menu.try_match(self.one)
        assert await menu.current()
        await menu.delete_conditional(menuid)
        await menu.delete()
        assert (await menu.get()).default == []

    async def codes(self) -> None:
        code = await self.client.qrcode.create("store_01")
        short = await self.client.qrcode.create("fair", seconds=3600)
        assert (code.seconds, short.seconds) == (None, 3600)
        assert self.sim.get(self.client.qrcode.picture_url(code.ticket)).content.startswith(b"\x89PNG")

    async def templates(self) -> None:
        template = self.client.template
        data = {"thing1": "本周精选", "time2": "20:00"}
        first = await template.send(self.one, "TEMPLATE_ID", data, url="https://e.com", client_msg_id="a")
        assert await template.send(self.one, "TEMPLATE_ID", data, client_msg_id="a") == first
        assert "template" in self.seen(self.one)
        known = await template.list()
        await template.delete(known[-1]["template_id"])
        assert len(await template.list()) == len(known) - 1

    async def notices(self) -> None:
        data = {"thing1": "一号店", "time2": "2026年11月21日 18:30"}
        with pytest.raises(PlatformError, match="43101"):
            await self.client.subscription.send(self.one, "NOTICE_ID", data)
        self.sim.post("/_sim/popup", json={"openid": self.one, "template_ids": ["NOTICE_ID"]}).raise_for_status()
        await self.client.subscription.send(self.one, "NOTICE_ID", data, page="https://e.com")

    async def customer_messages(self) -> None:
        article_id = (await self.client.publish.list())[0]["article_id"]
        card = Article("题", "述", "https://e.com/a.jpg", "https://e.com")
        messages: list[Message] = [
            *(Text("你好 & <再见>"), Image(self.image), Voice(self.voice), Video(self.video, "题", "述"), News((card, card))),
            *(Music("歌", "", "https://e.com/a.mp3", "", self.thumb), MsgMenu("满意吗", (("1", "满意"), ("2", "一般")), "谢谢")),
            *(MiniProgram("商城", "wx286b93c14bbf93aa", "pages/index", self.thumb), MpNewsArticle(article_id), WxCard("card")),
        ]
        for openid, message in zip(self.openids, messages, strict=False):
            with pytest.raises(PlatformError, match="45015"):
                await self.client.custom.send(openid, payload(message) or {})
            self.sim.post("/_sim/say", json={"openid": openid, "text": "在吗"}).raise_for_status()
            await self.client.custom.typing(openid, True)
            await self.client.custom.send(openid, payload(message) or {})
            assert len(self.seen(openid)) >= 2, message

    async def articles(self) -> None:
        draft, publish = self.client.draft, self.client.publish
        thumb = self.sim.post(
            "/cgi-bin/material/add_material", params={"access_token": await self.token(), "type": "image"}, files={"media": ("a.jpg", JPEG)}
        ).json()["media_id"]
        article = {"title": "本周精选", "content": "<p>你好</p>", "thumb_media_id": thumb}
        self.drafted = await draft.add([article])
        await draft.update(self.drafted, {**article, "title": "改过"})
        assert (await draft.get(self.drafted))[0]["title"] == "改过"
        assert await draft.count() == len(await draft.list()) == 1
        job = await publish.submit(self.drafted)
        deadline = now() + timedelta(seconds=10)
        while (done := await publish.get(job)).status == 1:
            assert now() < deadline
            await asyncio.sleep(0.05)
        assert done.urls
        assert (await publish.article(done.article_id))[0]["title"] == "改过"
        assert [one["article_id"] for one in await publish.list()] == [done.article_id]
        spare = await draft.add([article])
        await draft.delete(spare)
        self.drafted = await draft.add([article])
        self.article_id = done.article_id

    async def mass(self) -> None:
        mass = self.client.mass
        for message in (Text("群发"), Voice(self.voice), Images((self.image,), "看图"), MpNews(self.drafted)):
            await mass.preview(self.one, message)
        job = await mass.send(self.openids[:5], MpNews(self.drafted), clientmsgid="m1")
        assert (await mass.send(self.openids[:5], MpNews(self.drafted), clientmsgid="m1")).msg_id == job.msg_id
        assert job.msg_id is not None
        deadline = now() + timedelta(seconds=10)
        while await mass.get(job.msg_id) == "SENDING":
            assert now() < deadline
            await asyncio.sleep(0.05)
        assert "news" in self.seen(self.openids[3])
        await mass.delete(job.msg_id)
        tag = next(number for number, name in (await self.client.tag.names()).items() if name == "VIP")
        await mass.send_all(Text("给 VIP"), tag_id=tag, clientmsgid="m2")
        await mass.send_all(Images((self.image,)), clientmsgid="m3")
        await mass.set_speed(3)
        assert await mass.speed() == 3
        with pytest.raises(PlatformError):
            await mass.send(self.openids[:2], MpVideo("not made for this"), clientmsgid="m4")
        await self.client.publish.delete(self.article_id)

    async def statistics(self) -> None:
        yesterday = date.fromisoformat(self.sim.get("/_sim/clock").json()["day"]) - timedelta(days=1)
        for name in LONGEST:
            day = yesterday
            if "week" in name:
                day = yesterday - timedelta(days=yesterday.weekday())
            elif "month" in name:
                day = yesterday.replace(day=1)
            assert isinstance(await self.client.statistics.fetch(name, day, day), list)

    async def account(self) -> None:
        account = self.client.account
        assert (await account.quota("/cgi-bin/message/custom/send")).used > 0
        assert await account.callback_ips() == ["127.0.0.1"]
        assert (await account.check_callback())["ping"]
        with pytest.raises(PlatformError) as refused:
            await self.client.custom.send("nobody", payload(Text("x")) or {})
        rid = re.search(r"rid: (\S+)", refused.value.errmsg)
        assert rid is not None
        assert "custom/send" in str(await account.rid(rid[1]))

    async def oauth(self) -> None:
        url = authorize_url(APP_ID, "http://127.0.0.1:1/back?a=1", "snsapi_userinfo", "state1")
        path = url.removeprefix("https://open.weixin.qq.com").removesuffix("#wechat_redirect")
        back = self.sim.get(f"{path}&openid={self.one}", follow_redirects=False).headers["location"]
        query = parse_qs(urlsplit(back).query)
        assert query["state"] == ["state1"]
        grant = await self.client.oauth.grant(query["code"][0])
        assert grant.openid == self.one
        assert (await self.client.oauth.person(grant.token, self.one)).openid == self.one
        assert (await self.client.oauth.refresh(grant.refresh_token)).openid == self.one
        with pytest.raises(PlatformError, match="40163"):
            await self.client.oauth.grant(query["code"][0])

    async def token(self) -> str:
        answer = self.sim.post("/cgi-bin/stable_token", json={"grant_type": "client_credential", "appid": APP_ID, "secret": SECRET})
        return str(answer.json()["access_token"])


def called() -> set[str]:
    """Every path that stands in the code of our client."""
    code = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "wechat").rglob("*.py")))
    found = set(re.findall(r'"(/(?:cgi-bin|sns|wxa|wxaapi|customservice)/[\w/]+)"', code))
    return found | {f"/datacube/{name}" for name in LONGEST}


async def visit(sim: httpx.Client) -> None:
    """Everything, in an order in which each part finds what it needs."""
    base = str(sim.base_url).rstrip("/")
    async with Client(app_id=APP_ID, secret=SECRET, api_base=base, store=MemoryTokenStore(now), clock=now) as client:
        guest = Visit(client, sim)
        parts: list[Callable[[], Awaitable[None]]] = [
            *(guest.media, guest.followers, guest.menus, guest.codes, guest.templates, guest.notices, guest.articles),
            *(guest.customer_messages, guest.mass, guest.statistics, guest.account, guest.oauth),
        ]
        for part in parts:
            await part()


def test_every_call_our_client_can_make_is_served_by_the_simulator(launch: Callable[..., httpx.Client], webhook: Any) -> None:
    sim = launch(webhook.url, "--followers", "60", "--seed", "5")
    asyncio.run(visit(sim))
    accepted = {path for path, codes in sim.get("/_sim/stats").json()["api"].items() if "0" in codes}
    assert called() - accepted - {"/cgi-bin/user/info"} == set()  # user/info: only for platforms without batchget
