"""The shipped file, damaged at random: it loads, or BadConfig says where, and whoever answers goes on answering."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app.config_file import BadConfig
from app.live import Live, version
from tests.people import SHIPPED

PIECES = [
    *(b"\t", b"\x00", b"\xff", b": ", b"- ", b"&a ", b"*a", b"{", b"}", b"[", b"]", b'"', b"'", b"!", b"<<: ", b"~", b"\r", b"\\", b"|"),
    *(b"09", b"22:30", b"9" * 30, b".inf", b"null", b"\xef\xbb\xbf", "：".encode(), "“”".encode(), "签".encode()[:2], "\u2028".encode()),
    *(b"\n", b"\n  ", b"\n---\n", b"{name}", b"{{", b"(?=a)", b"((((", b"a{1000}{1000}", b"token: x\n", b"include: ['*']\n", b"#"),
]

# What the shipped file does not show. Put behind it, its rules are read like included ones: with every key that there is.
_RULES = """keywords:
  rules:
    - name: 早上好
      when: {exact: [早上好], fuzzy: [pinyin, typo], days: [mon, sun], from: "22:00", to: "06:00", tags: [上海], level: 金卡, probability: 30%}
      reply: {any_of: [早, {reply: 早上好呀, weight: 3}], then: [{after: 5s, reply: 吃了吗？}]}
    - name: 快递
      when: {regex: ['快递\\s*(?P<no>[0-9]{4,20})'], contains_none: [退货], dates: [2026-12-24, {from: 2026-11-01}], nth: {from: 1, to: 3}}
      reply: {lines: ["单号 {match.no|没有}", {when: {holiday: true, segment: everyone}, text: 节假日照常送, otherwise: 明天送到}]}
    - {name: 关注, when: {event: [scan, click], without_tags: [员工]}, reply: {in_turn: [欢迎, 又来了！]}}
    - {name: 照片, when: {type: [image, location], workday: false}, reply: 收到}
    - name: 导航
      when: {contains_all: [怎么, 走], prefix: 导航}   # 忽略 YZ104：两条故意重叠
      reply:
        menu:
          title: 想去哪里？
          choices: [{name: 门店, say: 营业时间}, {name: 更多, menu: {title: 更多, choices: [{name: 电话, reply: "400"}]}}]
"""
_SENSITIVE = """sensitive:
  lists:
    - {name: 广告, words: [加微信, 刷单], heard: block, said: queue, variants: [width, separators, pinyin]}
"""
_TESTS = """  - {name: 时间, says: 几点开门, expects: {contains: ["9:00"], rule: 营业时间}}
  - name: 签到
    follower: {name: 小王, tags: [上海], level: 金卡}
    at: "sat 21:30"
    turns: [{says: 签到, expects: {contains: 签到成功}}, {after: 1d, says: 签到, expects: {matches: 连续 2 天}}]
"""
# Every kind of section, and most of their keys; the tests are the last of the shipped file.
FULL = (
    SHIPPED.replace("  fallback: 没听懂", "  # 忽略 YZ105：两条故意重叠\n  fallback: 没听懂")
    .replace("keywords:\n  rules:\n", _RULES, 1)
    .replace("faq:\n", _SENSITIVE + "faq:\n  sure: 0.5\n", 1)
    + _TESTS
)


def damaged(text: bytes, chance: random.Random) -> bytes:
    """The text with one to five changes: bits flipped, pieces put in, cut, copied or moved, lines dropped or doubled, the end lost."""
    for _ in range(chance.randint(1, 5)):
        at, length = chance.randrange(len(text)), chance.randint(1, 40)
        match chance.randrange(8):
            case 0:
                text = text[:at] + bytes([text[at] ^ 1 << chance.randrange(8)]) + text[at + 1 :]
            case 1 | 2:
                text = text[:at] + chance.choice(PIECES) + text[at:]
            case 3:
                text = text[:at] + text[at + length :]
            case 4:
                other = chance.randrange(len(text))
                text = text[:other] + text[at : at + length] + text[other:]
            case 5:
                lines = text.splitlines(keepends=True)
                del lines[chance.randrange(len(lines))]
                text = b"".join(lines)
            case 6:
                lines = text.splitlines(keepends=True)
                lines.insert(chance.randrange(len(lines)), chance.choice(lines))
                text = b"".join(lines)
            case _:
                text = text[:at] if chance.random() < 0.2 else text
        text = text or b"\n"
    return text


def version_of(path: Path) -> str | None:
    """The version of a good file; None for one that is refused, each complaint with its place."""
    try:
        return version(path).settings.config.version
    except BadConfig as bad:
        complaints = bad.complaints
    assert complaints
    assert all(complaint.line > 0 and complaint.column > 0 and complaint.render("en", caret=True) for complaint in complaints), complaints
    return None


def prove(folder: Path, seed: int, copies: int) -> None:
    """So many damaged copies; whatever is raised but BadConfig, or a version in force that was not good, fails and names the copy."""
    path, good = folder / "config.yaml", 0
    path.write_text(SHIPPED, "utf-8")
    with capture_logs():
        live = Live(path)
        for copy in range(seed, seed + copies):
            path.write_bytes(damaged((FULL if copy % 2 else SHIPPED).encode(), random.Random(copy)))
            before = live.config.version
            try:
                wanted = version_of(path)
                live.refresh()
                assert (live.config.version, bool(live.errors)) == (wanted or before, wanted is None)
            except Exception as bug:
                raise AssertionError(f"copy {copy}") from bug
            good += wanted is not None
    assert 0 < good < copies


def test_the_full_file_is_good(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(FULL, "utf-8")
    assert version_of(tmp_path / "config.yaml")


def test_two_hundred_damaged_copies_load_or_are_refused(tmp_path: Path) -> None:
    prove(tmp_path, 0, 200)


@pytest.mark.prove
def test_a_hundred_thousand_damaged_copies_load_or_are_refused(tmp_path: Path) -> None:
    seed = int(os.environ.get("SEED") or random.randrange(10**9))
    print(f"SEED={seed}")
    prove(tmp_path, seed, 100_000)
