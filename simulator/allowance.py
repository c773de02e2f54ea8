"""The customer-service allowance: how many messages an account may still send a follower, and until when.

Current numbers of the official customer-service page: five within 48 hours of a message, three within a minute of
following, scanning or clicking. Each kind of trigger fills a bucket of its own.
"""

from dataclasses import dataclass

from simulator.errors import Refused

GRANTS = {"message": (5, 48 * 3600.0), "subscribe": (3, 60.0), "scan": (3, 60.0), "click": (3, 60.0)}


@dataclass(slots=True)
class Bucket:
    """Messages left and the moment at which they are forfeit."""

    left: int
    until: float


class Allowances:
    """Every follower's buckets."""

    def __init__(self) -> None:
        self._buckets: dict[str, dict[str, Bucket]] = {}

    def grant(self, openid: str, trigger: str, now: float) -> None:
        """The trigger's bucket is full again."""
        count, seconds = GRANTS[trigger]
        self._buckets.setdefault(openid, {})[trigger] = Bucket(count, now + seconds)

    def spend(self, openid: str, now: float) -> None:
        """One message less, from the bucket that would expire first. Raises 45015 outside every window, 45047 when all are used up."""
        open_ones = [bucket for bucket in self._buckets.get(openid, {}).values() if bucket.until > now]
        if not open_ones:
            raise Refused(45015)
        filled = [bucket for bucket in open_ones if bucket.left > 0]
        if not filled:
            raise Refused(45047)
        min(filled, key=lambda bucket: bucket.until).left -= 1

    def forget(self, openid: str) -> None:
        """Whoever leaves takes every window along."""
        self._buckets.pop(openid, None)
