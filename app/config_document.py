"""config.yaml and what it includes as one value, and the way back from a location in it to a file, a line and a column."""

from __future__ import annotations

import glob
import hashlib
import os
import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from app.complaint import BadConfig, Complaint, Mark, Seen
from app.nearest import glued, nearest, unknown_key
from app.source import Source, secret_name
from app.yaml_source import MOST_BYTES, parse
from models.config import Location, Problem


class Document:
    """The files as one value, and the way back from a location in it to a file, a line and a column."""

    def __init__(self, path: Path) -> None:
        self.path, self.folder = path, path.parent
        self.files: list[Path] = []
        self.globs: list[str] = []
        self.seen: dict[Path, _Stat] = {}  # every file, as it was before it was read
        self.sources: list[Source] = []
        self.lacking = False  # a file that was to be included is not there
        self.hash = hashlib.sha256()
        self.texts: list[tuple[str, bytes]] = []  # name relative to the folder, content; the main file first
        self.complaints: list[tuple[Source, Mark, str, str]] = []
        main = self._read(path, path.name)
        self.value: dict[Any, Any] = main.value if main.parsed else {}
        # Where a part of the value came from, if not from the same location in the main file.
        self.grafts: dict[Location, tuple[Source, Location]] = {(): (main, ())}
        if not self.complete:
            self.refuse_to_go_on()

    def _read(self, path: Path, hashed_name: str) -> Source:
        name = str(path)
        self.files.append(path)
        self.seen.setdefault(path, _stat(path))
        try:
            with path.open("rb") as file:
                data = file.read(MOST_BYTES + 1)
        except OSError as error:
            source = Source(name)
            zh = "找不到这个文件" if isinstance(error, FileNotFoundError) else f"读不了这个文件：{error.strerror}"
            source.complain((1, 1), zh, f"cannot read this file: {error.strerror}")
        else:
            source = parse(data, name)
            self.hash.update(f"{len(hashed_name)}:{hashed_name}:{len(data)}:".encode() + data)
            self.texts.append((hashed_name, data))
        self.sources.append(source)
        if source.parsed and not isinstance(source.value, dict):
            zh = "文件的最外层要写成“键: 值”，冒号后面有一个空格"
            source.complain(source.beginning(), zh, "the file must be made of `key: value`, with a space after the colon")
            source.parsed = False
        return source

    def look_after(self, path: Path) -> None:
        """A file that the configuration names and somebody else reads: its changes are changes of the configuration."""
        self.files.append(path)
        self.seen.setdefault(path, _stat(path))

    def counts_for(self, name: str, digest: str) -> None:
        """Something that was read belongs to the version."""
        self.hash.update(f"{len(name)}:{name}:{digest}".encode())

    @property
    def complete(self) -> bool:
        """Whether every file could be read: otherwise nothing can be said of what is missing."""
        return not self.lacking and all(source.parsed and source.whole for source in self.sources)

    def version(self) -> str:
        """The same on every machine that has the same files under the same names."""
        return self.hash.hexdigest()[:12]

    def refuse_to_go_on(self) -> None:
        """Raises BadConfig if anything was wrong so far."""
        self._settle()
        found = [complaint for source in self.sources for complaint in source.sealed()]
        if found:
            raise BadConfig(found, self.files, self.globs, self.looked(), self.warned())

    def refuse(self, problems: Iterable[Problem]) -> None:
        """Raises BadConfig if there is any of these, which were found only after everything had been checked."""
        for problem in problems:
            self.complain(problem.where, problem.zh, problem.en, whole=True)
        self.refuse_to_go_on()

    def _settle(self) -> None:
        for source, mark, zh, en in self.complaints:
            source.complain(mark, zh, en)
        self.complaints = []

    def warned(self) -> tuple[Complaint, ...]:
        """The warnings of all files, in the order of files and lines."""
        return tuple(sorted(warning for source in self.sources for warning in source.warned()))

    def flawed(self) -> set[str]:
        """The keys at the top that hold something wrong: nobody can say what the file would have there."""
        self._settle()
        return {key for source in self.sources for key in source.tops(source.complaints)}

    def looked(self) -> Seen:
        """What `look` said of the files just before they were read."""
        return frozenset((str(path), stat) for path, stat in self.seen.items())

    # Places

    def walk(self, location: Iterable[str | int]) -> tuple[Location, tuple[int, ...]]:
        """A location as far as the value has it, and the positions of the parts that it does not have.

        pydantic puts tags of unions and names of validators between the keys, and numbers that are keys as text.
        """
        at: Any = self.value
        found: list[str | int] = []
        skipped: list[int] = []
        for position, part in enumerate(location):
            key = _step(at, part)
            if key is None:
                skipped.append(position)
            else:
                found.append(key)
                at = at[key]
        return tuple(found), tuple(skipped)

    def at(self, location: Location) -> Any:
        """The value there; the location must be one that `walk` found."""
        value: Any = self.value
        for part in location:
            value = value[part]
        return value

    def home(self, location: Location) -> tuple[Source, Location]:
        """The file that a location is in, and its location there."""
        for end in range(len(location), -1, -1):
            if grafted := self.grafts.get(location[:end]):
                source, old = grafted
                return source, old + location[end:]
        raise AssertionError("the root is always grafted")

    def place(self, location: Location) -> tuple[Source, Mark, Mark]:
        """File, key mark and value mark of the deepest known part of the location."""
        source, here = self.home(location)
        return source, *next((marks for end in range(len(here), 0, -1) if (marks := source.places.get(here[:end]))), ((1, 1), (1, 1)))

    def where(self, location: Location) -> str | None:
        """`config.yaml:12`, where the key or list item of this location stands; None where its section is not in the files."""
        if not location or location[0] not in self.value:
            return None
        source, (line, _), _ = self.place(location)
        return f"{source.name}:{line}"

    def complain(self, location: Iterable[str | int], zh: str, en: str, *, key: bool = False, whole: bool = False, word: str = "") -> None:
        """A complaint about a key, about the value behind it, about a value as a whole (a block is named by its key), or about a word in it."""
        source, mark, of_key = self.named(location, key=key, whole=whole)
        mark = source.find(word, mark) if word else mark
        # What YAML said of a value explains whatever its section would say of it.
        if of_key or mark not in source.flawed:
            self.complaints.append((source, mark, zh, en))

    def named(self, location: Iterable[str | int], *, key: bool = False, whole: bool = True) -> tuple[Source, Mark, bool]:
        """File and mark by which this location is named, and whether it is its key's."""
        found, _ = self.walk(location)
        source, key_mark, value_mark = self.place(found)
        of_key = key or (whole and value_mark[0] > key_mark[0] and isinstance(self.at(found), dict | list))
        return source, key_mark if of_key else value_mark, of_key

    def refuse_key(self, location: Location, known: Sequence[str]) -> None:
        """The key at the end of the location is complained about: it is none of these."""
        key = str(location[-1])
        if glued(key, known):
            zh = "冒号要用英文半角的 “:”，后面加一个空格，例如 name: 示例"
            return self.complain(location, zh, "this is a full-width colon; write an ASCII colon and a space", key=True, word="：")
        return self.complain(location, *unknown_key(key, known), key=True)

    # Includes

    def include(self) -> None:
        """The files that `include` names are merged in, in the order of the globs and of their names."""
        patterns = self.value.get("include")
        for number, pattern in enumerate(patterns if isinstance(patterns, list) else ()):
            if isinstance(pattern, str):
                self._include_glob(("include", number), pattern)

    def _include_glob(self, location: Location, pattern: str) -> None:
        if "**" in pattern:
            self.lacking = True
            zh, en = "include 不支持 **；请逐层写，例如 rules/*.yaml", "`**` is not supported in include; write rules/*.yaml"
            return self.complain(location, zh, en)
        absolute = os.path.join(glob.escape(str(self.folder)), pattern)
        self.globs.append(absolute)
        found = matches(absolute)
        self.seen |= {match: _stat(match) for match in found if match not in self.seen}
        others = [match for match in found if not _same_file(match, self.path)]
        if not others:
            self.lacking = True
            zh = f"没有文件与 “{pattern}” 相符；路径从配置文件所在的文件夹算起"
            return self.complain(location, zh, f"no file matches “{pattern}”; paths begin at the folder of the configuration file")
        for match in others:
            if match not in self.files:
                self._merge_file(match)
        return None

    def _merge_file(self, path: Path) -> None:
        source = self._read(path, Path(os.path.relpath(path, self.folder)).as_posix())
        if not source.parsed:
            return
        extra = dict(source.value)
        if extra.pop("include", None) is not None:
            zh = "被引入的文件里不能再写 include；请写到主配置文件里"
            source.complain(source.places[("include",)][0], zh, "an included file may not include others; write it in the main file")
        self._merge(self.value, extra, (), (), source)

    def _merge(self, into: dict[Any, Any], extra: dict[Any, Any], new: Location, old: Location, source: Source) -> None:
        for key, value in extra.items():
            there, here = (*new, key), (*old, key)
            present = into.get(key)
            if present is None:
                into[key] = value
                self.grafts[there] = (source, here)
            elif isinstance(present, dict) and isinstance(value, dict):
                self._merge(present, value, there, here, source)
            elif isinstance(present, list) and isinstance(value, list):
                for number, item in enumerate(value):
                    self.grafts[*there, len(present)] = (source, (*here, number))
                    present.append(item)
            elif value is not None:
                self._written_twice(there, key, source, source.places[here][0])

    def _written_twice(self, location: Location, key: object, source: Source, mark: Mark) -> None:
        first, (line, column), _ = self.place(location)
        zh = f"“{key}” 在 {first.name}:{line}:{column} 已经写过；一个键只能写在一个文件里"
        source.complain(mark, zh, f"“{key}” is already written at {first.name}:{line}:{column}; a key belongs into one file")

    # Keys at the top

    def refuse_secrets(self, keys: Collection[str]) -> None:
        """Every key named like a secret, at the top (but for sections) or anywhere in the account, is complained about and taken out."""
        self._take_secrets(self.value, (), keys)
        self._take_secrets(self.value.get("account"), ("account",), ())

    def _take_secrets(self, value: Any, where: Location, allowed: Collection[str]) -> None:
        children = value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ())
        for key, child in list(children):
            if secret_name(key) and key not in allowed:
                variable = _variable(key)
                zh = f"密钥不能写在配置文件里；请删掉这一行，改用环境变量 {variable}（或 {variable}_FILE）"
                en = f"secrets do not belong into this file; delete the line and set the environment variable {variable} (or {variable}_FILE)"
                self.complain((*where, key), zh, en, key=True)
                del value[key]
            elif where:
                self._take_secrets(child, (*where, key), ())

    def refuse_unknown_keys(self, known: Sequence[str]) -> set[str]:
        """Every key at the top that is neither ours nor a section's is complained about, with the nearest name there is.

        Returns the keys that may have been meant.
        """
        unknown = [key for key in self.value if key not in known]
        for key in unknown:
            self.refuse_key((key,), known)
        return {name for key in unknown for name in (nearest(key, known) or set(known) - set(self.value))}


