"""What 10, 10,000 and 100,000 keyword rules cost: to load, to keep, and for every message.

    python -m benchmarks.rules [--rules 10 10000 100000] [--fuzzy]

Each line is a process of its own. Load is everything from the files (10,000 rules each, flow style, found by an `include`) to a version that
answers; memory is what the process holds more than before, and its peak. A message is asked of the rules only, without conditions or
database. The second table has the two libraries for multi-pattern search side by side, over the same words and messages.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ACCOUNT = """
account: {name: benchmark, app_id: wx1234567890abcdef, original_id: gh_1234567890ab, api_base: "http://127.0.0.1:9"}
database: sqlite:///benchmark.db
"""
PER_FILE = 10_000
COMMON = 2_500  # Han characters that words are made of
LONGEST = 680  # characters of a text message: 2,048 bytes
Cost = dict[str, float]


def words(number: int) -> list[str]:
    """So many words of two to eight characters, no two the same."""
    chance = random.Random(7)
    characters = [chr(0x4E00 + 7 * at) for at in range(COMMON)]
    made: dict[str, None] = {}
    while len(made) < number:
        made["".join(chance.choices(characters, k=chance.choice((2, 3, 4, 4, 5, 6, 8))))] = None
    return list(made)


def write(folder: Path, number: int, fuzzy: bool) -> Path:
    """A configuration with a rule for each word."""
    loosely = ", fuzzy: true" if fuzzy else ""
    lines = [
        f'    - {{name: 规则 {at}, when: {{{"exact" if at % 3 == 0 else "contains"}: [{word}]{loosely}}}, reply: "第 {at} 条回复，{{name}}"}}\n'
        for at, word in enumerate(words(number))
    ]
    (folder / "rules").mkdir()
    for at in range(0, number, PER_FILE):
        text = "keywords:\n  rules:\n" + "".join(lines[at : at + PER_FILE])
        (folder / "rules" / f"{at:07}.yaml").write_text(text, "utf-8")
    main = folder / "config.yaml"
    main.write_text(f"{ACCOUNT}include: [rules/*.yaml]\nkeywords: {{rules: [], fallback: 没听懂}}\n", "utf-8")
    return main


def messages(number: int) -> dict[str, list[str]]:
    """What followers say: with one of the words in it, with none, and as much as fits into one message."""
    chance, known = random.Random(11), [word for at, word in enumerate(words(number)) if at % 3]
    other = [chr(0x4E00 + 7 * at + 3) for at in range(COMMON)]

    def said(size: int) -> str:
        return "".join(chance.choices(other, k=size))

    return {
        "hit": [said(5) + chance.choice(known) + said(6) for _ in range(200)],
        "miss": [said(15) for _ in range(200)],
        "long": [said(LONGEST - 8) + chance.choice(known) for _ in range(50)],
    }


def _held() -> float:
    """MB that this process has in memory now."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def _asked(ask: Callable[[str], object], number: int) -> Cost:
    """µs per message of each kind: the best of five rounds."""
    cost = {}
    for kind, texts in messages(number).items():
        best = float("inf")
        for _ in range(5):
            begun = time.perf_counter()
            for text in texts:
                ask(text)
            best = min(best, time.perf_counter() - begun)
        cost[kind] = best / len(texts) * 1e6
    return cost


def whole(number: int, fuzzy: bool) -> Cost:
    """Files to version, and asking it."""
    from app import live
    from handlers.keyword import KeywordsSection

    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder, "small")
        small.mkdir()
        live.version(write(small, 3, fuzzy))  # what is paid once
        main = write(Path(folder), number, fuzzy)
        before, begun, busy = _held(), time.perf_counter(), time.process_time()
        version = live.version(main)
        load, busy = time.perf_counter() - begun, time.process_time() - busy
    cost = {"load s": load, "CPU s": busy, "held MB": _held() - before, "peak MB": _peak() - before}
    matcher = version.settings.config[KeywordsSection].matcher
    assert all(matcher.candidates(text) for text in messages(number)["hit"])
    return cost | _asked(matcher.candidates, number)


def automaton(number: int, library: str) -> Cost:
    """The words alone, in one library's automaton."""
    known = words(number)
    before, begun = _held(), time.perf_counter()
    ask = _with_rust(known) if library == "ahocorasick_rs" else _with_c(known)
    built = time.perf_counter() - begun
    return {"build s": built, "held MB": _held() - before} | _asked(ask, number)


def _with_rust(known: Sequence[str]) -> Callable[[str], object]:
    import ahocorasick_rs

    made = ahocorasick_rs.AhoCorasick(known)
    return lambda text: made.find_matches_as_indexes(text, overlapping=True)


def _with_c(known: Sequence[str]) -> Callable[[str], object]:
    import ahocorasick

    made: Any = ahocorasick.Automaton()
    for at, word in enumerate(known):
        made.add_word(word, at)
    made.make_automaton()
    return lambda text: list(made.iter(text))


def _apart(*arguments: str) -> Cost:
    """What a fresh process found."""
    done = subprocess.run([sys.executable, "-m", "benchmarks.rules", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    cost: Cost = json.loads(done.stdout.splitlines()[-1])
    return cost


def _print(title: str, lines: dict[str, Cost]) -> None:
    columns = list(next(iter(lines.values())))
    print(f"\n{title:24}" + "".join(f"{column + (' µs' if ' ' not in column else ''):>12}" for column in columns))
    for name, cost in lines.items():
        print(f"{name:24}" + "".join(f"{cost[column]:12.2f}" for column in columns))


def main() -> None:
    """Prints both tables."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rules", type=int, nargs="+", default=[10, 10_000, 100_000])
    options.add_argument("--fuzzy", action="store_true", help="every rule with fuzzy: true as well")
    options.add_argument("--apart", nargs=2, metavar=("WHAT", "RULES"), help=argparse.SUPPRESS)
    given: Any = options.parse_args()
    if given.apart:
        what, number = given.apart[0], int(given.apart[1])
        print(json.dumps(whole(number, what == "fuzzy") if what in ("whole", "fuzzy") else automaton(number, what)))
        return
    kinds = {"whole": "rules", "fuzzy": "fuzzy rules"} if given.fuzzy else {"whole": "rules"}
    _print("", {f"{number:,} {name}": _apart("--apart", kind, str(number)) for kind, name in kinds.items() for number in given.rules})
    libraries = ("ahocorasick_rs", "pyahocorasick")
    _print("", {f"{number:,} {library}": _apart("--apart", library, str(number)) for number in given.rules for library in libraries})


if __name__ == "__main__":
    main()
