"""The files that `media:` names: found beside the file that names them, looked at, and known by their content from then on."""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic_core import PydanticCustomError

from app.config_document import Document
from models import media

_MOST = max(media.MOST.values())


def read(path: str) -> bytes:
    """The content of a file that was found good, and no more of it than a good one has. Raises OSError."""
    with open(path, "rb") as file:
        return file.read(_MOST + 1)


def understand(document: Document) -> None:
    """Afterwards every entry says what its file is; one that the platform would not take is complained about and taken out."""
    section: Any = document.value.get(media.MediaSection.key)
    for name, written in list(section.items()) if isinstance(section, dict) else ():
        where = (media.MediaSection.key, name)
        medium = _medium(document, where, written)
        if isinstance(medium, media.Medium):
            section[name] = dict(medium)
            document.counts_for(str(name), medium.digest)
        else:
            document.complain(where, *medium)
            del section[name]


def _medium(document: Document, where: tuple[str, Any], written: object) -> media.Medium | tuple[str, str]:
    """The medium, or what is wrong with it (Chinese, English)."""
    if not isinstance(written, str) or not written.strip() or "\0" in written:
        return "这里要写文件的路径，例如 pictures/store.jpg", "write the path of a file here, such as pictures/store.jpg"
    path = Path(document.place(where)[0].name).parent / written
    document.look_after(path)
    try:
        if not path.is_file():
            return _not_there(path, written)
        if (size := path.stat().st_size) > _MOST:
            return (
                f"这个文件有 {media.told(size)}，微信最多收 {media.told(_MOST)}",
                f"this file has {media.told(size)}, the platform takes {media.told(_MOST)} at most",
            )
        return media.understand(os.path.abspath(path), path.read_bytes())
    except OSError as error:
        return f"读不了这个文件：{error.strerror}", f"cannot read this file: {error.strerror}"
    except PydanticCustomError as bad:
        told = bad.context or {}
        return str(told["zh"]), str(told["en"])


def _not_there(path: Path, written: str) -> tuple[str, str]:
    """Words about a file that is none, with the nearest that is one."""
    if path.is_dir():
        return "这是一个文件夹，要写文件的路径", "this is a folder; write the path of a file"
    if path.exists():
        return "这不是普通文件", "this is no regular file"
    beside = os.listdir(path.parent) if path.parent.is_dir() else []
    near = [os.path.join(os.path.dirname(written), name) for name in get_close_matches(path.name, beside, 1, 0.6)]
    zh = f"；你是不是想写 {near[0]}？" if near else "；路径从写着它的文件所在的文件夹算起"
    en = f"; did you mean {near[0]}?" if near else "; paths begin at the folder of the file that names them"
    return f"找不到文件 {written}{zh}", f"there is no file {written}{en}"
