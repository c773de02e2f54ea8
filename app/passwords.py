"""Operators' passwords: hashed with Argon2id in few threads, compared in constant time, the most common ones refused; one-time codes."""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
from concurrent.futures import ThreadPoolExecutor

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

SHORTEST, ADVISED, LONGEST = 8, 15, 200  # characters
_MOST_WAITING = 16  # for a thread; more are turned away: a flood of guesses takes no more than two cores and 40 MB

# OWASP's parameters for Argon2id (Password Storage Cheat Sheet): 19 MiB, two passes, one lane; about 30 ms here.
_HASHER = PasswordHash((Argon2Hasher(memory_cost=19_456, time_cost=2, parallelism=1),))

# What guessers try first, by itself or with a few digits and signs around it.
_WORDS = """password passwd passw0rd p@ssword p@ssw0rd admin admin123 administrator root toor qwerty qwertyuiop qwerty123 asdfghjkl asdfgh zxcvbnm
1q2w3e4r 1q2w3e4r5t 1qaz2wsx qazwsx qazwsxedc iloveyou letmein welcome monkey dragon sunshine princess football baseball master login
abc abcd abcdefg abcdefgh abc123 abcd1234 a1b2c3d4 aa123456 a123456 woaini woaini1314 5201314 1314520 wechat weixin yizhan test guest
demo changeme default secret operator mima mimamima nihao zhongguo caonima wodemima taobao alibaba xiaomi huawei"""
_COMMON = frozenset(_WORDS.split())
_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # none that look like another


class TooBusy(Exception):
    """So many wait for a hash already that one more would wait too long."""


class Passwords:
    """Hashes and compares beside the loop. `compared` counts how often Argon2 was asked."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="password")
        self._waiting = 0
        self._nobodys = hash_of(secrets.token_hex())
        self.compared = 0

    async def match(self, password: str, hashed: str | None) -> bool:
        """Whether it is the password; without one to compare to, the answer is no, after the same time. Raises TooBusy."""
        self._enter()
        self.compared += 1
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._pool, matches, password, hashed or self._nobodys)
        finally:
            self._waiting -= 1
        return found and hashed is not None

    async def hash(self, password: str) -> str:
        """What to keep of a new password. Raises TooBusy."""
        self._enter()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, hash_of, password)
        finally:
            self._waiting -= 1

    def _enter(self) -> None:
        if self._waiting >= _MOST_WAITING:
            raise TooBusy
        self._waiting += 1


def hash_of(password: str) -> str:
    """What to keep of a password, in Argon2's own notation."""
    return _HASHER.hash(password)


def matches(password: str, hashed: str) -> bool:
    """Whether this is the password that was kept so."""
    try:
        return _HASHER.verify(password, hashed)
    except UnknownHashError:
        return False


def weakness(password: str, name: str) -> str | None:
    """Why this password is refused, in Chinese; None where it is not."""
    if len(password) < SHORTEST:
        return f"密码至少 {SHORTEST} 个字，建议 {ADVISED} 个以上"
    if len(password) > LONGEST:
        return f"密码最多 {LONGEST} 个字"
    plain = password.casefold()
    bare = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", plain)
    # What grows out of the operator's or the product's name, out of a row of keys or of one sign is tried first.
    if plain in _COMMON or bare in _COMMON or not bare or len(set(plain)) < 4 or (bare and bare == name.casefold()) or _row(plain):
        return "这个密码太常见，一猜就中；几个不相干的词连起来最好记，也最难猜"
    return None


def _row(plain: str) -> bool:
    return any(plain in row or plain in row[::-1] for row in ("0123456789" * 3, "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm"))


def new_code() -> str:
    """A code to be used once, of 99 bits, in groups that can be read out: ABCD-EFGH-…"""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(20))
    return "-".join(letters[at : at + 4] for at in range(0, 20, 4))


def code_digest(code: str) -> str:
    """What is kept of a code: hyphens, blanks and small letters do not matter."""
    return hashlib.sha256(re.sub(r"[\s-]", "", code).upper().encode()).hexdigest()
