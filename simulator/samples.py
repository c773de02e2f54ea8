"""A picture, a recording and a film for gestures that name none: the smallest files that still are what they say."""

import struct
import zlib

from simulator.media import Media
from simulator.world import World

SIDE = 48
SPARE = 3600.0
"""Seconds a sample lives at least when it is handed out."""


def one(world: World, sample: str) -> Media:
    """The sample called image, voice, sharper voice, video or thumb; stored anew when the last one is about to expire."""
    now = world.clock.now()
    known = world.media.find(world.samples.get(sample), now + SPARE)
    if known:
        return known
    kind, content_type, name, content = _SAMPLES[sample]
    world.samples[sample] = world.media.store(kind, content_type, name, content, now)
    found = world.media.find(world.samples[sample], now)
    assert found is not None
    return found


def _png() -> bytes:
    """A square in the green of the app."""
    row = b"\x00" + b"\x07\xc1\x60" * SIDE

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(row * SIDE, 9)) + chunk(b"IEND", b"")


_SILENCE = b"#!AMR\n" + (b"\x7c" + b"\x00" * 31) * 50
_FILM = struct.pack(">I", 20) + b"ftypisom\x00\x00\x02\x00isom" + struct.pack(">I", 8) + b"mdat"
_SAMPLES = {
    "image": ("image", "image/png", "sample.png", _png()),
    "thumb": ("thumb", "image/png", "sample.png", _png()),
    "voice": ("voice", "audio/amr", "sample.amr", _SILENCE),
    "sharper voice": ("voice", "audio/amr", "sample16k.amr", _SILENCE),
    "video": ("video", "video/mp4", "sample.mp4", _FILM),
}
