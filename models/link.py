"""Links: the addresses that a run sends people to, each under a name of ours that nobody guesses, and who it was sent to, sealed into it.

A link has one row, whoever it is sent to: what tells one follower's from another's is their delivery's number, encrypted and proved under
the link's own key. So nothing is written when a million of them are sent, and nobody can make one up or read what is in it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest
from typing import Annotated
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, Field
from sqlalchemy import Column, Connection, ForeignKey, String, Table, Text, UniqueConstraint, bindparam, select

from models.base import Id, Instant, identity, insert, metadata
from models.config import Looks, Rules, wrong

_CODE = 12  # characters: 72 bits that nobody guesses
_PERSON = 22  # and those of 16 bytes

links = Table(
    "link",
    metadata,
    identity(),
    Column("run_id", Id, ForeignKey("broadcast_run.id"), nullable=False),
    Column("digest", String(64), nullable=False),  # of the address, which may be too long for an index
    Column("url", Text, nullable=False),  # where it leads: nowhere but here
    Column("code", String(_CODE), nullable=False, unique=True),  # what the public address begins with
    Column("secret", String(64), nullable=False),  # the key of what follows on it
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("run_id", "digest"),
)


def _check_base(text: str) -> str:
    parts = urlsplit(text.strip())
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if (
        not parts.hostname
        or parts.scheme not in ("https", "http")
        or (parts.scheme == "http" and not local)
        or parts.query
        or parts.fragment
    ):
        raise wrong(
            f"base 是粉丝打得开的、指向这个服务的 https 网址，例如 https://wx.example.com；这里是 {text!r}",
            f"base is an https address that followers can open and that leads to this service, such as https://wx.example.com; this is {text!r}",
        )
    return text.strip().rstrip("/")


class Links(Rules):
    """Links that count who opens them."""

    base: Annotated[str, AfterValidator(_check_base), Looks(r"^\s*https?://", ("https://wx.example.com",))] = Field(
        description="粉丝打得开的、指向这个服务的网址，例如 https://wx.example.com；群发里的链接都经过它，好数有多少人点开"
    )


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a run."""

    id: int
    url: str
    code: str
    secret: str

    @property
    def ascii_url(self) -> str:
        """The address as it stands in a header: what is not ASCII in it, and what would end the header, percent-encoded."""
        return quote(self.url, safe="%/:=&?~#+!$,;'@()*[]")

    def token(self, delivery: int | None) -> str:
        """What its address ends with for this delivery; for None, one that tells of nobody."""
        return self.code if delivery is None else self.code + _seal(bytes.fromhex(self.secret), delivery)

    def delivery(self, person: str) -> int | None:
        """The delivery that this part of a token was made for. Raises Forged for one that we did not make; None where there is none."""
        return _open(bytes.fromhex(self.secret), person) if person else None


class Forged(Exception):
    """Not a token of ours."""


def _mac(key: bytes, purpose: bytes, text: bytes) -> bytes:
    return hashlib.blake2b(text, key=key, digest_size=8, person=purpose).digest()


def _mixed(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def _seal(key: bytes, number: int) -> str:
    """The synthetic initialisation vector of RFC 5297, with keyed BLAKE2b (RFC 7693) for both halves: deterministic, hidden and proved."""
    plain = number.to_bytes(8, "big")
    proof = _mac(key, b"proof", plain)
    return base64.urlsafe_b64encode(proof + _mixed(plain, _mac(key, b"hide", proof))).decode().rstrip("=")


def _open(key: bytes, person: str) -> int:
    try:
        sealed = base64.b64decode(f"{person}==", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Forged from None
    if len(person) != _PERSON or len(sealed) != 16:
        raise Forged
    proof, hidden = sealed[:8], sealed[8:]
    number = int.from_bytes(_mixed(hidden, _mac(key, b"hide", proof)), "big")
    if not compare_digest(_seal(key, number), person):
        raise Forged
    return number


_COLUMNS = (links.c.id, links.c.url, links.c.code, links.c.secret)
_FIND = select(*_COLUMNS).where(links.c.code == bindparam("code"))
_KNOWN = select(*_COLUMNS).where(links.c.run_id == bindparam("run"), links.c.digest.in_(bindparam("digests", expanding=True)))
_MAKE = (
    insert(links)
    .values({name: bindparam(name) for name in ("run_id", "digest", "url", "code", "secret", "created_at")})
    .on_conflict_do_nothing()
)
_TOKEN = re.compile(rf"[A-Za-z0-9_-]{{{_CODE}}}(?:[A-Za-z0-9_-]{{{_PERSON}}})?")


def find(db: Connection, token: str) -> tuple[Link, int | None]:
    """The link of this token and the delivery it was sent with, if it tells. One statement. Raises Forged for what is no token of ours."""
    if not _TOKEN.fullmatch(token):
        raise Forged
    row = db.execute(_FIND, {"code": token[:_CODE]}).one_or_none()
    if row is None:
        raise Forged
    link = Link(*row)
    return link, link.delivery(token[_CODE:])


def of_run(db: Connection, run: int, urls: Collection[str], now: datetime) -> Mapping[str, Link]:
    """The run's links to these addresses; afterwards each has its one row."""
    digests = {hashlib.sha256(url.encode()).hexdigest(): url for url in urls}
    found = _known(db, run, digests)
    if missing := sorted(digest for digest, url in digests.items() if url not in found):
        made = [
            {"digest": digest, "url": digests[digest], "code": secrets.token_urlsafe(9), "secret": secrets.token_hex(32)}
            for digest in missing
        ]
        db.execute(_MAKE, [{"run_id": run, "created_at": now, **one} for one in made])
        found = _known(db, run, digests)
    return found


def _known(db: Connection, run: int, digests: Collection[str]) -> dict[str, Link]:
    rows = db.execute(_KNOWN, {"run": run, "digests": list(digests)}) if digests else ()
    return {row.url: Link(*row) for row in rows}
