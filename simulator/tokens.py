"""Access tokens: two desks that know nothing of each other, the old `token` and `stable_token`, and the check at the door."""

import base64
from dataclasses import dataclass
from random import Random

from simulator.errors import Refused

LIFETIME = 7200.0
OVERLAP = 300.0
"""Seconds for which the token before the present one is still good after a rotation."""
FORCED_PER_DAY = 20
FORCED_APART = 30.0


@dataclass(slots=True)
class Token:
    """One token and the moment it stops working."""

    value: str
    expires: float


class TokenDesk:
    """Issues and checks. At most two tokens of a desk work at any time."""

    def __init__(self, seed: str) -> None:
        self._random = Random(f"tokens:{seed}")
        self._valid: dict[str, Token] = {}
        self._stable: Token | None = None
        self._plain: Token | None = None
        self._forced: list[float] = []

    def plain(self, now: float) -> tuple[str, int]:
        """A new token with each call; the one before works for five more minutes."""
        if self._plain is not None:
            self._plain.expires = min(self._plain.expires, now + OVERLAP)
        self._plain = self._issue(now)
        return self._plain.value, int(LIFETIME)

    def stable(self, now: float, force: bool) -> tuple[str, int]:
        """The present token and its remaining seconds; a new one in its last five minutes, or when it is forced: then the old one dies."""
        if force:
            self._allow_forcing(now)
            if self._stable is not None:
                self._valid.pop(self._stable.value, None)
            self._stable = None
        if self._stable is None or self._stable.expires - now <= OVERLAP:
            self._stable = self._issue(now)
        return self._stable.value, int(self._stable.expires - now)

    def check(self, value: str, now: float) -> None:
        """Returns for a token that works. Raises 41001, 40001 or 42001."""
        if not value:
            raise Refused(41001)
        token = self._valid.get(value)
        if token is None:
            raise Refused(40001)
        if token.expires <= now:
            raise Refused(42001)

    def revoke_all(self) -> None:
        """No token works any more; the next one asked for is new."""
        self._valid.clear()
        self._stable = self._plain = None

    def _issue(self, now: float) -> Token:
        kept = {value: token for value, token in self._valid.items() if token.expires > now - 86400}  # so that late callers hear "expired"
        value = base64.urlsafe_b64encode(self._random.randbytes(96)).decode()
        token = Token(f"{self._random.randrange(10, 100)}_{value}", now + LIFETIME)
        self._valid = {**kept, token.value: token}
        return token

    def _allow_forcing(self, now: float) -> None:
        self._forced = [at for at in self._forced if at > now - 86400]
        if len(self._forced) >= FORCED_PER_DAY:
            raise Refused(45009)
        if self._forced and now - self._forced[-1] < FORCED_APART:
            raise Refused(45011)
        self._forced.append(now)
