"""The envelope around every push and every passive reply: signature, AES, XML. The only file that knows wechatpy.

    BadSignature   who sent it is not proved (HTTP 403)
    BadEnvelope    rightly addressed, but the outer XML is no envelope (HTTP 400)
    Unreadable     rightly signed, but what is inside is no message (HTTP 200, no effect)

Source: the platform's page 消息加解密 (developers.weixin.qq.com/doc/service/guide/dev/push/encryption.html) and its vectors.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Literal
from urllib.parse import unquote_to_bytes

from wechatpy import replies
from wechatpy.crypto import PrpCrypto
from wechatpy.exceptions import InvalidAppIdException

from wechat.inbound import Inbound, Unreadable, fields_of, parse, read
from wechat.reply import Article, Handoff, Image, Music, News, Reply, Text, Video, Voice, clean, cut

CLOCKS_APART = 300  # seconds between the platform's timestamp and our clock
NEWS_TO_MESSAGE, NEWS_TO_EVENT = 1, 8  # articles; the platform cuts off the rest (rule of October 2018)

_AES_KEY = re.compile(r"[A-Za-z0-9+/]{43}")
_TIMESTAMP = re.compile(rb"[1-9][0-9]{0,18}")
_NONCE = re.compile(rb"[0-9A-Za-z_.~-]{1,63}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]+={0,2}")
_SIGNED = frozenset((b"signature", b"msg_signature", b"timestamp", b"nonce", b"echostr", b"encrypt_type"))


class BadSignature(Exception):
    """The request does not prove that the platform sent it just now."""


class BadEnvelope(Exception):
    """The outer XML is malformed, or has nothing encrypted in it."""


@dataclass(frozen=True, slots=True)
class Keys:
    token: bytes
    crypto: Any  # wechatpy's PrpCrypto, made once: it holds the AES key schedule; None without an AES key

    def __repr__(self) -> str:
        return "Keys(…)"  # so that no log line, whatever it formats, can show a secret


@dataclass(frozen=True, slots=True)
class Previous:
    """What was replaced, and until when the platform may still use it. None is what was not replaced."""

    token: str | None
    aes_key: str | None
    until: datetime

    def __repr__(self) -> str:
        return f"Previous(…, until={self.until.isoformat()})"


@dataclass(frozen=True, slots=True)
class Opened:
    """A push that was proved and read, with what its reply must be sealed with."""

    inbound: Inbound
    nonce: str
    keys: Keys


class Envelope:
    """Opens what the platform pushes to one account and seals what we answer.

    Raises ValueError at construction when a key cannot be one. After a rotation the platform goes on with the `previous` token and AES
    key for a while: they are accepted, and what came under them is answered under them, until their time is over.
    """

    def __init__(
        self,
        *,
        app_id: str,
        token: str,
        aes_key: str | None,
        mode: Literal["safe", "plain"],
        previous: Previous | None = None,
    ) -> None:
        if mode == "safe" and aes_key is None:
            raise ValueError("safe mode needs the EncodingAESKey: 43 letters and digits from the platform's 服务器配置 page")
        self._app_id = app_id
        self._safe = mode == "safe"
        self._keys: tuple[Keys, ...] = (_keys(token, aes_key, "the EncodingAESKey"),)
        self._until: datetime | None = None
        if previous is not None:
            old = _keys(previous.token or token, previous.aes_key or aes_key, "the previous EncodingAESKey")
            self._keys += (old,)
            self._until = previous.until

    def verify_url(self, query: bytes, now: datetime) -> str:
        """The echostr to answer with, once the signature over token, timestamp and nonce is proved; raises BadSignature."""
        params = _parameters(query, now, b"signature", b"echostr")
        self._proved(params, now, b"signature")
        return params[b"echostr"].decode("utf-8", "replace")

    def open(self, query: bytes, body: bytes, now: datetime) -> Opened:
        """The message in a push. Raises BadSignature, BadEnvelope or Unreadable (see the top of this file) and nothing else.

        Nothing of the body is parsed before the parameters hold, and nothing decrypted before the signature does. In safe mode
        `msg_signature` alone counts: `signature` does not cover the body, so whoever saw one could sign anything with it.
        """
        if self._safe:
            return self._open_sealed(query, body, now)
        params = _parameters(query, now, b"signature")
        keys = self._proved(params, now, b"signature")[0]
        return Opened(read(_outer(body)), params[b"nonce"].decode(), keys)

    def _open_sealed(self, query: bytes, body: bytes, now: datetime) -> Opened:
        params = _parameters(query, now, b"msg_signature", b"encrypt_type")
        if params[b"encrypt_type"] != b"aes":
            raise BadSignature("encrypt_type is not aes")
        encrypted = _encrypted(body)
        xml, keys = self._decrypted(encrypted, self._proved(params, now, b"msg_signature", encrypted))
        return Opened(parse(xml), params[b"nonce"].decode(), keys)

    def _decrypted(self, encrypted: bytes, proved: Sequence[Keys]) -> tuple[bytes, Keys]:
        """The message, and the keys it opens with: where only the AES key was changed, both pairs sign alike."""
        if not _BASE64.fullmatch(encrypted):  # wechatpy's decoder would skip what is none
            raise Unreadable("Encrypt is not base64")
        why = ""
        for keys in proved:
            try:
                xml: str = keys.crypto.decrypt(encrypted, self._app_id)
                return xml.encode(), keys
            except (ValueError, IndexError, struct.error, InvalidAppIdException) as error:
                why = why or type(error).__name__
        raise Unreadable(f"cannot be decrypted, or is not for this account: {why}")

    def _proved(self, params: dict[bytes, bytes], now: datetime, name: bytes, *covered: bytes) -> Sequence[Keys]:
        """The keys the request may have been signed under. Compares in constant time. Raises BadSignature where there are none."""
        known = self._keys if self._until is None or now < self._until else self._keys[:1]
        proved = [
            keys
            for keys in known
            if hmac.compare_digest(_signature(keys.token, params[b"timestamp"], params[b"nonce"], *covered), params[name])
        ]
        if not proved:
            raise BadSignature(f"{name.decode()} does not match")
        return proved

    def render(self, reply: Reply, to: Inbound, now: datetime) -> str:
        """The passive reply to `to` as clear XML that parses back to exactly the cleaned strings, whatever they held.

        Empty where there is nothing to say (a blank text, no article): the platform takes an empty Content for a failure.
        Texts are cut to 2,048 bytes, news to one article (eight in answer to an event).
        """
        address = {"source": _cdata(to.to), "target": _cdata(to.openid), "time": int(now.timestamp())}
        match reply:
            case Text(text):
                content = cut(clean(text))
                return _xml(replies.TextReply(content=_split(content), **address)) if content.strip() else ""
            case News(articles):
                shown = articles[: NEWS_TO_EVENT if to.type == "event" else NEWS_TO_MESSAGE]
                return _xml(replies.ArticlesReply(articles=[_article(one) for one in shown], **address)) if shown else ""
            case Handoff(account):
                return _handed_to(_xml(replies.TransferCustomerServiceReply(**address)), account)
        return _xml(_media(reply, address))

    def seal(self, xml: str, opened: Opened, now: datetime) -> bytes:
        """The HTTP body for a rendered reply: encrypted and signed under the keys the push came with, or clear in plain mode.

        Nothing to say becomes `success`, which is never encrypted: it tells the platform that the push arrived.
        """
        if not xml:
            return b"success"
        if not self._safe:
            return xml.encode()
        encrypted: bytes = opened.keys.crypto.encrypt(xml, self._app_id)
        timestamp, nonce = b"%d" % now.timestamp(), opened.nonce.encode()
        signature = _signature(opened.keys.token, timestamp, nonce, encrypted)
        return (
            b"<xml><Encrypt><![CDATA[%b]]></Encrypt><MsgSignature><![CDATA[%b]]></MsgSignature>"
            b"<TimeStamp>%b</TimeStamp><Nonce><![CDATA[%b]]></Nonce></xml>"
        ) % (encrypted, signature, timestamp, nonce)


def _keys(token: str, aes_key: str | None, name: str) -> Keys:
    if aes_key is None:
        return Keys(token.encode(), None)
    if not _AES_KEY.fullmatch(aes_key):
        raise ValueError(f"{name} must be 43 letters and digits; this one has {len(aes_key)} characters or others among them")
    crypto = PrpCrypto(base64.b64decode(aes_key + "="))
    # These sixteen bytes stand in for the IV, which WeChat fixes: they must come from the system, not from `random` as in wechatpy.
    crypto.get_random_string = partial(next, _sixteens())
    return Keys(token.encode(), crypto)


def _sixteens() -> Iterator[bytes]:
    """Sixteen random bytes at a time. The system is asked for many at once: each question costs as much as the encryption."""
    while True:
        many = os.urandom(4096)
        yield from (many[at : at + 16] for at in range(0, len(many), 16))


def _parameters(query: bytes, now: datetime, *needed: bytes) -> dict[bytes, bytes]:
    """The signed parameters, each once and not empty, the timestamp within five minutes of `now`; raises BadSignature.

    The signature covers the sorted values run together, without delimiters, so a value's end could be moved into its neighbour.
    It cannot here: a timestamp near `now` without leading zeros has a fixed length; and bytes moved between nonce and Encrypt must
    come in multiples of 64 characters to leave whole AES blocks in whole base64 groups, while a nonce has at most 63.
    """
    params: dict[bytes, bytes] = {}
    for pair in query.split(b"&"):
        name, _, value = pair.partition(b"=")
        if b"%" in pair:
            name, value = unquote_to_bytes(name), unquote_to_bytes(value)
        if name in _SIGNED:
            if name in params or not value:
                raise BadSignature(f"{name.decode()} is doubled or empty")
            params[name] = value
    for name in (b"timestamp", b"nonce", *needed):
        if name not in params:
            raise BadSignature(f"{name.decode()} is missing")
    if not _TIMESTAMP.fullmatch(params[b"timestamp"]) or not _NONCE.fullmatch(params[b"nonce"]):
        raise BadSignature("timestamp or nonce is not of the platform's making")
    if abs(int(params[b"timestamp"]) - now.timestamp()) > CLOCKS_APART:
        raise BadSignature(f"timestamp is more than {CLOCKS_APART} seconds from our clock")
    return params


def _signature(*values: bytes) -> bytes:
    return hashlib.sha1(b"".join(sorted(values)), usedforsecurity=False).hexdigest().encode()


def _outer(body: bytes) -> dict[str, object]:
    try:
        return fields_of(body)
    except Unreadable as error:
        raise BadEnvelope(str(error)) from None


def _encrypted(body: bytes) -> bytes:
    outer = _outer(body)
    encrypted = outer.get("Encrypt")
    if encrypted is None and "MsgType" in outer:
        raise BadSignature("a clear message, where safe mode was agreed")
    if not isinstance(encrypted, str) or not encrypted:
        raise BadEnvelope("Encrypt is missing, empty or doubled")
    return encrypted.encode()


def _split(cleaned: str) -> str:
    return cleaned.replace("]]>", "]]]]><![CDATA[>")  # wechatpy would let the rest of the text become markup


def _cdata(text: str) -> str:
    return _split(clean(text))


def _xml(reply: Any) -> str:
    rendered: str = reply.render()
    return rendered


def _article(article: Article) -> dict[str, str]:
    return {
        "title": _cdata(article.title),
        "description": _cdata(article.description),
        "image": _cdata(article.picture),
        "url": _cdata(article.url),
    }


def _media(reply: Image | Voice | Video | Music, address: dict[str, Any]) -> Any:
    match reply:
        case Image(media_id):
            return replies.ImageReply(image=_cdata(media_id), **address)
        case Voice(media_id):
            return replies.VoiceReply(voice=_cdata(media_id), **address)
        case Video(media_id, title, description):
            parts = {"media_id": media_id, "title": title, "description": description}
            return replies.VideoReply(video=_present(parts), **address)
        case Music(title, description, url, hq_url, thumb):
            parts = {"title": title, "description": description, "music_url": url, "hq_music_url": hq_url, "thumb_media_id": thumb}
            return replies.MusicReply(music=_present(parts), **address)


def _present(parts: dict[str, str]) -> dict[str, str]:
    return {name: _cdata(text) for name, text in parts.items() if text or name.endswith("media_id")}


def _handed_to(xml: str, account: str) -> str:
    if not account:
        return xml
    # wechatpy knows no TransInfo
    return xml.removesuffix("</xml>") + f"<TransInfo><KfAccount><![CDATA[{_cdata(account)}]]></KfAccount></TransInfo>\n</xml>"
