"""How much the followers have had of the account: every message they did not ask for adds to it, every quiet day takes some away."""

from collections import deque
from typing import NamedTuple

from simulator import habits
from simulator.conversation import Message
from simulator.crowd import Crowd, Follower

WEIGHTS = {"template": 1.0, "mass": 1.0, "subscription": 0.5, "customer_service": 0.25}
"""What a delivered message adds, by how it came. A reply adds nothing."""
HALVED_AFTER = 3 * 86400.0
"""Seconds in which annoyance halves when nothing more comes."""
LEAST_PATIENCE = 1.5
"""Nobody minds less than this, so nobody's habits need to be looked up for it."""


class FedUp(NamedTuple):
    """Someone who has had enough, and since when."""

    follower: Follower
    since: float


class Moods:
    """Everybody's annoyance, and those whose patience is over; what they do about it is up to the crowd's life."""

    def __init__(self, crowd: Crowd, seed: int) -> None:
        self._crowd = crowd
        self._seed = seed
        self._levels: dict[str, tuple[float, float]] = {}
        self.fed_up: deque[FedUp] = deque()

    def notice(self, openid: str, message: Message) -> None:
        """A message is on this follower's phone. If it was one too many, they are among the fed up, with their annoyance spent."""
        weight = WEIGHTS.get(message.get("via", ""))
        if weight is None:
            return
        level, at = self._levels.get(openid, (0.0, message["at"]))
        level = level * 0.5 ** (max(message["at"] - at, 0.0) / HALVED_AFTER) + weight
        self._levels[openid] = (level, message["at"])
        follower = self._crowd.find(openid) if level >= LEAST_PATIENCE else None
        if follower and level > habits.of(follower.number, self._seed).patience:
            del self._levels[openid]
            self.fed_up.append(FedUp(follower, message["at"]))
