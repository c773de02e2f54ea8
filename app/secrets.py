"""What the environment holds and no file may."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from app.complaint import BadConfig, Complaint

PREVIOUS_UNTIL = "YIZHAN_PREVIOUS_UNTIL"
_ZONE = ZoneInfo("Asia/Shanghai")  # a day without a zone is one of the platform's


@dataclass(frozen=True, repr=False)
class Secrets:
    """What the environment holds and no file may: None where it is not set. Its repr shows only which are set.

    `database_url` is taken as it was given: unlike `database` in config.yaml, a relative SQLite path in it begins at the working directory.
    """

    app_secret: str | None = None
    token: str | None = None
    encoding_aes_key: str | None = None
    database_url: str | None = None
    token_previous: str | None = None
    encoding_aes_key_previous: str | None = None
    previous_until: datetime | None = None  # given exactly when one of the two before it is

    def __repr__(self) -> str:
        known = (f"{field.name}={'***' if getattr(self, field.name) else None}" for field in fields(self))
        return f"Secrets({', '.join(known)})"


class MissingSecrets(Exception):
    """The environment lacks what this account needs. `names` are the variables."""

    def __init__(self, names: list[str]) -> None:
        super().__init__("、".join(names))
        self.names = names


def secrets(environ: Mapping[str, str]) -> Secrets:
    """The secrets of the environment, each from NAME or from the file that NAME_FILE names. Raises BadConfig with every error."""
    complaints: list[Complaint] = []

    def secret(name: str) -> str | None:
        return _secret(environ, name, complaints)

    token_previous, key_previous = secret("YIZHAN_TOKEN_PREVIOUS"), secret("YIZHAN_ENCODING_AES_KEY_PREVIOUS")
    found = Secrets(
        secret("YIZHAN_APP_SECRET"),
        secret("YIZHAN_TOKEN"),
        secret("YIZHAN_ENCODING_AES_KEY"),
        secret("YIZHAN_DATABASE_URL"),
        token_previous,
        key_previous,
        _until(environ, bool(token_previous or key_previous), complaints),
    )
    if complaints:
        raise BadConfig(complaints)
    return found


def _until(environ: Mapping[str, str], needed: bool, complaints: list[Complaint]) -> datetime | None:
    """When the previous keys end: at this instant, or with this day."""
    written = (environ.get(PREVIOUS_UNTIL) or "").strip()
    if not written and not needed:
        return None
    until = _instant(written)
    if until is None:
        how = "2026-12-01 或/or 2026-12-01T18:00+08:00"
        zh = f"给了旧的 Token 或 EncodingAESKey，就要写明用到什么时候：{how}" if not written else f"看不懂“{written}”，请写成 {how}"
        en = f"a previous key needs an end: {how}" if not written else f"cannot read {written!r}, write {how}"
        complaints.append(Complaint(PREVIOUS_UNTIL, 0, 0, zh, en))
    elif not needed:
        zh = "没有给旧的密钥：设置 YIZHAN_TOKEN_PREVIOUS 或 YIZHAN_ENCODING_AES_KEY_PREVIOUS，或者去掉这一项"
        en = "there is no previous key: set YIZHAN_TOKEN_PREVIOUS or YIZHAN_ENCODING_AES_KEY_PREVIOUS, or unset this"
        complaints.append(Complaint(PREVIOUS_UNTIL, 0, 0, zh, en))
    return until


def _instant(written: str) -> datetime | None:
    """The instant, or the end of the day; None for anything else, a time of day without its zone included."""
    try:
        if len(written) == len("2026-12-01"):
            return datetime.combine(date.fromisoformat(written) + timedelta(days=1), time(), _ZONE)
        at = datetime.fromisoformat(written)
    except (ValueError, OverflowError):
        return None
    return at if at.tzinfo is not None else None


def _secret(environ: Mapping[str, str], name: str, complaints: list[Complaint]) -> str | None:
    # Compose files set what is not given to "": that is not set.
    value, file = environ.get(name) or None, environ.get(f"{name}_FILE") or None
    if file is None:
        return value
    if value is not None:
        zh, en = f"{name} 和 {name}_FILE 只能设置一个", f"set either {name} or {name}_FILE, not both"
    else:
        try:
            if text := Path(file).read_text("utf-8").rstrip("\r\n"):
                return text
            zh, en = "文件是空的", "the file is empty"
        except (OSError, ValueError):
            zh, en = f"读不了文件 {file}", f"cannot read the file {file}"
    complaints.append(Complaint(f"{name}_FILE", 0, 0, zh, en))
    return None
