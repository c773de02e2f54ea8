"""What became of what we sent: template messages, mass sends, published articles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from wechat.inbound.fields import Content, Fields, number, numbers, part, parts, text


@dataclass(frozen=True, slots=True)
class TemplateSendJobFinish(Content):
    """A template message was delivered, or not: `status` is `success` or `failed:` and why, with and without blanks in it."""

    msg_id: str
    status: str

    @property
    def succeeded(self) -> bool:
        """Whether the follower has it."""
        return "".join(self.status.split()).lower() == "success"


@dataclass(frozen=True, slots=True)
class CopyrightCheck(Content):
    """What the platform's check for originality says about one article."""

    article_idx: int | None
    user_declare_state: int | None
    audit_state: int | None
    original_article_url: str
    original_article_type: int | None
    can_reprint: int | None
    need_replace_content: int | None
    need_show_reprint_source: int | None


@dataclass(frozen=True, slots=True)
class ArticleUrl(Content):
    """Where one article of a mass send or a publication stands."""

    idx: int | None
    url: str


@dataclass(frozen=True, slots=True)
class MassSendJobFinish(Content):
    """A mass send is nearly complete; the numbers are approximate. `filter_count` is how many were left after filtering."""

    msg_id: str
    status: str  # `send success`, `send fail`, `err(10001)` …
    total_count: int | None
    filter_count: int | None
    sent_count: int | None
    error_count: int | None
    check_state: int | None
    copyright_checks: tuple[CopyrightCheck, ...]
    article_urls: tuple[ArticleUrl, ...]


@dataclass(frozen=True, slots=True)
class PublishJobFinish(Content):
    """A publication ended; `publish_status` 0 is success, and `fail_idx` names the articles that stood in its way."""

    publish_id: str
    publish_status: int | None
    article_id: str
    article_urls: tuple[ArticleUrl, ...]
    fail_idx: tuple[int, ...]


def _mass(f: Fields) -> Content:
    check = part(f, "CopyrightCheckResult")
    urls = parts(part(f, "ArticleUrlResult", "ResultList"), "item")
    return MassSendJobFinish(
        text(f, "MsgID", "MsgId"),
        text(f, "Status").strip(),
        number(f, "TotalCount"),
        number(f, "FilterCount"),
        number(f, "SentCount"),
        number(f, "ErrorCount"),
        number(check, "CheckState"),
        tuple(_check(item) for item in parts(part(check, "ResultList"), "item")),
        tuple(ArticleUrl(number(item, "ArticleIdx"), text(item, "ArticleUrl")) for item in urls),
    )


def _check(item: Fields) -> CopyrightCheck:
    return CopyrightCheck(
        number(item, "ArticleIdx"),
        number(item, "UserDeclareState"),
        number(item, "AuditState"),
        text(item, "OriginalArticleUrl"),
        number(item, "OriginalArticleType"),
        number(item, "CanReprint"),
        number(item, "NeedReplaceContent"),
        number(item, "NeedShowReprintSource"),
    )


def _published(f: Fields) -> Content:
    info = part(f, "PublishEventInfo")
    urls = parts(part(info, "article_detail"), "item")
    return PublishJobFinish(
        text(info, "publish_id"),
        number(info, "publish_status"),
        text(info, "article_id"),
        tuple(ArticleUrl(number(item, "idx"), text(item, "article_url")) for item in urls),
        numbers(info, "fail_idx"),
    )


READERS: Mapping[str, Callable[[Fields], Content]] = {
    "templatesendjobfinish": lambda f: TemplateSendJobFinish(text(f, "MsgID", "MsgId"), text(f, "Status").strip()),
    "masssendjobfinish": _mass,
    # One name in WxJava's samples, the other in SKIT's: the platform's pages do not settle it.
    "publishjobfinish": _published,
    "freepublishjobfinish": _published,
}
