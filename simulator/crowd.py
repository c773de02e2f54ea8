"""The followers: who they are, what they are tagged with, and what they have done to the account. The same seed gives the same people."""

import string
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from random import Random

from simulator import names

_OPENID_ALPHABET = string.ascii_letters + string.digits + "_-"


@dataclass(slots=True)
class Follower:
    """One person as the platform knows them. `muted` is the follower's doing, `blacklisted` the account's."""

    number: int
    openid: str
    name: str
    color: str
    subscribe_time: int
    scene: str
    tag_ids: list[int] = field(default_factory=list)
    subscribed: bool = True
    muted: bool = False
    blacklisted: bool = False
    remark: str = ""
    qr_scene: str = ""
    """The parameter of the QR code through which they last followed."""


class Crowd:
    """Everyone who follows or once followed, in the order in which they came: a follower's `number` is their place."""

    def __init__(self, size: int, seed: int, now: float, unsubscribed: float = 0.0) -> None:
        random = Random(f"crowd:{seed}")
        leavers = Random(f"leavers:{seed}")
        self._newcomers = Random(f"newcomers:{seed}")
        self._everyone: list[Follower] = []
        self._followers: dict[str, Follower] = {}
        self.tags = {names.FIRST_TAG_ID + place: name for place, name in enumerate(names.TAGS)}
        for number in range(size):
            follower = _born(number, random, now)
            follower.subscribed = leavers.random() >= unsubscribed
            self._add(follower)

    def __len__(self) -> int:
        return len(self._everyone)

    def __iter__(self) -> Iterator[Follower]:
        return iter(self._everyone)

    def everyone(self) -> list[Follower]:
        """All of them as they are now; who comes later is not in it."""
        return list(self._everyone)

    def join(self, now: float) -> Follower:
        """A new person, who knows the account and does not follow it yet."""
        follower = _born(len(self._everyone), self._newcomers, now)
        follower.subscribed, follower.tag_ids = False, []
        self._add(follower)
        return follower

    def find(self, openid: object) -> Follower | None:
        """The follower of this openid, None for one the account has never met."""
        return self._followers.get(openid) if isinstance(openid, str) else None

    def subscribed_after(self, openid: str, limit: int, tag_id: int | None = None) -> list[str]:
        """The next `limit` openids, in order, of those who follow now (and carry the tag); an empty openid starts at the first."""
        start = self._followers[openid].number + 1 if openid else 0
        page: list[str] = []
        for follower in islice(self._everyone, start, None):
            if follower.subscribed and (tag_id is None or tag_id in follower.tag_ids):
                page.append(follower.openid)
                if len(page) == limit:
                    break
        return page

    def _add(self, follower: Follower) -> None:
        self._everyone.append(follower)
        self._followers[follower.openid] = follower

    def search(self, text: str, tag: str) -> Iterator[Follower]:
        """Followers whose name or openid holds the text and who carry the tag of this name; empty means any."""
        tag_id = next((number for number, name in self.tags.items() if name == tag), None)
        for follower in self._everyone:
            if tag and tag_id not in follower.tag_ids:
                continue
            if text in follower.name or (len(text) > 3 and text in follower.openid):
                yield follower


def _born(number: int, random: Random, now: float) -> Follower:
    openid = "oSim" + "".join(random.choices(_OPENID_ALPHABET, k=24))
    if random.random() < 0.12:
        name = random.choice(names.NICKNAMES) + random.choice(["", "", "呀", "酱", "·"])
    else:
        name = random.choice(names.SURNAMES) + "".join(random.choices(names.GIVEN, k=random.choice([1, 2, 2, 2])))
    return Follower(
        number=number,
        openid=openid,
        name=name,
        color=random.choice(names.COLORS),
        subscribe_time=int(now) - random.randrange(3600, 400 * 86400),
        scene=random.choice(names.SCENES),
        tag_ids=[names.FIRST_TAG_ID + place for place, share in enumerate(names.TAG_SHARES) if random.random() < share],
    )
