"""Customer-service messages: what may be said to a follower who was active lately, and in which shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wechat.client.caller import Caller, agreed
from wechat.reply import Article, Handoff, Image, Music, News, Reply, Text, Video, Voice, clean, cut


@dataclass(frozen=True, slots=True)
class MsgMenu:
    """A question with answers to tap, (id, text) each; a tap comes back as a text message with bizmsgmenuid."""

    head: str
    choices: tuple[tuple[str, str], ...]
    tail: str = ""


@dataclass(frozen=True, slots=True)
class MiniProgram:
    """A card that opens a mini-program linked to the account."""

    title: str
    app_id: str
    path: str
    thumb_media_id: str


@dataclass(frozen=True, slots=True)
class MpNewsArticle:
    """A published article of the account."""

    article_id: str


@dataclass(frozen=True, slots=True)
class WxCard:
    """A card coupon."""

    card_id: str


Message = Reply | MsgMenu | MiniProgram | MpNewsArticle | WxCard


class CustomMessages:
    """Sends them. The platform has no key to repeat such a call safely: after Ambiguous, do not."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def send(self, openid: str, payload: Mapping[str, object], *, account: str = "") -> None:
        """The message, in the platform's shape (`payload` makes it), is accepted; under the name of this customer-service account."""
        whole = {"touser": openid, **payload}
        if account:
            whole["customservice"] = {"kf_account": account}
        agreed(await self._caller.send("/cgi-bin/message/custom/send", whole))

    async def typing(self, openid: str, on: bool) -> None:
        """The follower sees that somebody is typing, or no longer; nothing happens where that could not be seen (45080, 45081)."""
        command = "Typing" if on else "CancelTyping"
        agreed(await self._caller.post("/cgi-bin/message/custom/typing", {"touser": openid, "command": command}))


def payload(message: Message) -> dict[str, object] | None:
    """The message in the platform's shape; None where there is nothing to say (blank text) or nobody to say it (Handoff).

    A text is cut to 2,048 bytes and news to its first article, which is all the platform takes (45002, 45008).
    """
    shaped = _shape(message)
    return shaped and {"msgtype": shaped[0], shaped[0]: shaped[1]}


def _shape(message: Message) -> tuple[str, dict[str, object]] | None:
    match message:
        case Text():
            text = clean(message.text)
            return ("text", {"content": cut(text)}) if text.strip() else None
        case Image():
            return "image", {"media_id": message.media_id}
        case Voice():
            return "voice", {"media_id": message.media_id}
        case Video():
            return "video", {"media_id": message.media_id, **_words(title=message.title, description=message.description)}
        case Music():
            return "music", _music(message)
        case News():
            return ("news", {"articles": [_article(message.articles[0])]}) if message.articles else None
        case MsgMenu():
            return "msgmenu", _menu(message)
        case MiniProgram():
            card = {"title": clean(message.title), "appid": message.app_id, "pagepath": message.path}
            return "miniprogrampage", {**card, "thumb_media_id": message.thumb_media_id}
        case MpNewsArticle():
            return "mpnewsarticle", {"article_id": message.article_id}
        case WxCard():
            return "wxcard", {"card_id": message.card_id}
        case Handoff():
            return None


def _music(music: Music) -> dict[str, object]:
    words = {"title": clean(music.title), "description": clean(music.description)}
    return {**words, "musicurl": music.url, "hqmusicurl": music.hq_url, "thumb_media_id": music.thumb_media_id}


def _article(article: Article) -> dict[str, object]:
    words = {"title": clean(article.title), "description": clean(article.description)}
    return {**words, "url": article.url, "picurl": article.picture}


def _menu(menu: MsgMenu) -> dict[str, object]:
    choices = [{"id": key, "content": clean(text)} for key, text in menu.choices]
    return {**_words(head_content=menu.head), "list": choices, **_words(tail_content=menu.tail)}


def _words(**texts: str) -> dict[str, object]:
    return {name: clean(text) for name, text in texts.items() if text}
