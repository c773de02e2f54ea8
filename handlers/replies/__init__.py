"""What an operator may reply with in YAML, and how it becomes what the platform understands."""

from __future__ import annotations

from handlers.replies.chat_menu import meant, shown
from handlers.replies.checks import check, may_be_media_id
from handlers.replies.said import SOFT, may_take_the_floor, present, say, still_listens
from handlers.replies.spoken import Kind, Spoken, every, held
from handlers.replies.variables import NAMES, ReplyText, quoted, words
from handlers.replies.written import ChatMenu, Choice, Level, ReplyWith, Then

__all__ = [
    "NAMES",
    "SOFT",
    "ChatMenu",
    "Choice",
    "Kind",
    "Level",
    "ReplyText",
    "ReplyWith",
    "Spoken",
    "Then",
    "check",
    "every",
    "held",
    "may_be_media_id",
    "may_take_the_floor",
    "meant",
    "present",
    "quoted",
    "say",
    "shown",
    "still_listens",
    "words",
]
