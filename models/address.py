"""Addresses: where goods are sent, collected with consent, kept only as long as was said, and erased from everywhere they were written."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Connection, ForeignKey, Index, Integer, Row, String, Table, Text, bindparam, select, update

from models.base import Hot, Id, Instant, follower_id, insert, metadata
from models.config import Config
from models.finding import findings
from models.inbox import inbox_entries

ERASED = "（已删除）"
_AT_ONCE = 500  # parameters of one statement
LONGEST_NAME, LONGEST_ADDRESS, SHORTEST_ADDRESS = 30, 200, 5

addresses = Table(
    "order_address",
    metadata,
    Column("order_id", Id, ForeignKey("shop_order.id"), primary_key=True),
    follower_id(nullable=False, index=True),
    Column("name", String(LONGEST_NAME)),
    Column("phone", String(20)),
    Column("address", String(LONGEST_ADDRESS)),
    Column("messages", Text),  # JSON: keys of the inbox entries in which the follower wrote it
    Column("consent", String(64), nullable=False),  # digest of the text they agreed to
    Column("consent_message", String(200), nullable=False),  # key of the inbox entry in which they said so
    Column("consent_at", Instant, nullable=False),
    Column("keep_days", Integer, nullable=False),  # after the order is closed, as that text said
    Column("erase_at", Instant),  # set when the order is closed
    Column("erased_at", Instant),
)
_DUE = addresses.c.erased_at.is_(None)
Index("ix_order_address_erase_at", addresses.c.erase_at, sqlite_where=_DUE, postgresql_where=_DUE)

consents = Table(
    "address_consent",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("text", Text, nullable=False),
    Column("first_at", Instant, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who gets it, where; '' is what is not known yet."""

    name: str = ""
    phone: str = ""
    address: str = ""

    @property
    def missing(self) -> str | None:
        """The first part that has to be asked for; None where nothing is missing."""
        return next((part for part in ("name", "phone", "address") if not getattr(self, part)), None)

    @property
    def masked(self) -> Recipient:
        """Enough for its owner to know it again, too little for anybody else to use."""
        return Recipient(mask_name(self.name), mask_phone(self.phone), mask_address(self.address))


@dataclass(frozen=True, slots=True)
class Consent:
    """What was agreed to, when and in which message, and how many days after the order is closed the address may be kept."""

    digest: str
    message: str
    at: datetime
    keep_days: int


def mask_name(name: str) -> str:
    """张三 → 张*"""
    return f"{name[0]}*" if name else ""


def mask_phone(phone: str) -> str:
    """13800138000 → 138****8000"""
    return f"{phone[:3]}****{phone[-4:]}" if phone else ""


def mask_address(address: str) -> str:
    """上海市浦东新区… → 上海市浦…"""
    return f"{address[: min(4, len(address) // 3)]}…" if address else ""


# Reading what followers write

_PHONE = re.compile(
    r"(?<![\d+])(?:\+?86[- ]?)?(1[3-9]\d)[- ]?(\d{4})[- ]?(\d{4})(?!\d)"  # a mobile number of the mainland
    r"|(\+[1-9]\d{0,2}[ -]?\d{1,4}(?:[ -]?\d{2,4}){1,3})(?!\d)"  # another country's: 15 digits at most, as E.164 has them
    r"|(?<!\d)(0\d{2,3}[- ]?\d{7,8})(?!\d)"  # a line: area code and number
)
_LABEL = re.compile(r"(?:^|(?<=[\s,;]))(?:收货|收件)?(姓名|人|联系人|联系电话|电话|手机号码|手机号|手机|地址|详细地址|所在地区)\s*[:：]\s*")
_PLACE = re.compile(r"省|市|区|县|镇|乡|村|街|路|道|巷|弄|号|栋|幢|楼|层|室|单元|小区|大厦|\d")


def read(text: str, known: Recipient, asked: str | None = None) -> Recipient:
    """What is known of the recipient after this message, which answers for the part that was `asked` for, or for all of it.

    `张三 13800138000 上海市…` in any order, in one line or several, with labels (收货人：…) or without.
    """
    plain = " ".join(unicodedata.normalize("NFKC", text).replace("，", ",").replace("。", " ").replace("；", ",").split())
    found = _PHONE.search(plain)
    phone = _digits(found) if found else ""
    rest = f"{plain[: found.start()]} , {plain[found.end() :]}" if found else plain
    if asked and asked != "phone" and not found:
        return _with(known, **{asked: rest.strip(" ,")})
    name, address = _name_and_address(rest)
    if asked == "phone" and not found:
        name = ""  # 等一下
    if asked == "address" and known.name:
        name, address = "", " ".join(part for part in (name, address) if part)
    return _with(known, name=name, phone=phone, address=address)


def has_phone(text: str) -> bool:
    """Whether a phone number stands in it: who sends one unasked is likely to have sent an address."""
    return _PHONE.search(unicodedata.normalize("NFKC", text)) is not None


def _digits(found: re.Match[str]) -> str:
    if found[1]:
        return found[1] + found[2] + found[3]
    return re.sub(r"[ -]", "", found[4] or found[5])


