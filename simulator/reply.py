"""Reading what a webhook answered to a push, as strictly as the platform does: a message, nothing, or an abnormal answer."""

from typing import Any
from xml.etree.ElementTree import Element

from simulator import markup
from simulator.envelope import Envelope, Unreadable

TEXT_LIMIT = 2048  # bytes of UTF-8 that every bot in the field keeps to

Content = dict[str, Any]


class Abnormal(Exception):
    """The answer is not one the platform accepts; the follower sees the failure sentence. The text says why."""


def unseal(answer: bytes, envelope: Envelope | None) -> str | None:
    """The reply's inner XML, None for the two answers that mean "no message". Without an envelope the answer is clear XML."""
    if answer in (b"", b"success"):
        return None
    try:
        text = answer.decode()
    except UnicodeDecodeError as error:
        raise Abnormal("应答不是 UTF-8") from error
    if not text.startswith("<"):
        raise Abnormal("应答既不是 success，也不是 XML")
    if envelope is None:
        if "<Encrypt>" in text:
            raise Abnormal("明文模式下的应答不能加密：机器人里的 EncodingAESKey 要去掉，或者用 --mode safe")
        return text
    outer = _document(text)
    sealed, given = markup.value(outer, "Encrypt"), markup.value(outer, "MsgSignature")
    if not sealed:
        raise Abnormal("安全模式下的应答必须加密")
    if not envelope.is_signed(given, markup.value(outer, "TimeStamp"), markup.value(outer, "Nonce"), sealed):
        raise Abnormal("应答的 MsgSignature 不正确")
    try:
        return envelope.open(sealed)
    except Unreadable as error:
        raise Abnormal(f"应答无法解密：{error}") from error


def read(xml: str, openid: str, original_id: str, articles: int) -> Content:
    """What the follower gets: a type and its fields. `articles` is how many news items this push may be answered with."""
    root = _document(xml)
    if markup.value(root, "ToUserName") != openid or markup.value(root, "FromUserName") != original_id:
        raise Abnormal("ToUserName 或 FromUserName 不正确：应答时两者要互换")
    kind = markup.value(root, "MsgType")
    if kind == "text":
        return {"type": kind, "text": _text(markup.value(root, "Content"))}
    if kind == "news":
        return {"type": kind, "articles": _articles(root)[:articles]}
    if kind in ("image", "voice", "video"):
        return _media(root, kind)
    if kind == "music":
        fields = {
            "title": "Title",
            "description": "Description",
            "url": "MusicUrl",
            "hq_url": "HQMusicUrl",
            "thumb_media_id": "ThumbMediaId",
        }
        return {"type": kind, **{name: markup.value(root, f"Music/{tag}") for name, tag in fields.items()}}
    if kind == "transfer_customer_service":
        return {"type": "handoff", "account": markup.value(root, "TransInfo/KfAccount")}
    raise Abnormal(f"不认识的 MsgType：{kind or '（空）'}")


def _document(text: str) -> Element:
    try:
        return markup.read(text)
    except markup.Malformed as error:
        raise Abnormal(f"应答不是合格的 XML：{error}") from error


def _text(content: str) -> str:
    if not content:
        raise Abnormal("文本应答的 Content 为空")
    if len(content.encode()) > TEXT_LIMIT:
        raise Abnormal(f"文本应答超过 {TEXT_LIMIT} 字节")
    return content


def _media(root: Element, kind: str) -> Content:
    tag = kind.capitalize()
    media_id = markup.value(root, f"{tag}/MediaId")
    if not media_id:
        raise Abnormal(f"{kind} 应答没有 MediaId")
    content = {"type": kind, "media_id": media_id}
    if kind == "video":
        content |= {"title": markup.value(root, "Video/Title"), "description": markup.value(root, "Video/Description")}
    return content


def _articles(root: Element) -> list[Content]:
    names = {"title": "Title", "description": "Description", "picture": "PicUrl", "url": "Url"}
    items = [{name: markup.value(item, tag) for name, tag in names.items()} for item in root.iterfind("Articles/item")]
    if not items:
        raise Abnormal("图文应答里没有文章")
    return items
