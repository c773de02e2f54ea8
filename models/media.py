"""Media: the operator's pictures, voices and videos by name, and the one living copy of each that the platform keeps for us.

A copy lives for three days (media/upload). It belongs to a content, not to a name: a file that changes needs a copy of its own.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field, RootModel, model_serializer
from pydantic.json_schema import JsonSchemaValue
from sqlalchemy import Column, Connection, String, Table, bindparam, or_, select, update

from models.base import Hot, Instant, insert, metadata
from models.config import Rules, wrong

Kind = Literal["image", "voice", "video", "thumb"]

COVER: Kind = "thumb"
LIFETIME = timedelta(days=3)  # of a copy on the platform
MARGIN = timedelta(hours=12)  # before its end a copy is renewed
LEASE = timedelta(minutes=3)  # an upload that has not ended by then is somebody else's to begin
PAUSE = timedelta(minutes=10)  # after a failed upload nobody tries again unasked

# Bytes, by media/upload. For pictures the page says both 10 MB and 2 MB; the larger is the one its table has.
MOST = {"image": 10 << 20, "voice": 2 << 20, "video": 10 << 20, "thumb": 64 << 10}
KIND_OF: Mapping[str, Kind] = {"png": "image", "jpg": "image", "gif": "image", "amr": "voice", "mp3": "voice", "mp4": "video"}
_FORMATS = {kind: tuple(name for name, of in KIND_OF.items() if of == kind) for kind in ("image", "voice", "video")} | {"thumb": ("jpg",)}
_WORDS = {"image": ("图片", "picture"), "voice": ("语音", "voice"), "video": ("视频", "video"), "thumb": ("封面图", "cover picture")}

_MAGIC = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpg", b"GIF87a": "gif", b"GIF89a": "gif", b"#!AMR\n": "amr", b"ID3": "mp3"}
_STRANGERS = {
    b"#!AMR-WB": "AMR-WB",
    b"BM": "BMP",
    b"%PDF": "PDF",
    b"OggS": "OGG",
    b"fLaC": "FLAC",
    b"\x1aE\xdf\xa3": "WebM/MKV",
    b"<svg": "SVG",
}
_NO_MP4 = {"qt": "MOV", "M4A": "M4A", "heic": "HEIC", "heix": "HEIC", "mif1": "HEIC", "avif": "AVIF"}


class Medium(Rules):
    """One file of the section, as its content says it is."""

    path: str
    format: str
    size: int  # bytes
    digest: str  # SHA-256 of the content, in hex

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: object, handler: object) -> JsonSchemaValue:
        return {"type": "string", "description": "文件的路径，从写着它的配置文件所在的文件夹算起"}  # as it stands in the file

    @model_serializer
    def _as_written(self) -> str:
        return self.path

    @property
    def kind(self) -> Kind:
        """What it is on the platform, unless it is used as a cover."""
        return KIND_OF[self.format]


Name = Annotated[str, Field(min_length=1, max_length=60)]


class MediaSection(RootModel[dict[Name, Medium]]):
    """素材：名字 → 本文件旁边的图片（png jpg gif）、语音（amr mp3）、视频（mp4）文件；回复里写名字就行。"""

    key: ClassVar[str] = "media"


def understand(path: str, content: bytes) -> Medium:
    """The medium that this content is. Raises the operator's error where the platform would not take it; the name of the file says nothing."""
    if not content:
        raise wrong("文件是空的", "the file is empty")
    found = _format(content)
    if found not in KIND_OF:
        raise wrong(
            f"微信不收{f' {found} ' if found else '这种'}文件；图片要 png、jpg、gif，语音要 amr、mp3，视频要 mp4（看内容，不看扩展名）",
            f"the platform does not take {found or 'such'} files; pictures are png, jpg, gif, voices amr, mp3, videos mp4 (by content)",
        )
    medium = Medium(path=path, format=found, size=len(content), digest=hashlib.sha256(content).hexdigest())
    if too_long := unfit(medium, medium.kind):
        raise wrong(*too_long)
    return medium


def unfit(medium: Medium, use: Kind) -> tuple[str, str] | None:
    """Why the platform would not take the medium as this (Chinese, English); None where it would."""
    (zh, en), most = _WORDS[use], MOST[use]
    if medium.format not in _FORMATS[use]:
        may = _FORMATS[use]
        return (
            f"这是 {medium.format} 文件，不能当{zh}；{zh}要 {'、'.join(may)}",
            f"a {medium.format} file is no {en}; it must be {', '.join(may)}",
        )
    if medium.size > most:
        return (
            f"{zh}最大 {told(most)}，这个文件有 {told(medium.size)}",
            f"a {en} has at most {told(most)}, this file has {told(medium.size)}",
        )
    return None


def told(size: int) -> str:
    """So many bytes as a person reads them, rounded up: what is above a limit looks like it."""
    return f"{math.ceil(size * 10 / (1 << 20)) / 10:g} MB" if size >> 20 else f"{math.ceil(size / (1 << 10))} KB"


def _format(content: bytes) -> str:
    """The format by the first bytes: one of ours in small letters, a stranger's name, or nothing."""
    for table in (_MAGIC, _STRANGERS):
        for magic, name in table.items():
            if content.startswith(magic):
                return name
    if content[:4] == b"RIFF":
        return content[8:12].decode("latin-1").strip()
    if content[4:8] == b"ftyp":
        return _NO_MP4.get(content[8:12].decode("latin-1").strip(), "mp4")
    return "mp3" if _mpeg_frame(content[:3]) else ""


