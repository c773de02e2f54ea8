"""YZ201–YZ204: replies that are too long, lead to links that are not https, or promise more than the platform lets through."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta

from handlers.keyword import KeywordsSection
from handlers.replies import ReplyWith, Then, every, held
from handlers.survey import Survey, SurveysSection
from models.allowance import Window, window_of
from models.config import Config, Location, Problem, fill, placeholders
from models.level import level_rules
from wechat.reply import LONGEST_TEXT

# Bytes that a variable may well take: a name of 32 Chinese characters, what a regex found, what a code held.
_USUAL = {"name": 96, "points": 7, "streak": 3, "date": 10, "weekday": 9, "time": 5, "result": 200, "balance": 7, "question": 0}
_USUAL_OTHER = 60
_LINK = re.compile(r"<a\s[^>]*?href\s*=\s*[\"']?\s*([^\"'\s>]+)|(?<![\w\"'=])(http://[^\s\"'<>，。）)]+)", re.IGNORECASE)
_LOOPBACK = re.compile(r"http://(localhost|127\.\d+\.\d+\.\d+|\[::1\])([:/]|$)", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_MESSAGE = ("text",)


def texts(config: Config) -> Iterator[Problem]:
    """YZ201 and YZ202: every text that followers may read."""
    levels = max((len(name.encode()) for name in level_rules(config).levels), default=0)
    for where, text, kind in every(config):
        if kind == "text" and len(text) > LONGEST_TEXT // 4 and "lines" not in where:
            yield from _size(where, _least([text]), _most([text], levels))
        if kind == "url" or "href" in text or "http://" in text:
            yield from _links(where, text, kind == "url")
    section = config.get(SurveysSection)
    for number, one in enumerate(section.root if section else ()):
        yield from _questions(one, number)


def _least(texts: Iterable[str]) -> int:
    """Bytes of the texts, a line break between them, with every variable empty."""
    sizes = [len(fill(text, dict.fromkeys(placeholders(text), "")).encode()) for text in texts]
    return sum(sizes) + max(0, len(sizes) - 1)


def _most(texts: Iterable[str], level: int) -> int:
    """With variables of the usual length."""
    usual = {**_USUAL, "level": level}
    return sum(_least([text]) + 1 + sum(usual.get(name, _USUAL_OTHER) for name in placeholders(text)) for text in texts) - 1


def _lines(given: ReplyWith, level: int) -> tuple[int, int]:
    """The same of a reply of lines: with as few of them as there may be, and with the longer of each."""
    least: list[str] = []
    most: list[str] = []
    for line in given.lines or ():
        both = [line] if isinstance(line, str) else [line.text, line.otherwise or ""]
        most.append(max(both, key=len))
        if isinstance(line, str) or line.otherwise is not None:
            least.append(min(both, key=len))
    return _least(least), _most(most, level)


def _size(where: Location, least: int, most: int) -> Iterator[Problem]:
    if least > LONGEST_TEXT:
        zh = f"这段文字有 {least} 字节，微信最多 {LONGEST_TEXT}（约 {LONGEST_TEXT // 3} 个汉字），后面的会被截掉；请缩短，或者分成几条"
        yield Problem(where, zh, f"{least} bytes, the platform takes {LONGEST_TEXT}: the rest is cut off; shorten it or split it", "YZ201")
    elif most > LONGEST_TEXT:
        zh = f"变量填上以后大约 {most} 字节，微信最多 {LONGEST_TEXT}，名字长的粉丝会看到截断的文字；请缩短一些"
        yield Problem(where, zh, f"with its variables about {most} bytes, the platform takes {LONGEST_TEXT}; shorten it a little", "YZ201")


def _questions(survey: Survey, number: int) -> Iterator[Problem]:
    """A question with all of its choices, as it is asked."""
    for place, question in enumerate(survey.questions):
        if question.choices:
            lines = [fill(survey.replies.choice, {"number": at, "choice": choice}) for at, choice in enumerate(question.choices, 1)]
            size = len("".join([question.ask, *lines]).encode())
            yield from _size(("surveys", number, "questions", place, "choices"), size, size)


def _links(where: Location, text: str, whole: bool) -> Iterator[Problem]:
    for link in [text.strip()] if whole else [found[1] or found[2] for found in _LINK.finditer(text)]:
        plain = link.lower().startswith("http://") and not _LOOPBACK.match(link)
        if plain:
            zh = f"链接 {link} 不是 https：手机会提示不安全，图片可能不显示；请换成 https://"
            yield Problem(where, zh, f"the link {link} is not https: phones warn of it; use https://", "YZ202")
        elif link and not link.startswith(("{", "#", "/", "<")) and not _SCHEME.match(link):
            zh = f"链接 {link} 点不开：要从 https:// 写起"
            yield Problem(where, zh, f"the link {link} leads nowhere: begin it with https://", "YZ202")


def composed(config: Config) -> Iterator[Problem]:
    """YZ201, YZ203 and YZ204 of replies that are more than a text."""
    levels = max((len(name.encode()) for name in level_rules(config).levels), default=0)
    section = config.get(KeywordsSection)
    events = {
        number: tuple(f"event {event}" if event == "location" else event for event in rule.when.event or ("click",))  # no message
        for number, rule in enumerate(section.rules if section else ())
        if rule.when.event or rule.when.menu_key
    }
    for where, given in held(config):
        acts = _acts(where, events)
        if given.lines is not None:
            yield from _size((*where, "lines"), *_lines(given, levels))
        if given.then:
            yield from _follow_ups(where, given.then, _narrowest(acts))
        if given.news and len(given.news) > 1 and acts == _MESSAGE and where[0] == "keywords":
            zh = f"回复粉丝的消息时微信只显示第一篇图文，后面 {len(given.news) - 1} 篇看不到；点菜单的回复才能有几篇"
            en = f"in answer to a message the platform shows one article: {len(given.news) - 1} of them are lost"
            yield Problem((*where, "news"), zh, en, "YZ204")


def _follow_ups(where: Location, then: Sequence[Then], window: Window | None) -> Iterator[Problem]:
    """What follows a reply, beyond what the platform lets us send after the act that led to it."""
    told = "这样的事件不给客服消息的额度" if window is None else f"只能在{_long(window)}内发 {window.messages} 条客服消息"
    told_en = "this event allows no message" if window is None else f"it allows {window.messages} messages in {window.lasts}"
    for place, one in enumerate(then):
        if window is None or place >= window.messages or one.delay >= window.lasts:
            zh = f"{one.after} 以后的这一条多半发不出去：{told}"
            yield Problem((*where, "then", place), zh, f"this one will hardly be sent: {told_en}", "YZ203")


def _acts(where: Location, events: Mapping[int, tuple[str, ...]]) -> tuple[str, ...]:
    """The kinds of messages and events that lead to the reply there, as the inbox calls them."""
    if "menu" in where[1:]:  # a choice: whoever sees it has written to us
        return _MESSAGE
    match where[0]:
        case "welcome" | "channels":
            return ("subscribe",)
        case "menu":
            return next((kind for part, kind in _BUTTONS.items() if part in where), ("click",))
        case "keywords":
            number = where[2] if len(where) > 2 else None
            return events.get(number, _MESSAGE) if isinstance(number, int) else _MESSAGE
    return _MESSAGE


_BUTTONS = {"scan": ("scancode_waitmsg",), "photo": ("pic_sysphoto",), "location": ("location_select",)}


def _narrowest(acts: tuple[str, ...]) -> Window | None:
    windows = [window_of(act) for act in acts]
    return None if None in windows else min((window for window in windows if window), key=lambda window: window.lasts)


def _long(window: Window) -> str:
    return "一分钟" if window.lasts <= timedelta(minutes=1) else " 48 小时"
