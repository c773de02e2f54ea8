"""Media that are uploaded for three days: in, and out again. Sizes and types as the official pages of 2026 name them."""

from simulator.call import Answer, Call, Document, Endpoint, Table, Upload
from simulator.errors import Refused
from simulator.media import EXTENSIONS, Media, kind_of
from simulator.world import World

MEGABYTE = 1024 * 1024
PICTURES = frozenset({"image/png", "image/jpeg", "image/gif"})
TYPES = {
    "image": PICTURES | {"image/bmp"},
    "voice": frozenset({"audio/amr", "audio/mp3"}),
    "video": frozenset({"video/mp4"}),
    "thumb": frozenset({"image/jpeg"}),
}
SIZES = {"image": 10 * MEGABYTE, "voice": 2 * MEGABYTE, "video": 10 * MEGABYTE, "thumb": 64 * 1024}
MOST = 10 * MEGABYTE
"""Above this nothing is looked at any more (45001); above a type's own size it is 40006."""


def upload(world: World, call: Call) -> Answer:
    """POST /cgi-bin/media/upload?type=…, a form with the file as `media`."""
    kind, file, content_type = read(call)
    media_id = world.media.store(kind, content_type, file.name, file.content, call.now)
    name = "thumb_media_id" if kind == "thumb" else "media_id"
    return {"type": kind, name: media_id, "created_at": int(call.now)}


def get(world: World, call: Call) -> Answer | Document:
    """GET /cgi-bin/media/get: the bytes; for a video an address to have them from."""
    media = world.media.find(call.asked("media_id", 41006), call.now)
    if media is None:
        raise Refused(40007)
    if media.kind == "video":
        return {"video_url": address(call, media.media_id)}
    return document(media)


def get_voice(world: World, call: Call) -> Document:
    """GET /cgi-bin/media/get/jssdk: a recording made on a web page; here in the quality it came in."""
    media = world.media.find(call.asked("media_id", 41006), call.now)
    if media is None or media.kind != "voice":
        raise Refused(40007)
    return document(media)


def name_video(world: World, call: Call) -> Answer:
    """POST /cgi-bin/media/uploadvideo: the same video under a media_id of its own with the title a mass message shows."""
    media = world.media.find(call.text("media_id", 40007), call.now)
    if media is None or media.kind != "video":
        raise Refused(40007)
    name = str(call.body.get("title") or media.name)
    return {
        "type": "video",
        "media_id": world.media.store("video", media.content_type, name, media.content, call.now),
        "created_at": int(call.now),
    }


def upload_picture(world: World, call: Call) -> Answer:
    """POST /cgi-bin/media/uploadimg: a picture for the inside of an article; jpg or png below 1 MB. It stays and counts as no material."""
    file = file_of(call)
    content_type = kind_of(file.content)
    if content_type not in ("image/png", "image/jpeg"):
        raise Refused(40005)
    if len(file.content) >= MEGABYTE:
        raise Refused(40009)
    return {"url": address(call, world.media.keep("picture", content_type, file.name, file.content, call.now))}


def read(call: Call) -> tuple[str, Upload, str]:
    """What was uploaded as the kind the query says: the kind, the file, and the type its first bytes show."""
    kind = call.query.get("type") or str(call.body.get("type"))
    if kind not in TYPES:
        raise Refused(40004)
    file = file_of(call)
    if len(file.content) > MOST:
        raise Refused(45001)
    if (content_type := kind_of(file.content)) not in TYPES[kind]:
        raise Refused(40005)
    if len(file.content) > SIZES[kind]:
        raise Refused(40006)
    return kind, file, content_type


def file_of(call: Call) -> Upload:
    """The form's file, which must have a name and something in it."""
    file = call.files.get("media")
    if file is None or not file.name:
        raise Refused(41005)
    if not file.content:
        raise Refused(44001)
    return file


def document(media: Media) -> Document:
    """The medium as a download."""
    extension = EXTENSIONS.get(media.content_type, "bin")  # a follower may send what the account could not upload
    name = f'attachment; filename="{media.media_id}.{extension}"'
    return Document(media.content, media.content_type, headers=(("content-disposition", name),))


def address(call: Call, media_id: str) -> str:
    """Where a browser gets the medium from: this simulator, in place of the platform's picture servers."""
    return f"{call.origin}/_sim/media/{media_id}"


TABLE: Table = {
    "/cgi-bin/media/upload": Endpoint(upload, "POST", daily=100_000, takes="form"),
    "/cgi-bin/media/get": Endpoint(get, "GET", daily=200_000),
    "/cgi-bin/media/get/jssdk": Endpoint(get_voice, "GET", daily=200_000),
    "/cgi-bin/media/uploadvideo": Endpoint(name_video, "POST"),
    "/cgi-bin/media/uploadimg": Endpoint(upload_picture, "POST", daily=100_000, takes="form"),
}
