"""A reply of the operator's as it is said to one follower now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import accumulate

from handlers.replies.variables import words
from handlers.replies.written import Level, Line, ReplyWith, Weighted
from handlers.routing import Context, FollowUp
from models import condition, conversation, media, tally
from models.media import Kind, MediaSection
from wechat import reply
from wechat.reply import Reply

SOFT = frozenset({"choices", "faq", "polls"})  # whose questions may be left unanswered: another menu takes the floor from them
LISTENS_FOR = timedelta(minutes=10)  # to numbers, after a menu was last used; a tap is good for as long as what it leads to stands


def say(given: str | ReplyWith, ctx: Context) -> Reply:
    """The operator's reply with its placeholders filled; what follows it is on the context. A blank text says nothing."""
    if isinstance(given, str):
        return reply.Text(words(given, ctx))
    first = _say(given, ctx)
    for one in given.then or ():
        ctx.explain(f"{one.after} 以后用客服消息再说一条")
        ctx.follow_ups.append(FollowUp(one.delay, _say(one.reply, ctx, later=True)))
    return first


def _say(given: str | ReplyWith, ctx: Context, later: bool = False) -> Reply:
    """`later`: it is said by customer-service message, where a medium is named as in the file."""
    if isinstance(given, str):
        return reply.Text(words(given, ctx))
    if given.text is not None:
        return reply.Text(words(given.text, ctx))
    if given.lines is not None:
        return reply.Text(_lines(given, ctx))
    if given.menu is not None:
        return present(Level.top(given.menu), ctx)
    if given.news is not None:
        return reply.News(tuple(reply.Article(words(a.title, ctx), words(a.description, ctx), a.picture, a.url) for a in given.news))
    if given.handoff is not None:
        return reply.Handoff("" if given.handoff is True else str(given.handoff))
    if given.in_turn is not None or given.any_of is not None:
        chosen = _chosen(given, ctx)
        return _say(chosen, ctx, later) if later else say(chosen, ctx)
    return _with_a_file(given, ctx, later)


def _lines(given: ReplyWith, ctx: Context) -> str:
    found = []
    for number, line in enumerate(given.lines or (), 1):
        text: str | None = line if isinstance(line, str) else line.text
        if isinstance(line, Line):
            unmet = condition.unmet(line.when, f"{given.digest}:{number}", ctx.circumstances)
            if unmet is not None:
                ctx.explain(f"第 {number} 行的条件不符合：{unmet}")
                text = line.otherwise
        if text is not None:
            found.append(words(text, ctx))
    if not found:
        ctx.explain("没有一行的条件符合：什么也不回复")
    return "\n".join(found)


def _chosen(given: ReplyWith, ctx: Context) -> str | ReplyWith:
    """The next one in turn, or one by chance."""
    if given.in_turn is not None:
        time = tally.count(ctx.db, ctx.follower.id, tally.subject("turn", given.digest))
        place = (time - 1) % len(given.in_turn)
        ctx.explain(f"轮流回复：第 {time} 次，用第 {place + 1} 条")
        return given.in_turn[place]
    every = given.any_of or ()
    sums = list(accumulate(one.weight if isinstance(one, Weighted) else 1 for one in every))
    drawn = ctx.chance(f"any_of:{given.digest}") * sums[-1]
    place = next((place for place, up_to in enumerate(sums) if drawn < up_to), len(sums) - 1)
    ctx.explain(f"随机回复：{len(sums)} 条里用第 {place + 1} 条")
    one = every[place]
    return one.reply if isinstance(one, Weighted) else one


def present(level: Level, ctx: Context) -> reply.Text:
    """The menu is shown, and what they say next may be the number of a choice."""
    if may_take_the_floor(ctx):
        conversation.take_floor(ctx.db, ctx.follower.id, "choices", level.id, ctx.now)
    return reply.Text(level.text(words(level.menu.title, ctx), words(level.end, ctx)))


def may_take_the_floor(ctx: Context) -> bool:
    """Whether nobody waits for an answer.

    Whoever has the floor heard what was written before anybody else did, and does not wait any more unless they say so. A button or a tap
    went past it: a survey goes on waiting.
    """
    floor = conversation.floor(ctx.db, ctx.follower.id)
    if floor is None or floor.feature in SOFT:
        return True
    went_past = ctx.inbound.type == "event" or bool(ctx.inbound.fields.get("bizmsgmenuid"))
    feature, _ = ctx.routes.floors.get(floor.feature, (None, None))
    return not went_past and (feature is None or not feature.keeps(floor.subject))


def still_listens(ctx: Context) -> bool:
    """Whether a number that they say now may mean a line of the menu that has the floor."""
    since = conversation.since(ctx.db, ctx.follower.id)
    return since is not None and ctx.now < since + LISTENS_FOR


def _with_a_file(given: ReplyWith, ctx: Context, later: bool) -> Reply:
    if given.image is not None:
        return _medium(ctx, "image", given.image.media_id, reply.Image, later)
    if given.voice is not None:
        return _medium(ctx, "voice", given.voice.media_id, reply.Voice, later)
    if given.video is not None:
        title, description = words(given.video.title, ctx), words(given.video.description, ctx)
        return _medium(ctx, "video", given.video.media_id, lambda media_id: reply.Video(media_id, title, description), later)
    assert given.music is not None  # the only kind that is left
    m = given.music
    title, description = words(m.title, ctx), words(m.description, ctx)
    return _medium(ctx, "thumb", m.thumb_media_id, lambda cover: reply.Music(title, description, m.url, m.hq_url, cover), later)


def _medium(ctx: Context, kind: Kind, name: str, made: Callable[[str], Reply], later: bool) -> Reply:
    """The reply with the platform's copy of that medium; where there is none yet, nothing now, and it follows when it was uploaded."""
    section = ctx.config.get(MediaSection)
    medium = section.root.get(name) if section else None
    if medium is None or later:
        return made(name)
    copy = media.living(ctx.db, medium, kind, ctx.now)
    if copy is not None:
        return made(copy)
    ctx.explain(f"“{name}”还没有传到微信：传好以后用客服消息发出")
    ctx.follow_ups.append(FollowUp(timedelta(0), made(name)))
    return reply.Text("")
