"""The memory of client_msg_id: for ten minutes, the same id to the same follower is the same message."""

MEMORY = 600.0


class Repeats:
    """First sends by follower and id, oldest first."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], tuple[int, float]] = {}

    def earlier(self, openid: str, client_msg_id: str, now: float) -> int | None:
        """The msgid this pair was given within the last ten minutes."""
        self._forget(now)
        known = self._seen.get((openid, client_msg_id))
        return known[0] if known else None

    def remember(self, openid: str, client_msg_id: str, msgid: int, now: float) -> None:
        """For ten minutes from now, earlier() knows the pair."""
        self._seen[openid, client_msg_id] = (msgid, now)

    def _forget(self, now: float) -> None:
        while self._seen:
            oldest = next(iter(self._seen))
            if self._seen[oldest][1] > now - MEMORY:
                return
            del self._seen[oldest]
