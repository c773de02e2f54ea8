"""How long forbidden words take: to be loaded, and to be looked for in a message; and the lint of what the platform punishes.

    python -m benchmarks.sensitive [--words 100 10000 100000] [--pinyin] [--texts 100000]

Words are two to six characters of a fixed pseudorandom choice, written in the file one to a line; messages are what people ask a shop.
Times are those of the processor, so that others who use it do not count.
"""

from __future__ import annotations

import argparse
import random
import resource
import tempfile
import time
from pathlib import Path

from app import live
from handlers.sensitive import SensitiveSection
from models.compliance import punished

HEAD = "account: {name: benchmark, app_id: wx1234567890abcdef, original_id: gh_1234567890ab}\n"
CLEAN = (
    "你们周六几点开门呀？想去看看",
    "怎么退货",
    "我上周买的那件蓝色外套到现在还没收到，麻烦帮我查一下物流",
    "Hello, are you open on Sunday?",
)
TEXTS = ("每天 9:00–21:00 营业，节假日不休息，{} 号门店", "欢迎分享给朋友，{} 人看过", "第 {} 位顾客，请在门口领取号码牌", "订单 {} 已发货")


def words(number: int) -> list[str]:
    """So many words, hardly two the same."""
    chance = random.Random(number)
    return ["".join(chr(chance.randrange(0x4E00, 0x9000)) for _ in range(chance.randint(2, 6))) for _ in range(number)]


def memory() -> float:
    """The most this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def each(work: int, run: object, texts: tuple[str, ...]) -> float:
    """Microseconds for one text, over so many rounds."""
    assert callable(run)
    begun = time.process_time()
    for _ in range(work):
        for text in texts:
            run(text)
    return (time.process_time() - begun) / work / len(texts) * 1e6


def measure(number: int, pinyin: bool) -> None:
    """Prints a line for lists of so many words."""
    some = words(number)
    variants = "[width, separators, script, pinyin]" if pinyin else "[width, separators, script]"
    listed = "\n".join(f"        {word}" for word in some)
    body = f"sensitive:\n  lists:\n    - name: 表\n      heard: block\n      variants: {variants}\n      words: |\n{listed}\n"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.yaml"
        path.write_text(HEAD + body, "utf-8")
        before, begun = memory(), time.process_time()
        section = live.read(path).config[SensitiveSection]
        read = time.process_time()
        finder = section.finder
        made = time.process_time()
    dirty = tuple(f"你好，{word[0]}*{word[1:]}，在吗" for word in some[:20])
    each(20, finder.find, CLEAN)
    clean, hit = each(2000, finder.find, CLEAN), each(200, finder.find, dirty)
    flood = each(20, finder.find, ((some[0] + "\u200b") * 700, "\u200b" * 2048))
    print(f"{number:7}  {read - begun:8.2f}  {made - read:8.2f}  {memory() - before:11.0f}  {clean:10.1f}  {hit:8.1f}  {flood:10.0f}")


def main() -> None:
    """Prints a line for every size, and one for the lint."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--words", type=int, nargs="+", default=[100, 10_000, 100_000])
    options.add_argument("--pinyin", action="store_true")
    options.add_argument("--texts", type=int, default=100_000)
    given = options.parse_args()
    print("  words  read (s)  made (s)  memory (MB)  clean (µs)  hit (µs)  flood (µs)")
    for number in given.words:
        measure(number, given.pinyin)
    texts = [TEXTS[number % len(TEXTS)].format(number) for number in range(given.texts)]
    begun = time.process_time()
    found = sum(1 for text in texts for _ in punished(text, "reply"))
    print(f"lint: {given.texts} texts in {time.process_time() - begun:.2f} s, {found} offences")


if __name__ == "__main__":
    main()