def _mpeg_frame(head: bytes) -> bool:
    """Whether an MPEG audio frame of layer III begins here: an MP3 without a tag."""
    return (
        len(head) == 3
        and head[0] == 0xFF
        and head[1] & 0xE6 == 0xE2
        and head[1] & 0x18 != 0x08
        and head[2] & 0xF0 != 0xF0
        and head[2] & 0x0C != 0x0C
    )


# The copies on the platform

media_copies = Table(
    "media_copy",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("kind", String(8), primary_key=True),
    Column("media_id", String(200)),  # NULL: never uploaded, or the platform does not know it any more
    Column("uploaded_at", Instant),
    Column("expires_at", Instant),
    Column("uploading_until", Instant),  # somebody is uploading it
    Column("failed_at", Instant),
    Column("error", String(200)),  # why the last upload failed
)


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy on the platform, or the attempt to make one."""

    digest: str
    kind: str
    media_id: str | None
    uploaded_at: datetime | None
    expires_at: datetime | None
    uploading_until: datetime | None
    failed_at: datetime | None
    error: str | None

    def lives(self, at: datetime) -> bool:
        """Whether the platform still has it at that instant."""
        return self.media_id is not None and self.expires_at is not None and self.expires_at > at

    def wanted(self, now: datetime) -> bool:
        """Whether a new one should be uploaded: its end is near, nobody is at it, and the last try was not just now."""
        busy = self.uploading_until is not None and self.uploading_until > now
        failed = self.failed_at is not None and self.failed_at > now - PAUSE
        return not (self.lives(now + MARGIN) or busy or failed)


_c = media_copies.c
_this = (_c.digest == bindparam("of"), _c.kind == bindparam("as_kind"))
_LIVING = Hot(select(_c.media_id).where(*_this, _c.expires_at > bindparam("now"), _c.media_id.is_not(None)))
_FIRST = (
    insert(media_copies)
    .values(digest=bindparam("of"), kind=bindparam("as_kind"), uploading_until=bindparam("until"))
    .on_conflict_do_nothing()
    .returning(_c.digest)
)
_CLAIM = (
    update(media_copies)
    .where(*_this)
    .where(or_(_c.uploading_until.is_(None), _c.uploading_until <= bindparam("now")))
    .where(or_(_c.media_id.is_(None), _c.expires_at <= bindparam("by")))
    .values(uploading_until=bindparam("until"))
)
_STORE = (
    update(media_copies)
    .where(*_this)
    .where(or_(_c.uploaded_at.is_(None), _c.uploaded_at <= bindparam("at")))
    .values(
        media_id=bindparam("new"),
        uploaded_at=bindparam("at"),
        expires_at=bindparam("ends"),
        uploading_until=None,
        failed_at=None,
        error=None,
    )
)
_FAILED = update(media_copies).where(*_this).values(uploading_until=None, failed_at=bindparam("now"), error=bindparam("why"))
_FORGET = update(media_copies).where(_c.digest == bindparam("of"), _c.media_id == bindparam("refused")).values(media_id=None)


def living(db: Connection, medium: Medium, kind: Kind, now: datetime) -> str | None:
    """The media_id of the copy that the platform has now; None where there is none."""
    found: str | None = _LIVING.value(db, of=medium.digest, as_kind=kind, now=now)
    return found


def claim(db: Connection, medium: Medium, kind: Kind, now: datetime, *, ahead: bool = False) -> bool:
    """True for exactly one caller of all processes, who may then upload until the lease ends; False where a copy lives (`ahead`: for 12 h more)."""
    values = {"of": medium.digest, "as_kind": kind, "now": now, "until": now + LEASE}
    if db.execute(_FIRST, values).scalar() is not None:
        return True
    return db.execute(_CLAIM, values | {"by": now + MARGIN if ahead else now}).rowcount == 1


def store(db: Connection, medium: Medium, kind: Kind, media_id: str, uploaded_at: datetime) -> None:
    """Afterwards this is the copy, for three days from when its upload began; a late writer never puts an older one back."""
    values = {"of": medium.digest, "as_kind": kind, "new": media_id, "at": uploaded_at, "ends": uploaded_at + LIFETIME}
    db.execute(_STORE, values)


def failed(db: Connection, medium: Medium, kind: Kind, why: str, now: datetime) -> None:
    """Afterwards nobody is uploading it, and it is known why it failed; a copy that still lives stays."""
    db.execute(_FAILED, {"of": medium.digest, "as_kind": kind, "why": why[:200], "now": now})


def forget(db: Connection, medium: Medium, media_id: str) -> None:
    """The platform does not know this copy (40007): afterwards nor do we. One that was uploaded since stays."""
    db.execute(_FORGET, {"of": medium.digest, "refused": media_id})


def copies(db: Connection) -> dict[tuple[str, str], Copy]:
    """Every copy by digest and kind."""
    return {(row.digest, row.kind): Copy(*row) for row in db.execute(select(media_copies))}


def uses(section: MediaSection, known: Mapping[tuple[str, str], Copy]) -> Iterator[tuple[str, Medium, Kind, Copy | None]]:
    """Every medium with what it is used as (a cover is one once it was needed as one) and its copy."""
    for name, medium in section.root.items():
        yield name, medium, medium.kind, known.get((medium.digest, medium.kind))
        if cover := known.get((medium.digest, COVER)):
            yield name, medium, COVER, cover
