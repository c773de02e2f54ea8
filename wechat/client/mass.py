"""Mass messages: one message to everybody, to a tag, or to a list of followers; at most four reach a follower in a month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wechat.client.caller import Answer, Caller, agreed, needed
from wechat.reply import Text, Voice, clean

LONGEST_KEY = 32  # bytes of clientmsgid (two captures of the pages of 2026; older ones and wechatpy say 64)
FEWEST, MOST = 2, 10_000  # openids in one mass/send
SPEEDS = range(5)  # 0 is 800,000 a minute, then 600,000, 450,000, 300,000, 100,000


@dataclass(frozen=True, slots=True)
class MpNews:
    """Articles: a draft, whose media_id dies when it was sent. One that is a reprint is sent as such, or not at all."""

    media_id: str
    ignore_reprint: bool = False


@dataclass(frozen=True, slots=True)
class Images:
    """One or more pictures with a sentence."""

    media_ids: tuple[str, ...]
    recommend: str = ""
    comments: bool = False
    followers_only: bool = False


@dataclass(frozen=True, slots=True)
class MpVideo:
    """A video."""

    media_id: str
    title: str = ""
    description: str = ""


Message = MpNews | Text | Voice | Images | MpVideo


@dataclass(frozen=True, slots=True)
class Submitted:
    """A job the platform took; MASSSENDJOBFINISH with this msg_id tells how it went. msg_data_id: of articles, for their statistics.

    msg_id is None where the platform says that it took this clientmsgid before (45065) and not as what.
    """

    msg_id: str | None
    msg_data_id: str | None


class MassMessages:
    """Sends them, by jobs. After Ambiguous the same call with the same clientmsgid within 24 hours sends nothing twice."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def send_all(self, message: Message, *, tag_id: int | None = None, clientmsgid: str) -> Submitted:
        """The job is taken for every follower, or for those who bear the tag. The first kind counts against the account's four a month."""
        to: dict[str, object] = {"is_to_all": True} if tag_id is None else {"is_to_all": False, "tag_id": tag_id}
        return await self._submit("/cgi-bin/message/mass/sendall", {"filter": to}, message, clientmsgid)

    async def send(self, openids: Sequence[str], message: Message, *, clientmsgid: str) -> Submitted:
        """The job is taken for these followers, 2 to 10,000 of them, else ValueError."""
        if not FEWEST <= len(openids) <= MOST:
            raise ValueError(f"from {FEWEST} to {MOST} openids, not {len(openids)}")
        return await self._submit("/cgi-bin/message/mass/send", {"touser": list(openids)}, message, clientmsgid)

    async def preview(self, openid: str, message: Message) -> None:
        """One person sees the message; of several images the first, which is all a preview takes."""
        shape = {"msgtype": "image", "image": {"media_id": message.media_ids[0]}} if isinstance(message, Images) else _shape(message)
        agreed(await self._caller.post("/cgi-bin/message/mass/preview", {"touser": openid, **shape}))

    async def get(self, msg_id: str) -> str:
        """How the job stands: SEND_SUCCESS, SENDING, SEND_FAIL or DELETE."""
        answer = await self._caller.post("/cgi-bin/message/mass/get", {"msg_id": msg_id})
        return str(needed(answer, "msg_status", str))

    async def delete(self, msg_id: str, article: int = 0) -> None:
        """The page behind the job's article number `article` (0: all of them), or its video, is gone; the card stays on the phones."""
        agreed(await self._caller.post("/cgi-bin/message/mass/delete", {"msg_id": int(msg_id), "article_idx": article}))

    async def speed(self) -> int:
        """The account's speed, 0 to 4."""
        number: int = needed(await self._caller.post("/cgi-bin/message/mass/speed/get", {}), "speed", int)
        return number

    async def set_speed(self, speed: int) -> None:
        """Jobs are sent at 800,000 (0), 600,000, 450,000, 300,000 or 100,000 (4) messages a minute. Raises ValueError for another number."""
        if speed not in SPEEDS:
            raise ValueError("a speed is 0 to 4")
        agreed(await self._caller.post("/cgi-bin/message/mass/speed/set", {"speed": speed}))

    async def _submit(self, path: str, to: dict[str, object], message: Message, clientmsgid: str) -> Submitted:
        if not 0 < len(clientmsgid.encode()) <= LONGEST_KEY:
            raise ValueError(f"a clientmsgid has 1 to {LONGEST_KEY} bytes")
        answer = await self._caller.send(path, {**to, **_shape(message), "clientmsgid": clientmsgid})
        taken_before = answer.get("errcode", 0) != 0
        msg_id = None if taken_before and "msg_id" not in answer else str(needed(answer, "msg_id", int, str))
        return Submitted(msg_id, _optional(answer, "msg_data_id"))


def _shape(message: Message) -> dict[str, object]:
    match message:
        case MpNews():
            branch = {"mpnews": {"media_id": message.media_id}}
            return {"msgtype": "mpnews", **branch, "send_ignore_reprint": int(message.ignore_reprint)}
        case Text():
            return {"msgtype": "text", "text": {"content": clean(message.text)}}
        case Voice():
            return {"msgtype": "voice", "voice": {"media_id": message.media_id}}
        case Images():
            return {"msgtype": "image", "images": _images(message)}
        case MpVideo():
            words = {"title": clean(message.title), "description": clean(message.description)}
            return {"msgtype": "mpvideo", "mpvideo": {"media_id": message.media_id, **words}}


def _images(images: Images) -> dict[str, object]:
    comments = {"need_open_comment": int(images.comments), "only_fans_can_comment": int(images.followers_only)}
    return {"media_ids": list(images.media_ids), "recommend": clean(images.recommend), **comments}


def _optional(answer: Answer, name: str) -> str | None:
    return str(needed(answer, name, int, str)) if name in answer else None
