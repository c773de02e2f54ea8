"""What was answered, as a person reads it: the reply in words, its kind, and where in the file it stands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import unquote

from sqlalchemy import Connection

from handlers.keyword import KeywordsSection
from handlers.menu import MenuSection
from handlers.survey import SurveysSection
from models import media
from models.config import Config, Location
from models.media import MediaSection
from wechat.reply import Handoff, Image, Music, News, Reply, Text, Video, Voice, clean, cut

_MEDIA: dict[type, str] = {Image: "图片", Voice: "语音", Video: "视频"}
_TAPPABLE = re.compile(r'<a href="weixin://bizmsgmenu\?msgmenucontent=([^&"]*)&msgmenuid=([^"]*)">(.*?)</a>')
_SECTIONS = {"channel": "channels"}  # features that are not called like their sections


def shown(reply: Reply | None) -> str | None:
    """The reply as a person reads it; None where nothing is said."""
    match reply:
        case None:
            return None
        case Text(text):
            said = cut(clean(text))
            return _TAPPABLE.sub(lambda found: found[3], said) if said.strip() else None
        case News(articles):
            return "\n".join(f"【图文】{one.title}\n  {one.description}\n  {one.url}" for one in articles)
        case Handoff(account):
            return f"【转人工客服】{account}"
        case Music():
            return f"【音乐】{reply.title} {reply.url}"
        case Image() | Voice() | Video():
            return f"【{_MEDIA[type(reply)]}】{reply.media_id}"


def choices_of(reply: Reply | None) -> list[tuple[str, str]]:
    """What can be tapped in it: the words of each choice, and its id."""
    found = _TAPPABLE.finditer(reply.text) if isinstance(reply, Text) else ()
    return [(unquote(one[1]), one[2]) for one in found]


def so_long(after: timedelta) -> str:
    """A length of time in the largest unit that it is a whole number of."""
    seconds = int(after.total_seconds())
    unit, word = next((one for one in ((86_400, "天"), (3600, "小时"), (60, "分钟")) if seconds and seconds % one[0] == 0), (1, "秒"))
    return f"{seconds // unit} {word}"


def kind_of(reply: Reply | None) -> str:
    """text image voice video music news handoff; empty for no reply."""
    return type(reply).__name__.lower() if reply is not None else ""


def call_media_by_name(db: Connection, config: Config, now: datetime) -> None:
    """In a rehearsal every medium has a copy that is called by its name, which is what the operator knows it by."""
    for name, medium in config[MediaSection].root.items():
        for kind in (medium.kind, media.COVER):
            media.claim(db, medium, kind, now)
            media.store(db, medium, kind, name, now)


def standing(config: Config, answered_by: str, traced: Sequence[Location] = ()) -> Location:
    """Where in the file the answer comes from: the last place on the way that is in its section, else what `answered_by` names."""
    name, colon, subject = answered_by.partition(":")
    if not colon:  # a trigger: checkin.triggers.0
        return tuple(int(part) if part.isdigit() else part for part in answered_by.split("."))
    section = _SECTIONS.get(name, name)
    if subject == "fallback":
        return section, subject
    last = next((at for at in reversed(traced) if at[0] == section), None)
    return last or _named(config, section, subject) or (traced[-1] if traced else (section,))


def _named(config: Config, section: str, subject: str) -> Location | None:
    keywords, surveys, menu = config.get(KeywordsSection), config.get(SurveysSection), config.get(MenuSection)
    if section == "keywords" and keywords:
        return next(((section, "rules", n) for n, rule in enumerate(keywords.rules) if rule.name[:180] == subject[:180]), None)
    if section == "surveys" and surveys:
        return next(((section, n) for n, one in enumerate(surveys.root) if one.key == subject), None)
    if section == "menu" and menu and subject in menu.answering:
        return menu.answering[subject].where
    return None
