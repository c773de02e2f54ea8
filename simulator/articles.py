"""Drafts of articles, and the articles that came of them: sent to followers, or published without telling anybody."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from string import ascii_letters, digits
from typing import Any

_ALPHABET = ascii_letters + digits + "_-"

Item = dict[str, Any]
"""One article in the platform's JSON: title, author, digest, content, content_source_url, thumb_media_id, …"""


@dataclass(slots=True)
class Draft:
    """Up to eight articles that can still be changed, and the unix time of the last change."""

    media_id: str
    items: list[Item]
    updated_at: float


@dataclass(slots=True)
class Comment:
    """What a follower wrote under an article, and what the account answered, when."""

    number: int
    openid: str
    text: str
    at: float
    elected: bool = False
    reply: tuple[str, float] | None = None


@dataclass(slots=True)
class Article:
    """One article that can be read: its page's key, and who read it in which hour, `2026-11-21 20`."""

    key: str
    item: Item
    deleted: bool = False
    commentable: bool = False
    comments: list[Comment] = field(default_factory=list)
    readers: dict[str, Counter[str]] = field(default_factory=dict)

    def open(self, hour: str, reader: str) -> None:
        """The reader has opened the page once more in that hour."""
        self.readers.setdefault(hour, Counter())[reader] += 1

    def comment(self, openid: str, text: str, now: float) -> Comment:
        """The follower has written this under it."""
        comment = Comment(self.comments[-1].number + 1 if self.comments else 1, openid, text, now)
        self.comments.append(comment)
        return comment


@dataclass(slots=True)
class Publication:
    """What was sent or published at once. `told` says whether followers were sent it; `base` is where its pages are, http://host:port."""

    article_id: str
    msg_data_id: int
    articles: list[Article]
    base: str
    at: float
    told: bool
    reached: int = 0
    """Followers it was sent to."""

    def path(self, place: int) -> str:
        """Where on this platform the page of the article at this place, counted from 0, is."""
        return f"/s/{self.articles[place].key}"

    def url(self, place: int) -> str:
        """The whole address of that page."""
        return self.base + self.path(place)

    def urls(self) -> list[str]:
        """The addresses of all its pages."""
        return [self.url(place) for place in range(len(self.articles))]

    @property
    def deleted(self) -> bool:
        """Whether none of its articles can be read any more."""
        return all(article.deleted for article in self.articles)


class Articles:
    """Everything the account has written, in the order in which it was written."""

    def __init__(self, seed: int, started: float) -> None:
        self._random = Random(f"articles:{seed}:{int(started)}")
        self._msg_data_id = 2_000_000_000 + int(started) % 100_000_000
        self.drafts: dict[str, Draft] = {}
        self.publications: dict[str, Publication] = {}
        self._pages: dict[str, Article] = {}
        self.drafts_switched_on = False

    def draft(self, items: list[Item], now: float) -> Draft:
        """The articles are a new draft."""
        draft = Draft(self._token(64), items, now)
        self.drafts[draft.media_id] = draft
        return draft

    def new_data_id(self) -> int:
        """A msg_data_id no other publication has."""
        self._msg_data_id += 1
        return self._msg_data_id

    def publish(self, draft: Draft, msg_data_id: int, base: str, now: float, told: bool) -> Publication:
        """What the draft says now has pages anybody can open. The draft itself stays until discard()."""
        articles = [Article(self._token(22), dict(item), commentable=item.get("need_open_comment") == 1) for item in draft.items]
        publication = Publication(self._token(43), msg_data_id, articles, base, now, told)
        self.publications[publication.article_id] = publication
        self._pages |= {article.key: article for article in articles}
        return publication

    def discard(self, media_id: str) -> bool:
        """The draft is gone; False when there was none."""
        return self.drafts.pop(media_id, None) is not None

    def page(self, key: str) -> Article | None:
        """The article whose page has this key."""
        return self._pages.get(key)

    def sent(self, msg_data_id: object) -> Publication | None:
        """The publication a call names by its msg_data_id."""
        return next((one for one in self.publications.values() if one.msg_data_id == msg_data_id), None)

    def readable(self) -> Iterator[tuple[Publication, int, Article]]:
        """Every article ever published with its place, the oldest first."""
        for publication in self.publications.values():
            for place, article in enumerate(publication.articles):
                yield publication, place, article

    def _token(self, length: int) -> str:
        return "".join(self._random.choices(_ALPHABET, k=length))
