"""Mass messages: four per follower and month whatever their route, one to all a day, the memory of clientmsgid, and the delivery.

Numbers of the official page Batch_Sends: a follower receives at most four mass messages in a natural month, the fifth is not
delivered; messages to all are at most four a month and one a day; clientmsgid is remembered for 24 hours.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from simulator.articles import Draft, Item, Publication
from simulator.clock import SHANGHAI
from simulator.conversation import Message
from simulator.crowd import Follower
from simulator.errors import Refused

if TYPE_CHECKING:
    from simulator.world import World

PER_FOLLOWER_MONTHLY = 4
TO_ALL_MONTHLY = 4
TO_ALL_DAILY = 1
MEMORY = 24 * 3600.0
REAL_SPEEDS = (80, 60, 45, 30, 10)
"""Ten thousand messages a minute, by the speed's number."""
SLICE = 250
"""Followers served in one go; between two slices everybody else has a turn."""
DELETABLE = frozenset({"mpnews", "mpvideo"})

Status = Literal["SENDING", "SEND_SUCCESS", "SEND_FAIL", "DELETE"]


@dataclass(slots=True)
class Job:
    """One mass message. `audience` is who followed when it was submitted; what it brings is `messages`, or the articles of a draft."""

    msg_id: int
    kind: str
    audience: Sequence[Follower]
    total: int
    base: str
    at: float
    messages: Sequence[Message] = ()
    draft: Draft | None = None
    msg_data_id: int = 0
    publication: Publication | None = None
    status: Status = "SENDING"
    sent: int = 0
    failed: int = 0


class MassJobs:
    """The account's mass messages and what it may still send."""

    def __init__(self, started: float) -> None:
        self._next_id = 1_000_000_000 + int(started) % 100_000_000
        self._known: dict[str, tuple[int, float]] = {}
        self._to_all: list[str] = []
        self._month = ""
        self._received: Counter[str] = Counter()
        self.jobs: dict[int, Job] = {}
        self.speed = 0

    def new_id(self) -> int:
        """A msg_id no other job has."""
        self._next_id += 1
        return self._next_id

    def earlier(self, clientmsgid: str, now: float) -> tuple[int, float] | None:
        """The job this id stood for within the last 24 hours, and when."""
        self._known = {name: known for name, known in self._known.items() if known[1] > now - MEMORY}
        return self._known.get(clientmsgid)

    def remember(self, clientmsgid: str, msg_id: int, now: float) -> None:
        """For 24 hours, earlier() knows the id."""
        self._known[clientmsgid] = (msg_id, now)

    def spend_to_all(self, now: float) -> None:
        """One message to all more. Raises 45028 for the second of a day and the fifth of a month."""
        day = _date(now)
        if self._to_all.count(day) >= TO_ALL_DAILY or sum(other[:7] == day[:7] for other in self._to_all) >= TO_ALL_MONTHLY:
            raise Refused(45028)
        self._to_all.append(day)

    def give_back_to_all(self, job: Job) -> None:
        """A job that failed has not used up what it might have: only successes count."""
        self._to_all.remove(_date(job.at))

    def received(self, openid: str, now: float) -> int:
        """Mass messages the follower got this month."""
        self._turn(now)
        return self._received[openid]

    def admit(self, openid: str, now: float) -> bool:
        """Whether the follower may get one more this month; then it is counted."""
        self._turn(now)
        if self._received[openid] >= PER_FOLLOWER_MONTHLY:
            return False
        self._received[openid] += 1
        return True

    def _turn(self, now: float) -> None:
        if (month := _date(now)[:7]) != self._month:
            self._month = month
            self._received.clear()


async def deliver(world: "World", job: Job, to_all: bool) -> None:
    """The message is in the conversations of everyone who may get it, at the account's speed, and its end is reported by an event."""
    await world.jobs.until(job.at + world.settings.mass.review)
    if world.settings.mass.verdict != "send success":
        job.status = "SEND_FAIL"
        if to_all:
            world.mass.give_back_to_all(job)
        _report(world, job, world.settings.mass.verdict, 0)
        return
    if job.draft is not None:
        job.publication = world.articles.publish(job.draft, job.msg_data_id, job.base, world.clock.now(), told=True)
        job.messages = [cards(job.publication)]
    await _send(world, job)
    job.audience = ()  # what is over need not remember a hundred thousand people
    job.status = "SEND_SUCCESS"
    if job.draft is not None and job.publication is not None:
        job.publication.reached = job.sent
        world.articles.discard(job.draft.media_id)
    _report(world, job, "send success", job.sent + job.failed)


def cards(publication: Publication) -> Message:
    """A publication's articles as the follower's chat shows them."""
    return {
        "type": "news",
        "articles": [
            {
                "title": article.item["title"],
                "description": article.item.get("digest", ""),
                "picture": picture(article.item),
                "url": publication.path(place),
            }
            for place, article in enumerate(publication.articles)
        ],
    }


def picture(item: Item) -> str:
    """Where on this platform an article's cover is."""
    return f"/_sim/media/{item['thumb_media_id']}" if item.get("thumb_media_id") else ""


async def _send(world: "World", job: Job) -> None:
    began = world.clock.now()
    for start in range(0, len(job.audience), SLICE):
        now = world.clock.now()
        for follower in job.audience[start : start + SLICE]:
            if not follower.subscribed:
                job.failed += 1  # left since the message was submitted
            elif not (follower.muted or follower.blacklisted) and world.mass.admit(follower.openid, now):
                for message in job.messages:
                    world.conversations.add(follower.openid, "account", {**message, "via": "mass"})
                job.sent += 1
        per_second = REAL_SPEEDS[world.mass.speed] * 10_000 / 60
        await world.jobs.until(began + (start + SLICE) / per_second)


def _report(world: "World", job: Job, status: str, filtered: int) -> None:
    """MASSSENDJOBFINISH is on its way. FilterCount is who was left after filtering, as the facts have it."""
    refused = status != "send success"
    event: dict[str, Any] = {
        "Event": "MASSSENDJOBFINISH",
        "MsgID": job.msg_id,
        "Status": status,
        "TotalCount": 0 if refused else job.total,
        "FilterCount": filtered,
        "SentCount": job.sent,
        "ErrorCount": job.failed,
    }
    if job.publication is not None:
        urls = [{"ArticleIdx": number, "ArticleUrl": url} for number, url in enumerate(job.publication.urls(), 1)]
        event["CopyrightCheckResult"] = {"Count": 0, "ResultList": "", "CheckState": 1}
        event["ArticleUrlResult"] = {"Count": len(urls), "ResultList": {"item": urls}}
    world.receipts.report(world.settings.mass.reporter, event)


def _date(at: float) -> str:
    return datetime.fromtimestamp(at, SHANGHAI).date().isoformat()