def _name_and_address(rest: str) -> tuple[str, str]:
    marked = [_LABEL.sub(" ", part).strip() for part in re.split(r"[,;]", _LABEL.sub(lambda found: f",{found[0]}", rest))]
    parts = [part for part in marked if part]
    if len(parts) < 2:
        parts = [word for part in parts for word in part.split()]
    name = next((part for part in parts if len(part) <= 15 and not _PLACE.search(part)), "")
    others = [part for part in parts if part is not name]
    if not name and others and (words := others[0].split())[0] and not _PLACE.search(words[0]) and len(words[0]) <= 15:
        name, others[0] = words[0], " ".join(words[1:])
    return name, " ".join(part for part in others if part)


def _with(known: Recipient, *, name: str = "", phone: str = "", address: str = "") -> Recipient:
    """What is new and can be right replaces what was known."""
    known = replace(known, name=name) if 0 < len(name) <= LONGEST_NAME and not re.search(r"\d", name) else known
    known = replace(known, phone=phone) if phone else known
    return replace(known, address=address) if SHORTEST_ADDRESS <= len(address) <= LONGEST_ADDRESS else known


# Keeping and erasing

_CONSENT = insert(consents).values(digest=bindparam("digest"), text=bindparam("text"), first_at=bindparam("now")).on_conflict_do_nothing()
_KEEP = insert(addresses).values(
    {
        name: bindparam(name)
        for name in (
            "order_id", "follower_id", "name", "phone", "address", "messages", "consent", "consent_message", "consent_at", "keep_days"
        )
    }
)  # fmt: skip
_OF = select(addresses).where(addresses.c.order_id == bindparam("order"))
_CLOSING = select(addresses.c.keep_days).where(addresses.c.order_id == bindparam("order"), _DUE)
_CLOSE = update(addresses).where(addresses.c.order_id == bindparam("order"), _DUE).values(erase_at=bindparam("at", type_=Instant))
_OVERDUE = Hot(select(addresses.c.order_id).where(_DUE, addresses.c.erase_at <= bindparam("now", type_=Instant)).limit(1))
_ERASABLE = (
    select(addresses.c.order_id, addresses.c.messages)
    .where(_DUE, addresses.c.erase_at <= bindparam("now", type_=Instant))
    .order_by(addresses.c.erase_at)
    .limit(50)
    .with_for_update(skip_locked=True)
)
_ERASE = (
    update(addresses)
    .where(addresses.c.order_id == bindparam("order"), _DUE)
    .values(name=None, phone=None, address=None, messages=None, erased_at=bindparam("now", type_=Instant))
)
_OUT_OF_INBOX = update(inbox_entries).where(inbox_entries.c.key.in_(bindparam("keys", expanding=True))).values(text=ERASED, fields=None)
_OUT_OF_FINDINGS = update(findings).where(findings.c.key.in_(bindparam("keys", expanding=True))).values(text=ERASED)


def agreed(db: Connection, text: str, message: str, keep_days: int, now: datetime) -> Consent:
    """Afterwards the text they agreed to is on record, word for word."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    db.execute(_CONSENT, {"digest": digest, "text": text, "now": now})
    return Consent(digest, message, now, keep_days)


def keep(db: Connection, order: int, follower: int, recipient: Recipient, consent: Consent, messages: Sequence[str]) -> None:
    """Afterwards the order has this address, the consent to keep it, and where else it was written."""
    values = {"name": recipient.name, "phone": recipient.phone, "address": recipient.address, "messages": json.dumps(list(messages))}
    evidence = {"consent": consent.digest, "consent_message": consent.message, "consent_at": consent.at, "keep_days": consent.keep_days}
    db.execute(_KEEP, {"order_id": order, "follower_id": follower, **values, **evidence})


def of(db: Connection, order: int) -> Row[Any] | None:
    """The address of this order with its consent; name, phone and address are NULL once they are erased. None where there never was one."""
    return db.execute(_OF, {"order": order}).one_or_none()


def recipient_of(row: Row[Any] | None) -> Recipient:
    """The recipient in such a row, with '' for what is erased."""
    return Recipient(row.name or "", row.phone or "", row.address or "") if row is not None else Recipient()


def close(db: Connection, order: int, now: datetime) -> None:
    """The order is closed: afterwards its address, if it has one, is due to be erased as many days from now as was agreed."""
    days = db.execute(_CLOSING, {"order": order}).scalar()
    if days is not None:
        db.execute(_CLOSE, {"order": order, "at": now + timedelta(days=days)})


def strike_out(db: Connection, messages: Iterable[str]) -> None:
    """Afterwards the texts of these messages are nowhere in the database: neither in the inbox nor among the findings."""
    keys = list(messages)
    for begin in range(0, len(keys), _AT_ONCE):
        some = {"keys": keys[begin : begin + _AT_ONCE]}
        db.execute(_OUT_OF_INBOX, some)
        db.execute(_OUT_OF_FINDINGS, some)


def written_in(db: Connection) -> Iterator[str]:
    """Keys of all messages in which an address stands that is not erased yet."""
    for kept in db.execute(select(addresses.c.messages).where(_DUE)).scalars():
        yield from json.loads(kept or "[]")


def erase_due(db: Connection, config: Config, now: datetime) -> int:
    """Afterwards up to 50 addresses whose time is over are erased, with the messages they came in. Returns how many."""
    if _OVERDUE.value(db, now=now) is None:
        return 0
    done = 0
    for order, messages in db.execute(_ERASABLE, {"now": now}).all():
        done += db.execute(_ERASE, {"order": order, "now": now}).rowcount
        strike_out(db, json.loads(messages or "[]"))
    return done
