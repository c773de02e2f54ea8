"""Subscription notices: what a follower allowed, refused and got (subscribe_msg_*). Their items are repeated `<List>` siblings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from wechat.inbound.fields import Content, Fields, number, part, parts, text


@dataclass(frozen=True, slots=True)
class Consent(Content):
    """Whether they accept notices of this template: `accept` or `reject`; `popup_scene` tells where they were asked."""

    template_id: str
    subscribe_status_string: str
    popup_scene: int | None

    @property
    def accepted(self) -> bool:
        """Whether a notice of this template may be sent."""
        return self.subscribe_status_string.strip().lower() == "accept"


@dataclass(frozen=True, slots=True)
class SubscribeMsgPopup(Content):
    """They answered when they were asked."""

    items: tuple[Consent, ...]


@dataclass(frozen=True, slots=True)
class SubscribeMsgChange(Content):
    """They changed their mind in the settings; the platform reports refusals only."""

    items: tuple[Consent, ...]


@dataclass(frozen=True, slots=True)
class Notice(Content):
    """What became of one notice: `error_code` 0 is success."""

    template_id: str
    msg_id: str
    error_code: int | None
    error_status: str


@dataclass(frozen=True, slots=True)
class SubscribeMsgSent(Content):
    """Notices were delivered, or not."""

    items: tuple[Notice, ...]


def _consents(f: Fields, name: str) -> tuple[Consent, ...]:
    items = parts(part(f, name), "List")
    return tuple(Consent(text(one, "TemplateId"), text(one, "SubscribeStatusString"), number(one, "PopupScene")) for one in items)


def _notice(f: Fields) -> Notice:
    return Notice(text(f, "TemplateId"), text(f, "MsgID", "MsgId"), number(f, "ErrorCode"), text(f, "ErrorStatus"))


READERS: Mapping[str, Callable[[Fields], Content]] = {
    "subscribe_msg_popup_event": lambda f: SubscribeMsgPopup(_consents(f, "SubscribeMsgPopupEvent")),
    "subscribe_msg_change_event": lambda f: SubscribeMsgChange(_consents(f, "SubscribeMsgChangeEvent")),
    "subscribe_msg_sent_event": lambda f: SubscribeMsgSent(tuple(map(_notice, parts(part(f, "SubscribeMsgSentEvent"), "List")))),
}
