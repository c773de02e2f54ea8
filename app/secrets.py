"""What the environment holds and no file may."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from app.complaint import BadConfig, Complaint


@dataclass(frozen=True, repr=False)
class Secrets:
    """What the environment holds and no file may: None where it is not set. Its repr shows only which are set.

    `database_url` is taken as it was given: unlike `database` in config.yaml, a relative SQLite path in it begins at the working directory.
    """

    app_secret: str | None = None
    token: str | None = None
    encoding_aes_key: str | None = None
    database_url: str | None = None

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
    names = ("YIZHAN_APP_SECRET", "YIZHAN_TOKEN", "YIZHAN_ENCODING_AES_KEY", "YIZHAN_DATABASE_URL")
    found = [_secret(environ, name, complaints) for name in names]
    if complaints:
        raise BadConfig(complaints)
    return Secrets(*found)


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
