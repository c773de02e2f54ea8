"""Small files of every format the platform takes, and of some it does not: the first bytes are what counts."""

from __future__ import annotations

from tests.people import ROOT

PNG = (ROOT / "pictures" / "store.png").read_bytes()
JPG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(100) + b"\xff\xd9"
GIF = b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"
AMR = b"#!AMR\n" + bytes(64)
MP3 = b"ID3\x04\x00\x00\x00\x00\x00\x00" + bytes(64)
MP3_WITHOUT_TAG = b"\xff\xfb\x90\x64" + bytes(64)
MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(64)
WEBP = b"RIFF\x24\x00\x00\x00WEBPVP8 " + bytes(32)
MOV = b"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00" + bytes(32)
HEIC = b"\x00\x00\x00\x18ftypheic" + bytes(32)
