"""Mass messages: to all, to a tag, to a list; previews, deletion, status, speed. Facts: the official page Batch_Sends and its neighbours."""

import hashlib
from collections.abc import Sequence
from typing import Any

import orjson

from simulator import errors, mass_jobs
from simulator.articles import Draft
from simulator.call import Answer, Call, Endpoint, Table
from simulator.conversation import Message
from simulator.crowd import Follower
from simulator.errors import Refused
from simulator.mass_jobs import Job
from simulator.reply import TEXT_LIMIT
from simulator.world import World

FEWEST, MOST = 2, 10_000
CLIENTMSGID_LIMIT = 32  # bytes; older pages and clients say 64
PICTURES = 20
PREVIEWS_BY_NAME = "/cgi-bin/message/mass/preview (towxname)"
SCOPE = ("filter", "touser", "msgtype", "mpnews", "text", "voice", "image", "images", "mpvideo", "video")
"""What the default clientmsgid is a digest of: who gets it and what it is."""


def send_to_group(world: World, call: Call) -> Answer:
    """POST /cgi-bin/message/mass/sendall: to all, or to those who carry a tag."""
    chosen = call.body.get("filter")
    if not isinstance(chosen, dict):
        raise Refused(40035)
    if chosen.get("is_to_all") is True:
        return _submit(world, call, [follower for follower in world.crowd if follower.subscribed], to_all=True)
    tag_id = _number(chosen.get("tag_id", chosen.get("group_id")))  # group_id is what clients from before the tags still send
    if tag_id not in world.crowd.tags:
        raise Refused(40152)
    return _submit(world, call, [follower for follower in world.crowd if follower.subscribed and tag_id in follower.tag_ids])


def send_to_list(world: World, call: Call) -> Answer:
    """POST /cgi-bin/message/mass/send: to 2 to 10,000 openids. Those who do not follow are filtered, strangers refused."""
    openids = call.body.get("touser")
    if not isinstance(openids, list):
        raise Refused(40031)
    if len(openids) < FEWEST:
        raise Refused(40130)
    if len(openids) > MOST:
        raise Refused(40032)
    found = [world.crowd.find(openid) for openid in openids]
    if None in found:
        raise Refused(40031)
    unique = {follower.openid: follower for follower in found if follower}
    return _submit(world, call, [follower for follower in unique.values() if follower.subscribed], total=len(unique))


def preview(world: World, call: Call) -> Answer:
    """POST /cgi-bin/message/mass/preview: to one follower at once, outside every monthly limit; 100 a day by WeChat name."""
    if isinstance(name := call.body.get("towxname"), str) and name:
        follower = next((one for one in world.crowd if one.name == name and one.subscribed), None)
        if follower is None:
            raise Refused(40132)
        world.quotas.spend(PREVIEWS_BY_NAME, 100)
    else:
        follower = world.crowd.find(call.text("touser", 40003))
        if follower is None:
            raise Refused(40003)
    if not follower.subscribed:
        raise Refused(43004)
    _, messages, draft = _content(world, call)
    if draft is not None:
        messages = [_preview_of(draft)]
    for message in messages:
        world.conversations.add(follower.openid, "account", {**message, "via": "preview"})
    call.note |= {"delivered": True}
    return {"errcode": 0, "errmsg": "preview success", "msg_id": world.mass.new_id()}


def status(world: World, call: Call) -> Answer:
    """POST /cgi-bin/message/mass/get: the two fields the real one gives, no counts."""
    job = _job(world, call)
    return {"msg_id": job.msg_id, "msg_status": job.status}


def delete(world: World, call: Call) -> Answer:
    """POST /cgi-bin/message/mass/delete: the pages of what was sent cannot be read any more; the cards stay on the phones."""
    job = _job(world, call) if call.body.get("msg_id") is not None else _job_with(world, call.text("url", 40059))
    if job.status != "SEND_SUCCESS" or job.kind not in mass_jobs.DELETABLE:
        raise Refused(40065)
    place = call.number("article_idx", 40060, 0)
    articles = job.publication.articles if job.publication else []
    if place < 0 or place > max(1, len(articles)):
        raise Refused(40060)
    for article in articles[place - 1 : place] if place else articles:
        article.deleted = True
    if job.publication is None or job.publication.deleted:
        job.status = "DELETE"
    return {"errcode": 0, "errmsg": "ok"}


def speed(world: World, call: Call) -> Answer:
    """/cgi-bin/message/mass/speed/get; realspeed is in ten thousand messages a minute."""
    return {"errcode": 0, "errmsg": "ok", "speed": world.mass.speed, "realspeed": mass_jobs.REAL_SPEEDS[world.mass.speed]}


def set_speed(world: World, call: Call) -> Answer:
    """POST /cgi-bin/message/mass/speed/set: 0 is the fastest, 4 the slowest."""
    wanted = call.number("speed", 45084)
    if not 0 <= wanted < len(mass_jobs.REAL_SPEEDS):
        raise Refused(45083)
    world.mass.speed = wanted
    return {"errcode": 0, "errmsg": "ok"}


def _preview_of(draft: Draft) -> Message:
    """A draft as a chat shows it; its pages do not exist yet."""
    titles = [{"title": item["title"], "description": item["digest"]} for item in draft.items]
    pictures = [{"picture": mass_jobs.picture(item), "url": ""} for item in draft.items]
    return {"type": "news", "articles": [title | picture for title, picture in zip(titles, pictures, strict=True)]}