def _step(at: Any, part: str | int) -> str | int | None:
    if isinstance(at, dict):
        if part in at:
            return part
        if isinstance(part, str) and re.fullmatch(r"-?[0-9]{1,18}", part) and int(part) in at:
            return int(part)
    elif isinstance(at, list) and isinstance(part, int) and 0 <= part < len(at):
        return part
    return None


def _variable(key: str) -> str:
    name = key.lower()
    if "aes" in name:
        return "YIZHAN_ENCODING_AES_KEY"
    if "passw" in name or "密码" in name:
        return "YIZHAN_DATABASE_URL"
    return "YIZHAN_TOKEN" if "tok" in name or "令牌" in name else "YIZHAN_APP_SECRET"


def matches(pattern: str) -> list[Path]:
    """The files that an include finds now, in the order of their names."""
    try:
        return [Path(match) for match in sorted(glob.glob(pattern)) if os.path.isfile(match)]
    except (ValueError, OSError, re.error):  # a pattern that is no pattern, such as one with a NUL
        return []


_Stat = tuple[int, ...] | None


def _stat(path: Path) -> _Stat:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def look(files: Iterable[Path], globs: Iterable[str]) -> Seen:
    """What tells whether any of the files, or a file that a glob would find now, was changed: a few stat calls, no reading."""
    paths = {*files, *(match for pattern in globs for match in matches(pattern))}
    return frozenset((str(path), _stat(path)) for path in paths)


def _same_file(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)
