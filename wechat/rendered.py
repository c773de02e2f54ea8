"""A rendered passive reply, read back: what was to be said, when it is too late to say it that way."""

from __future__ import annotations

from wechat.inbound.fields import part, parts, text
from wechat.inbound.tree import fields_of
from wechat.reply import Article, Handoff, Image, Music, News, Reply, Text, Video, Voice


def reply_in(xml: str) -> Reply | None:
    """The reply that this XML of ours says; None where it says nothing."""
    fields = fields_of(xml.encode())
    match text(fields, "MsgType"):
        case "text":
            return Text(text(fields, "Content"))
        case "image":
            return Image(text(part(fields, "Image"), "MediaId"))
        case "voice":
            return Voice(text(part(fields, "Voice"), "MediaId"))
        case "video":
            video = part(fields, "Video")
            return Video(text(video, "MediaId"), text(video, "Title"), text(video, "Description"))
        case "music":
            music = part(fields, "Music")
            names = ("Title", "Description", "MusicUrl", "HQMusicUrl", "ThumbMediaId")
            title, description, url, hq_url, thumb = (text(music, name) for name in names)
            return Music(title, description, url, hq_url, thumb)
        case "news":
            items = parts(part(fields, "Articles"), "item")
            return News(tuple(Article(*(text(item, name) for name in ("Title", "Description", "PicUrl", "Url"))) for item in items))
        case "transfer_customer_service":
            return Handoff(text(part(fields, "TransInfo"), "KfAccount"))
    return None
