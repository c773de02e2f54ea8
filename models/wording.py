"""Loose forms of a text: what is left of it when width, case, punctuation, script or the very characters do not matter.

`width` and `simplified` take microseconds, `pinyin` half a microsecond a character once a word was seen; none of them reads the database
or changes anything, and each is the same in every process.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from importlib import import_module
from typing import Any

import opencc

_HAN = re.compile("[\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003fffd]+")
_TEXTS, _WORDS = 2048, 50_000  # of the newest, that are remembered
_LETTERS_OF_PINYIN = frozenset("abcdefghijklmnopqrstuvwxyz")


class _Dropped(dict[int, int | None]):
    """For str.translate: punctuation, spaces, what cannot be seen, and ~ go, everything else stays; filled as characters are met."""

    def __missing__(self, code: int) -> int | None:
        kept = None if skipped(chr(code)) else code
        if len(self) < _WORDS:  # whoever sends all of Unicode does not fill our memory with it
            self[code] = kept
        return kept


@lru_cache(_WORDS)
def skipped(character: str) -> bool:
    """Whether `width` leaves this character out: Unicode's categories P, Z and C, the variation selectors, and the ~ of a friendly 好的~."""
    return unicodedata.category(character)[0] in "PZC" or "\ufe00" <= character <= "\ufe0f" or character == "~"


_KEPT = _Dropped()


@lru_cache(_TEXTS)
def folded(text: str) -> str:
    """Full-width and half-width, upper and lower case are one: NFKC, then full case folding, then NFKC again.

    `folded(folded(x)) == folded(x)` (Unicode 15, UAX #15 and section 3.13). Not as long as `x`: ㍿ is four characters, ß two.
    """
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


@lru_cache(_TEXTS)
def width(text: str) -> str:
    """`folded`, without spaces and punctuation: ＷｉＦｉ　密码？ is wifi密码. Empty where nothing else is in it.

    `width(width(x)) == width(x)`, and what is in a text is in its form: `width(a + b)` has `width(a)` at its beginning, but for
    characters that combine over the border.
    """
    return folded(folded(text).translate(_KEPT))


_TO_SIMPLIFIED = opencc.OpenCC("t2s")


@lru_cache(_TEXTS)
def simplified(text: str) -> str:
    """Traditional characters as simplified ones, by OpenCC's phrases and characters (t2s): 營業時間 is 营业时间.

    What is simplified already stays, all but a few characters that are both (乾 is 干, and 乾 in 乾隆).
    """
    return text if text.isascii() else str(_TO_SIMPLIFIED.convert(text))


@lru_cache(_TEXTS)
def syllables(text: str) -> tuple[str, ...]:
    """One for each character: a Han character's reading without its tone (ü is v), any other character as it is.

    The readings are pypinyin's, which knows phrases: 银行 is yin hang, 行走 xing zou.
    """
    if text.isascii():
        return tuple(text)
    found: list[str] = []
    at = 0
    for run in _HAN.finditer(text):
        found += text[at : run.start()]
        for word in _phrases().cut(run[0]):
            found += _read(word)
        at = run.end()
    found += text[at:]
    return tuple(found)


@lru_cache(_TEXTS)
def pinyin(text: str) -> str:
    """The text with Han characters as toneless syllables, a space around each: `WiFi密码` is `WiFi mi ma`."""
    said = [f" {one} " if is_syllable(one, character) else one for one, character in zip(syllables(text), text, strict=True)]
    return " ".join("".join(said).split())


def is_syllable(syllable: str, character: str) -> bool:
    """Whether this is a reading of the character's, and not the character itself."""
    return syllable != character and syllable[0] in _LETTERS_OF_PINYIN


@lru_cache(_WORDS)
def _read(word: str) -> tuple[str, ...]:
    lazy = _pypinyin().lazy_pinyin
    read = tuple(lazy(word, errors=list))
    return read if len(read) == len(word) else tuple(one for character in word for one in lazy(character, errors=list)[:1])


@cache
def _pypinyin() -> Any:
    # 150 ms and 40 MB, mostly its phrases: only where somebody asks for pinyin.
    return import_module("pypinyin")


@cache
def _phrases() -> Any:
    return import_module("pypinyin.seg.mmseg").seg


_TYPED = """
a ai an ang ao ba bai ban bang bao bei ben beng bi bian biao bie bin bing bo bu ca cai can cang cao ce cen ceng cha chai chan chang chao
che chen cheng chi chong chou chu chua chuai chuan chuang chui chun chuo ci cong cou cu cuan cui cun cuo da dai dan dang dao de dei den
deng di dia dian diao die ding diu dong dou du duan dui dun duo e ei en eng er fa fan fang fei fen feng fo fou fu ga gai gan gang gao ge
gei gen geng gong gou gu gua guai guan guang gui gun guo ha hai han hang hao he hei hen heng hong hou hu hua huai huan huang hui hun huo
ji jia jian jiang jiao jie jin jing jiong jiu ju juan jue jun ka kai kan kang kao ke kei ken keng kong kou ku kua kuai kuan kuang kui kun
kuo la lai lan lang lao le lei leng li lia lian liang liao lie lin ling liu lo long lou lu luan lun luo lv lve ma mai man mang mao me mei
men meng mi mian miao mie min ming miu mo mou mu na nai nan nang nao ne nei nen neng ni nian niang niao nie nin ning niu nong nou nu nuan
nun nuo nv nve o ou pa pai pan pang pao pei pen peng pi pian piao pie pin ping po pou pu qi qia qian qiang qiao qie qin qing qiong qiu qu
quan que qun ran rang rao re ren reng ri rong rou ru rua ruan rui run ruo sa sai san sang sao se sen seng sha shai shan shang shao she
shei shen sheng shi shou shu shua shuai shuan shuang shui shun shuo si song sou su suan sui sun suo ta tai tan tang tao te tei teng ti
tian tiao tie ting tong tou tu tuan tui tun tuo wa wai wan wang wei wen weng wo wu xi xia xian xiang xiao xie xin xing xiong xiu xu xuan
xue xun ya yan yang yao ye yi yin ying yo yong you yu yuan yue yun za zai zan zang zao ze zei zen zeng zha zhai zhan zhang zhao zhe zhei
zhen zheng zhi zhong zhou zhu zhua zhuai zhuan zhuang zhui zhun zhuo zi zong zou zu zuan zui zun zuo
"""
# Of standard Mandarin, as typed; without the bare m, n, ng of interjections, which would part any word into syllables.
SYLLABLES = frozenset(_TYPED.split())
