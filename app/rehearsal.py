"""What would happen, without it happening: a message heard by a version of the file, on a connection whose owner rolls it back.

`yizhan try`, the tests of a file, `yizhan replay` and the console's try page all ask here, and all go through routing.hear.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from app.spoken import call_media_by_name, choices_of, kind_of, shown, standing
from handlers import button, routing
from handlers.menu import MenuSection, Placed
from handlers.routing import Context
from models import follower
from models.config import Config
from models.database import undone_on_error
from wechat import inbound
from wechat.inbound import Inbound
from wechat.reply import Reply

if TYPE_CHECKING:
    from app.live import Version

NOBODY = "oTryTryTryTryTryTryTryTryTry"

# What a message of each type carries where nobody says what.
SENT: Mapping[str, Mapping[str, str]] = {
    "image": {"PicUrl": "https://example.com/p.jpg", "MediaId": "MEDIA"},
    "voice": {"MediaId": "MEDIA", "Format": "amr"},
    "video": {"MediaId": "MEDIA", "ThumbMediaId": "MEDIA"},
    "shortvideo": {"MediaId": "MEDIA", "ThumbMediaId": "MEDIA"},
    "location": {"Location_X": "31.23", "Location_Y": "121.47", "Scale": "15", "Label": "上海"},
    "link": {"Title": "链接", "Description": "", "Url": "https://example.com"},
}


@dataclass(frozen=True)
class Tried:
    """What a message would lead to."""

    heard: str  # what was compared with the rules
    reply: str | None  # as a person reads it; None: no reply
    kind: str  # text image voice video music news handoff; "" where there is no reply
    rule: str | None  # what answered, as the inbox has it: `keywords:营业时间`
    place: str | None  # its `config.yaml:12`; None too where nobody asked for an explanation
    steps: Sequence[tuple[str, str | None]]  # how it came to that, each with the place in the file that it is about
    follow_ups: Sequence[tuple[timedelta, str]]  # what would be sent later, as a person reads it
    version: str
    choices: Sequence[tuple[str, str]] = ()  # what can be tapped in the reply: words and id
    bug: Exception | None = field(default=None, compare=False)  # a defect of the program stood in the way


class Rehearsal:
    """One follower who says and does things to a version of the file, one after another, at the instants that `now` is set to."""

    def __init__(
        self,
        version: Version,
        db: Connection,
        openid: str = NOBODY,
        *,
        now: datetime,
        luck: float | None = None,
        explaining: bool = True,
    ) -> None:
        self.now = now
        self.luck = luck  # what every chance comes to, in [0, 1); None: what the message's key makes it
        self._version, self._db, self._openid, self._explaining = version, db, openid, explaining
        self._number = 0
        call_media_by_name(db, version.settings.config, now)

    # What a follower does

    def says(self, words: str, choice: str = "") -> Tried:
        """They write, or tap a choice of a menu in the chat (its id is `choice`)."""
        return self._message("text", Content=words, **({"bizmsgmenuid": choice} if choice else {}))

    def sends(self, kind: str, **fields: str) -> Tried:
        """They send a message of another type: image voice video shortvideo location link."""
        return self._message(kind, **{**SENT.get(kind, {}), **fields})

    def presses(self, name: str, result: str = "") -> Tried:
        """They press the button of the menu that has this key, name or path; `result` is what they scan with it.

        What is no button is taken for the key of one that a menu had once.
        """
        placed = pressed(self._version.settings.config, name)
        if placed is None:
            return self.does("click", name)
        wire = button.wire(placed.item, placed.path)
        kind = "view_miniprogram" if wire["type"] == "miniprogram" else str(wire["type"])
        scan = {"ScanCodeInfo": {"ScanType": "qrcode", "ScanResult": result}} if placed.item.scan else {}
        return self.does(kind, str(wire.get("key") or wire.get("url") or ""), **scan)

    def follows(self, scene: str = "") -> Tried:
        """They follow, by the code with this parameter if there is one."""
        return self.does("subscribe", f"qrscene_{scene}" if scene else "")

    def scans(self, scene: str) -> Tried:
        """They scan a code of ours: whoever does not follow yet follows by that."""
        person = follower.find(self._db, self._openid)
        return self.does("SCAN", scene) if person is not None and person.subscribed else self.follows(scene)

    def does(self, event: str, key: str = "", **fields: object) -> Tried:
        """Any event, by the platform's name for it."""
        return self._push(MsgType="event", Event=event, EventKey=key, **fields)

    def _message(self, kind: str, **fields: object) -> Tried:
        return self._push(MsgType=kind, MsgId=str(self._number + 1), **fields)

    def _push(self, **fields: object) -> Tried:
        self._number += 1
        who = {"ToUserName": self._version.settings.account.original_id, "FromUserName": self._openid}
        return self.hears(inbound.read({**who, "CreateTime": str(int(self.now.timestamp())), **fields}))

    # What comes of it

    def hears(self, message: Inbound) -> Tried:
        """What this message leads to, now. What it does to the database stays for the next one; where a bug stopped it, nothing does."""
        try:
            with undone_on_error(self._db):
                ctx, reply = routing.hear(self._db, self._version.routes, message, self.now, explaining=self._explaining, luck=self.luck)
        except Exception as bug:  # the outermost frame of whatever is tried: it tells of the bug instead of dying of it
            said = f"程序出错：{type(bug).__name__}: {bug}"
            return Tried(message.text, None, "", "error", None, [(said, None)], [], self._version.settings.config.version, bug=bug)
        return self._tried(ctx, reply)

    def _tried(self, ctx: Context, reply: Reply | None) -> Tried:
        settings = self._version.settings
        where, said, place = settings.where, shown(reply), None
        steps = [(text, where(at) if at else None) for text, at in ctx.trace or ()]
        later = [(one.after, shown(one.reply) or "") for one in ctx.follow_ups]
        if ctx.trace is not None and ctx.answered_by:
            place = where(standing(settings.config, ctx.answered_by, [at for _, at in ctx.trace if at]))
        return Tried(
            ctx.text, said, kind_of(reply) if said else "", ctx.answered_by, place, steps, later, settings.config.version, choices_of(reply)
        )


def pressed(config: Config, name: str) -> Placed | None:
    """The menu's button with this key, path (`会员/签到`) or name; None where no button has it."""
    section = config.get(MenuSection)
    placed = list(section.placed()) if section else []
    found = [one for one in placed if name == one.key] or [one for one in placed if name in (one.path, one.item.name)]
    return found[0] if found else None
