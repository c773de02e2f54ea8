"""Temporary media: pictures, voices, videos and thumbs that the platform keeps for three days."""

from __future__ import annotations

import secrets
from pathlib import PurePath
from typing import Literal

from wechat.client.caller import Caller, needed
from wechat.errcodes import Action, PlatformError

Kind = Literal["image", "voice", "video", "thumb"]

_CONTENT_TYPES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".gif": "image/gif",
    ".amr": "audio/amr",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
}


class Media:
    """What was uploaded, by media_id. Each call has a minute."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def upload(self, kind: Kind, name: str, content: bytes) -> str:
        """The platform keeps `content` for three days; its media_id. `name` needs the suffix of its format, which the platform goes by.

        Image 10 MB jpg, png, gif; voice 2 MB and 60 s amr, mp3; video 10 MB mp4; thumb 64 KB jpg (40004, 40005, 40006, 40009, 45001).
        After Ambiguous it may be uploaded again.
        """
        boundary = f"yizhan-{secrets.token_hex(16)}"
        body = _form(boundary, name, content)
        answer = await self._caller.upload("/cgi-bin/media/upload", {"type": kind}, body, f"multipart/form-data; boundary={boundary}")
        return str(needed(answer, "thumb_media_id" if kind == "thumb" and "media_id" not in answer else "media_id", str))

    async def get(self, media_id: str) -> bytes:
        """The file, up to 16 MB. Raises PlatformError 40007 when it is gone, 40004 for a video: that is at its video_url."""
        answer = await self._caller.download("/cgi-bin/media/get", {"media_id": media_id})
        if isinstance(answer, bytes):
            return answer
        needed(answer, "video_url", str)
        raise PlatformError(40004, "a video is not handed out here, but at its video_url", Action.BUG)

    async def video_url(self, media_id: str) -> str:
        """Where the platform shows this video: it answers media/get with an address, not with the file."""
        return str(needed(await self._caller.download("/cgi-bin/media/get", {"media_id": media_id}), "video_url", str))


def _form(boundary: str, name: str, content: bytes) -> bytes:
    """A form with one file, named in plain UTF-8 as browsers do: the platform does not read RFC 2231's filename*."""
    filename = name.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")
    kind = _CONTENT_TYPES.get(PurePath(name).suffix.lower(), "application/octet-stream")
    head = f'--{boundary}\r\ncontent-disposition: form-data; name="media"; filename="{filename}"\r\ncontent-type: {kind}\r\n\r\n'
    return head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
