"""Comments under articles that were sent: opened and closed, listed, elected, answered, deleted."""

from typing import Any

from simulator.articles import Article, Comment
from simulator.call import Answer, Call, Endpoint, Table
from simulator.errors import Refused
from simulator.world import World

MOST = 50
REPLY_LIMIT = 600
ELECTED_MOST = 100
KINDS = {0: (False, True), 1: (False,), 2: (True,)}
"""Which comments a list's `type` wants: all, those not elected, the elected."""


def open_comments(world: World, call: Call) -> Answer:
    """POST /cgi-bin/comment/open."""
    _article(world, call).commentable = True
    return {"errcode": 0, "errmsg": "ok"}


def close_comments(world: World, call: Call) -> Answer:
    """POST /cgi-bin/comment/close."""
    _article(world, call).commentable = False
    return {"errcode": 0, "errmsg": "ok"}


def list_page(world: World, call: Call) -> Answer:
    """POST /cgi-bin/comment/list: fewer than 50 at once."""
    begin, size, kind = call.number("begin", 88010), call.number("count", 88010), call.number("type", 88010)
    if begin < 0 or not 0 < size < MOST or kind not in KINDS:
        raise Refused(88010)
    comments = [comment for comment in _article(world, call).comments if comment.elected in KINDS[kind]]
    page = [_shown(comment) for comment in comments[begin : begin + size]]
    return {"errcode": 0, "errmsg": "ok", "total": len(comments), "comment": page}


def elect(world: World, call: Call) -> Answer:
    """POST /cgi-bin/comment/markelect."""
    if sum(comment.elected for comment in _article(world, call).comments) >= ELECTED_MOST:
        raise Refused(88003)
    _comment(world, call).elected = True
    return {"errcode": 0, "errmsg": "ok"}


def unelect(world: World, call: Call) -> Answer:
    """POST /cgi-bin/comment/unmarkelect."""
    _comment(world, call).elected = False
    return {"errcode": 0, "errmsg": "ok"}


def delete(world: World, call: Call) -> Answer:
    """POST /cgi-bin/comment/delete."""
    _article(world, call).comments.remove(_comment(world, call))
    return {"errcode": 0, "errmsg": "ok"}


def answer(world: World, call: Call) -> Answer:
    """POST /cgi-bin/comment/reply/add: one answer for each comment."""
    comment = _comment(world, call)
    text = call.body.get("content")
    if not isinstance(text, str) or not 0 < len(text) <= REPLY_LIMIT:
        raise Refused(88007)
    if comment.reply is not None:
        raise Refused(88005)
    comment.reply = text, call.now
    return {"errcode": 0, "errmsg": "ok"}


def take_answer_back(world: World, call: Call) -> Answer:
    """POST /cgi-bin/comment/reply/delete."""
    comment = _comment(world, call)
    if comment.reply is None:
        raise Refused(88006)
    comment.reply = None
    return {"errcode": 0, "errmsg": "ok"}


def _article(world: World, call: Call) -> Article:
    publication = world.articles.sent(call.body.get("msg_data_id"))
    place = call.number("index", 88001, 0)
    if publication is None or not 0 <= place < len(publication.articles):
        raise Refused(88001)
    return publication.articles[place]


def _comment(world: World, call: Call) -> Comment:
    wanted = call.number("user_comment_id", 88008)
    found = next((comment for comment in _article(world, call).comments if comment.number == wanted), None)
    if found is None:
        raise Refused(88008)
    return found


def _shown(comment: Comment) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "user_comment_id": comment.number,
        "openid": comment.openid,
        "create_time": int(comment.at),
        "content": comment.text,
        "comment_type": int(comment.elected),
    }
    if comment.reply is not None:
        shown["reply"] = {"content": comment.reply[0], "create_time": int(comment.reply[1])}
    return shown


TABLE: Table = {
    "/cgi-bin/comment/open": Endpoint(open_comments, "POST"),
    "/cgi-bin/comment/close": Endpoint(close_comments, "POST"),
    "/cgi-bin/comment/list": Endpoint(list_page, "POST"),
    "/cgi-bin/comment/markelect": Endpoint(elect, "POST"),
    "/cgi-bin/comment/unmarkelect": Endpoint(unelect, "POST"),
    "/cgi-bin/comment/delete": Endpoint(delete, "POST"),
    "/cgi-bin/comment/reply/add": Endpoint(answer, "POST"),
    "/cgi-bin/comment/reply/delete": Endpoint(take_answer_back, "POST"),
}
