"""The account's own affairs: customer-service sessions, what becomes of followers' data, the account's certification."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from wechat.inbound.fields import Content, Fields, number, text


@dataclass(frozen=True, slots=True)
class KfCreateSession(Content):
    """A person of the customer service took over."""

    kf_account: str


@dataclass(frozen=True, slots=True)
class KfCloseSession(Content):
    """That conversation is over."""

    kf_account: str


@dataclass(frozen=True, slots=True)
class KfSwitchSession(Content):
    """It was handed from one to another."""

    from_kf_account: str
    to_kf_account: str


@dataclass(frozen=True, slots=True)
class UserData(Content):
    """The platform tells that data about a user must be read anew or deleted; what the codes in `revoke_info` stand for is not documented."""

    openid: str
    union_id: str
    app_id: str
    revoke_info: str


@dataclass(frozen=True, slots=True)
class UserInfoModified(UserData):
    """They changed their profile."""


@dataclass(frozen=True, slots=True)
class UserAuthorizationRevoke(UserData):
    """They took an authorisation back."""


@dataclass(frozen=True, slots=True)
class UserAuthorizationCancellation(UserData):
    """They closed their WeChat account."""


@dataclass(frozen=True, slots=True)
class Verified(Content):
    """Certification, until `expired_time` (Unix seconds)."""

    expired_time: int | None


@dataclass(frozen=True, slots=True)
class QualificationVerifySuccess(Verified):
    """The papers are in order; the API is open from now on."""


@dataclass(frozen=True, slots=True)
class NamingVerifySuccess(Verified):
    """The name is approved: the account is certified."""


@dataclass(frozen=True, slots=True)
class AnnualRenew(Verified):
    """The yearly renewal is due."""


@dataclass(frozen=True, slots=True)
class VerifyExpired(Verified):
    """The certification has run out."""


@dataclass(frozen=True, slots=True)
class NotVerified(Content):
    """A certification failed at `fail_time` (Unix seconds)."""

    fail_time: int | None
    fail_reason: str


@dataclass(frozen=True, slots=True)
class QualificationVerifyFail(NotVerified):
    """The papers were refused."""


@dataclass(frozen=True, slots=True)
class NamingVerifyFail(NotVerified):
    """The name was refused."""


def _user_data(kind: type[UserData]) -> Callable[[Fields], Content]:
    # The official page writes OpenID, SKIT's sample openid.
    return lambda f: kind(text(f, "OpenID", "openid"), text(f, "UnionID", "unionid"), text(f, "AppID", "appid"), text(f, "RevokeInfo"))


def _verified(kind: type[Verified]) -> Callable[[Fields], Content]:
    return lambda f: kind(number(f, "ExpiredTime"))


def _not_verified(kind: type[NotVerified]) -> Callable[[Fields], Content]:
    return lambda f: kind(number(f, "FailTime"), text(f, "FailReason"))


READERS: Mapping[str, Callable[[Fields], Content]] = {
    "kf_create_session": lambda f: KfCreateSession(text(f, "KfAccount")),
    "kf_close_session": lambda f: KfCloseSession(text(f, "KfAccount")),
    "kf_switch_session": lambda f: KfSwitchSession(text(f, "FromKfAccount"), text(f, "ToKfAccount")),
    "user_info_modified": _user_data(UserInfoModified),
    "user_authorization_revoke": _user_data(UserAuthorizationRevoke),
    "user_authorization_cancellation": _user_data(UserAuthorizationCancellation),
    "qualification_verify_success": _verified(QualificationVerifySuccess),
    "naming_verify_success": _verified(NamingVerifySuccess),
    "annual_renew": _verified(AnnualRenew),
    "verify_expired": _verified(VerifyExpired),
    "qualification_verify_fail": _not_verified(QualificationVerifyFail),
    "naming_verify_fail": _not_verified(NamingVerifyFail),
}
