"""Pictures, recordings and films: uploaded for three days, or kept as the account's material."""

import string
from dataclasses import dataclass
from random import Random

LIFETIME = 3 * 86400.0
"""Seconds an uploaded medium can be used and fetched."""
MOST_BYTES = 256 << 20
"""All media lent for three days together; beyond that the oldest are gone before their time."""
ALPHABET = string.ascii_letters + string.digits + "_-"
EXTENSIONS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/bmp": "bmp",
    "audio/amr": "amr",
    "audio/mp3": "mp3",
    "video/mp4": "mp4",
}


@dataclass(frozen=True, slots=True)
class Media:
    """One medium. `kind` is image, voice, video, thumb, or picture (of an article: has a url, but is no material). Times in unix seconds."""

    media_id: str
    kind: str
    content_type: str
    name: str
    content: bytes
    created_at: float
    permanent: bool = False
    title: str = ""
    description: str = ""

    def until(self) -> float:
        """The moment after which it is gone."""
        return float("inf") if self.permanent else self.created_at + LIFETIME


class MediaStore:
    """Everything that was uploaded and is not forgotten yet, in the order in which it came. The ids come from the seed."""

    def __init__(self, seed: str = "") -> None:
        self._random = Random(f"media:{seed}")
        self._lent: dict[str, Media] = {}
        self._lent_bytes = 0
        self._kept: dict[str, Media] = {}

    def store(self, kind: str, content_type: str, name: str, content: bytes, now: float) -> str:
        """The medium can be used for three days; its media_id."""
        self._lent_bytes += len(content)
        self._forget(now)
        media_id = self._id(64)
        self._lent[media_id] = Media(media_id, kind, content_type, name, content, now)
        return media_id

    def keep(self, kind: str, content_type: str, name: str, content: bytes, now: float, title: str = "", description: str = "") -> str:
        """The medium is the account's until it is removed; its media_id."""
        media_id = self._id(43)
        self._kept[media_id] = Media(media_id, kind, content_type, name, content, now, True, title, description)
        return media_id

    def find(self, media_id: object, now: float) -> Media | None:
        """The medium of this id, None when there is none or its three days are over."""
        if not isinstance(media_id, str):
            return None
        found = self._kept.get(media_id) or self._lent.get(media_id)
        return found if found and found.until() > now else None

    def material(self, kind: str) -> list[Media]:
        """What the account keeps of this kind, the newest first."""
        return [media for media in reversed(self._kept.values()) if media.kind == kind]

    def remove(self, media_id: str) -> bool:
        """The account keeps it no longer; False when it never did."""
        return self._kept.pop(media_id, None) is not None

    def _forget(self, now: float) -> None:
        while self._lent:
            oldest = next(iter(self._lent.values()))
            if oldest.until() > now and self._lent_bytes <= MOST_BYTES:
                return
            self._lent_bytes -= len(oldest.content)
            del self._lent[oldest.media_id]

    def _id(self, length: int) -> str:
        return "".join(self._random.choices(ALPHABET, k=length))


def kind_of(content: bytes) -> str:
    """The content's type by its first bytes, an empty string for what the platform does not take."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if content.startswith(b"BM"):
        return "image/bmp"
    if content.startswith(b"#!AMR"):
        return "audio/amr"
    if content.startswith(b"ID3") or (len(content) > 1 and content[0] == 0xFF and content[1] & 0xE0 == 0xE0):
        return "audio/mp3"
    return "video/mp4" if content[4:8] == b"ftyp" else ""