def _submit(world: World, call: Call, audience: Sequence[Follower], to_all: bool = False, total: int | None = None) -> Answer:
    """The job is under way, unless the same one was submitted before."""
    kind, messages, draft = _content(world, call)
    clientmsgid = _clientmsgid(call)
    if known := world.mass.earlier(clientmsgid, call.now):
        msg_id, at = known
        too_fast = call.now - at < world.settings.mass.repeat_wait
        call.note |= {"repeat": True}
        return (
            errors.body(Refused(45066), world.ids.rid(call.now))
            if too_fast
            else {**errors.body(Refused(45065), world.ids.rid(call.now)), "msg_id": msg_id}
        )
    if to_all:
        world.mass.spend_to_all(call.now)
    job = Job(world.mass.new_id(), kind, audience, len(audience) if total is None else total, call.origin, call.now, messages, draft)
    job.msg_data_id = world.articles.new_data_id() if draft else 0
    world.mass.jobs[job.msg_id] = job
    world.mass.remember(clientmsgid, job.msg_id, call.now)
    world.jobs.start(mass_jobs.deliver(world, job, to_all))
    call.note |= {"msgid": job.msg_id, "audience": len(audience)}
    answer = {"errcode": 0, "errmsg": "send job submission success", "msg_id": job.msg_id}
    return {**answer, "msg_data_id": job.msg_data_id} if draft else answer


def _clientmsgid(call: Call) -> str:
    given = call.body.get("clientmsgid")
    if isinstance(given, str) and given:
        if len(given.encode()) > CLIENTMSGID_LIMIT:
            raise Refused(45067)
        return given
    scope = {name: call.body.get(name) for name in SCOPE}
    return hashlib.sha256(orjson.dumps(scope, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _content(world: World, call: Call) -> tuple[str, list[Message], Draft | None]:
    """What the body's msgtype and its branch say: the type, the messages of a chat, and the draft whose articles they will be."""
    kind = call.text("msgtype", 40008)
    if kind == "wxcard":
        raise Refused(45113)
    if kind == "mpnews":
        draft = world.articles.drafts.get(str(_branch(call, "mpnews").get("media_id")))
        if draft is None:
            raise Refused(40007)
        return kind, [], draft
    if kind == "text":
        return kind, [_text(_branch(call, "text"))], None
    if kind == "voice":
        return kind, [_medium(world, call, "voice", _branch(call, "voice"))], None
    if kind == "image":
        return kind, _pictures(world, call), None
    if kind in ("mpvideo", "video"):  # the page of mass/send names the type video and the branch mpvideo
        branch = _branch(call, "mpvideo" if "mpvideo" in call.body else kind)
        words = {name: str(branch.get(name, "")) for name in ("title", "description")}
        return "mpvideo", [{**_medium(world, call, "video", branch), **words}], None
    raise Refused(45162)


def _branch(call: Call, name: str) -> dict[str, Any]:
    branch = call.body.get(name)
    if not isinstance(branch, dict):
        raise Refused(44004)
    return branch


def _text(branch: dict[str, Any]) -> Message:
    text = branch.get("content")
    if not isinstance(text, str) or not text.strip():
        raise Refused(44004)
    if len(text.encode()) > TEXT_LIMIT:
        raise Refused(45002)
    return {"type": "text", "text": text}


def _pictures(world: World, call: Call) -> list[Message]:
    """`images` with a list of media and a recommendation; `image` with one, as older clients and the preview have it."""
    if "images" not in call.body:
        return [_medium(world, call, "image", _branch(call, "image"))]
    branch = _branch(call, "images")
    media_ids = branch.get("media_ids")
    if not isinstance(media_ids, list) or not 1 <= len(media_ids) <= PICTURES:
        raise Refused(40215)
    pictures = [_medium(world, call, "image", {"media_id": media_id}) for media_id in media_ids]
    words = branch.get("recommend")
    return [{"type": "text", "text": words}, *pictures] if isinstance(words, str) and words else pictures


def _medium(world: World, call: Call, kind: str, branch: dict[str, Any]) -> Message:
    media = world.media.find(branch.get("media_id"), call.now)
    if media is None or media.kind != kind:
        raise Refused(40007)
    return {"type": kind, "media_id": media.media_id, "url": f"/_sim/media/{media.media_id}"}


def _job(world: World, call: Call) -> Job:
    job = world.mass.jobs.get(_number(call.body.get("msg_id")))
    if job is None:
        raise Refused(40059)
    return job


def _job_with(world: World, url: str) -> Job:
    for job in world.mass.jobs.values():
        if job.publication and url in job.publication.urls():
            return job
    raise Refused(40059)


def _number(value: object) -> int:
    """An id that the official pages show as a number here and as a string there; -1 for anything else."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else -1


TABLE: Table = {
    "/cgi-bin/message/mass/sendall": Endpoint(send_to_group, "POST", daily=100),
    "/cgi-bin/message/mass/send": Endpoint(send_to_list, "POST", daily=100),
    "/cgi-bin/message/mass/preview": Endpoint(preview, "POST"),
    "/cgi-bin/message/mass/get": Endpoint(status, "POST"),
    "/cgi-bin/message/mass/delete": Endpoint(delete, "POST"),
    "/cgi-bin/message/mass/speed/get": Endpoint(speed, "ANY", takes="any"),
    "/cgi-bin/message/mass/speed/set": Endpoint(set_speed, "POST"),
}
