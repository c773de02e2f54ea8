"""QR codes that carry a scene: some for good, some for at most thirty days."""

import base64
from dataclasses import dataclass
from random import Random

PERMANENT_MOST = 100_000


class NoneLeft(Exception):
    """The account has all the permanent codes it may have."""


@dataclass(frozen=True, slots=True)
class Code:
    """One code: `url` is what the picture says, `scene` what the webhook hears. `seconds` it lives, None for one that stays."""

    ticket: str
    url: str
    scene: str
    created_at: float
    seconds: int | None

    @property
    def permanent(self) -> bool:
        """Whether it stays for good."""
        return self.seconds is None

    def until(self) -> float:
        """The moment after which nobody can scan it any more."""
        return float("inf") if self.seconds is None else self.created_at + self.seconds


class Codes:
    """All codes of the account. The permanent code of one scene is always the same one. Tickets come from the seed."""

    def __init__(self, seed: str = "") -> None:
        self._random = Random(f"codes:{seed}")
        self._by_ticket: dict[str, Code] = {}
        self._permanent: dict[str, Code] = {}
        self.permanent_most = PERMANENT_MOST

    def create(self, scene: str, permanent: bool, seconds: int, now: float) -> Code:
        """A code for the scene, alive for so many seconds or for good. Raises NoneLeft."""
        if permanent and (known := self._permanent.get(scene)):
            return known
        if permanent and len(self._permanent) >= self.permanent_most:
            raise NoneLeft
        # As real ones look: base64 with its two equals signs, which have to be escaped in an address.
        ticket = base64.b64encode(b"\x81\x01" + self._random.randbytes(68)).decode()
        url = "http://weixin.qq.com/q/" + base64.urlsafe_b64encode(self._random.randbytes(16)).decode().rstrip("=")
        code = Code(ticket, url, scene, now, None if permanent else seconds)
        self._by_ticket[code.ticket] = code
        if permanent:
            self._permanent[scene] = code
        return code

    def by_ticket(self, ticket: str, now: float = 0.0) -> Code | None:
        """The code of this ticket, None when there is none or it has expired by `now`."""
        code = self._by_ticket.get(ticket)
        return code if code and code.until() > now else None

    def all(self) -> list[Code]:
        """Every code ever made, oldest first."""
        return list(self._by_ticket.values())
