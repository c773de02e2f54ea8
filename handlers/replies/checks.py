"""What is wrong with a reply and can only be seen beside the rest of config.yaml: media, levels, variables that nobody knows there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches

from handlers.replies.spoken import every, held
from handlers.replies.variables import NAMES, of_some_places
from handlers.replies.written import Line, ReplyWith
from models import condition, media
from models.config import Config, Location, Problem, placeholders
from models.media import Kind, MediaSection

_MEDIA_ID = re.compile("[A-Za-z0-9_-]+")
_SURELY_ID = 30  # characters: media_ids have 43 and more; a name so long that is misspelt by a letter is left to the platform


def check(config: Config) -> Iterator[Problem]:
    """Every medium, level, segment and variable that a reply names, in whatever section, is one that there is."""
    section = config.get(MediaSection)
    known = section.root if section else {}
    for where, given in held(config):
        for place, use, name in _named(given, where):
            medium = known.get(name)
            if medium is None and (told := _no_such(name, list(known))):
                yield Problem(place, *told)
            elif medium is not None and (told := _unfit(medium, use)):
                yield Problem(place, f"“{name}”不能这样用：{told[0]}", f"{name!r} cannot be used here: {told[1]}")
        for number, line in enumerate(given.lines or ()):
            if isinstance(line, Line):
                yield from condition.check(line.when, (*where, "lines", number, "when"), config)
    yield from _unknown_variables(config)


def _unknown_variables(config: Config) -> Iterator[Problem]:
    for where, text, _ in every(config):
        if "{match." in text or "{result" in text:
            for name in placeholders(text):
                if of_some_places(name) and not _known_at(name, where):
                    yield Problem(where, *_only_elsewhere(name))


def _only_elsewhere(name: str) -> tuple[str, str]:
    names = [f"{{{known}}}" for known in NAMES]
    match = name.startswith("match.")
    zh, en = ("关键词规则", "a keyword rule") if match else ("菜单里 scan 按钮", "a menu button's scan")
    return (
        f"没有变量 {{{name}}}；这里可用：{'、'.join(names)}。{{{name}}} 只能用在{zh}的回复里",
        f"unknown placeholder {{{name}}}; here you may use: {', '.join(names)}. {{{name}}} is known only in the reply of {en}",
    )


def _known_at(name: str, where: Location) -> bool:
    if "menu" in where[1:]:  # what a choice leads to is said in answer to another message
        return False
    return where[:2] == ("keywords", "rules") if name.startswith("match.") else where[0] == "menu" and "scan" in where


def _named(given: ReplyWith, where: Location) -> Iterator[tuple[Location, Kind, str]]:
    """Where the reply names a medium, as what, and which."""
    if given.image is not None:
        yield (*where, "image", "media_id"), "image", given.image.media_id
    if given.voice is not None:
        yield (*where, "voice", "media_id"), "voice", given.voice.media_id
    if given.video is not None:
        yield (*where, "video", "media_id"), "video", given.video.media_id
    if given.music is not None:
        yield (*where, "music", "thumb_media_id"), "thumb", given.music.thumb_media_id


def _unfit(medium: media.Medium, use: Kind) -> tuple[str, str] | None:
    if use == "image" and medium.format == "gif":  # the platform takes the upload, but not in a passive reply
        return "图片回复不能用 GIF，请换成 png 或 jpg", "a reply takes no GIF; make it a png or jpg"
    return media.unfit(medium, use)


def _no_such(name: str, known: list[str]) -> tuple[str, str] | None:
    """Why this is neither a name nor a media_id; None where it may be a media_id."""
    may_be_id = may_be_media_id(name)
    near = get_close_matches(name, known, 1, 0.8 if may_be_id else 0.3)
    if may_be_id and (not near or len(name) >= _SURELY_ID):
        return None
    if near:
        return f"media 里没有“{name}”；你是不是想写“{near[0]}”？", f"there is no {name!r} in media; did you mean {near[0]!r}?"
    has = f"；media 里有：{'、'.join(known)}" if 0 < len(known) <= 20 else ""
    return f"media 里没有“{name}”，它也不是 media_id{has}", f"there is no {name!r} in media, and it is no media_id"


def may_be_media_id(text: str) -> bool:
    """Whether the platform could have given this id to a medium."""
    return _MEDIA_ID.fullmatch(text) is not None
