"""Tests in the file: little conversations that a version of the file must answer as they say, before it is taken."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, RootModel, model_validator
from sqlalchemy import Connection

import handlers
from app.expectation import Expected, brief, missed
from app.persona import Persona, become
from app.persona import check as check_persona
from app.rehearsal import Rehearsal, Tried, pressed
from app.scratch import scratch
from handlers.keyword import KeywordsSection
from handlers.menu import MenuSection
from models import lottery
from models.clock import span, time_of_day
from models.config import Config, Location, Looks, Problem, Rules, wrong
from models.day import DAYS
from models.share import Share

if TYPE_CHECKING:
    from app.live import Version

MONDAY = date(2026, 11, 23)  # where a test does not say when: a Monday, 10:00, no holiday
TEN = "10:00"
MOST_TESTS, MOST_TURNS = 5_000, 100

_SEED = bytes(32)  # of every lottery: a draw comes out alike every time; `luck` decides otherwise

_AT = re.compile(r"(?:(\d{4}-\d{2}-\d{2}|mon|tue|wed|thu|fri|sat|sun)\s+)?(\d{1,2}:\d{2})")
_WRITTEN = rf"^\s*({_AT.pattern})\s*$"
_ACTS = ("says", "taps", "presses", "sends", "scans", "follows", "event")


def moment(text: str, zone: ZoneInfo, today: date = MONDAY) -> datetime:
    """The instant of "2026-11-21 21:30", "21:30" (today) or "sat 21:30" (in today's week). ValueError for anything else."""
    found = _AT.fullmatch(text.strip())
    if not found:
        raise ValueError(text)
    word, clock = found[1] or today.isoformat(), found[2]
    day = today + timedelta(days=DAYS.index(word) - today.weekday()) if word in DAYS else date.fromisoformat(word)
    return datetime.combine(day, time_of_day(clock), zone)


def _check_moment(text: str) -> str:
    try:
        moment(text, ZoneInfo("UTC"))
    except ValueError:
        zh = f'时间要写成 "2026-11-21 21:30"、"sat 21:30" 或 "21:30"；这里是 {text!r}'
        raise wrong(zh, f'write the time as "2026-11-21 21:30", "sat 21:30" or "21:30"; this is {text!r}') from None
    return text


def _check_span(text: str) -> str:
    try:
        span(text)
    except ValueError:
        raise wrong("过多久要写成 30m、2h、1d、1w", "write a length of time as 30m, 2h, 1d, 1w") from None
    return text


_Some = Annotated[str, Field(min_length=1)]


class Turn(Rules):
    """One thing the follower does, and what should come back."""

    after: Annotated[str, AfterValidator(_check_span), Looks(r"^\s*[0-9]{1,4}[mhdw]\s*$", ("2h", "1d"))] | None = Field(
        None, description="比上一轮晚多久：30m 2h 1d 1w"
    )
    says: str | None = Field(None, description="粉丝说的话")
    taps: _Some | None = Field(None, description="点上一条回复里的选项：选项上的字，或第几个（从 1 数）")
    presses: _Some | None = Field(None, description="按菜单按钮：按钮的 name、“一级/二级”或 key")
    sends: Literal["image", "voice", "video", "shortvideo", "location", "link"] | None = Field(None, description="发来别的消息")
    scans: _Some | None = Field(None, description="扫了这个参数的二维码；还没关注的人扫了就是关注")
    follows: Literal[True] | None = Field(None, description="true：关注")
    event: _Some | None = Field(None, description="别的事件，平台的叫法，例如 LOCATION")
    result: str = Field("", description="按扫码按钮时扫到的内容")
    luck: Share | None = Field(None, description="这一轮所有的概率都抽到这个数，例如 0.1：概率比它大的都算抽中")
    expects: _Some | Expected | None = Field(
        None, description="应该怎么回复：一句话就是原样相等；或 {contains|equals|matches|nothing|rule|kind|…: …}"
    )

    @model_validator(mode="after")
    def _does_one_thing(self) -> Self:
        given = self.acts()
        if len(given) != 1 and not self._has_turns():
            names = "、".join(_ACTS)
            raise wrong(f"要有且只有一件事：{names}", f"a turn is exactly one of: {', '.join(_ACTS)}")
        return self

    def acts(self) -> list[str]:
        """What the follower does, by the names in the file."""
        return [name for name in _ACTS if getattr(self, name) is not None]

    def _has_turns(self) -> bool:
        return False


class FileTest(Turn):
    """One test: who, when, and one turn or several."""

    name: str = Field(min_length=1, max_length=100, description="测试名称，给运营自己看")
    follower: Persona = Field(default_factory=Persona, description="谁在说话；不写就是第一次见到的人")
    at: Annotated[str, AfterValidator(_check_moment), Looks(_WRITTEN, ("sat 21:30", "2026-12-24 10:00", "09:00"))] = Field(
        f"mon {TEN}", description='什么时候："2026-11-21 21:30"、"sat 21:30" 或 "21:30"；不写就是 2026-11-23（星期一）10:00'
    )
    turns: Annotated[list[Turn], Field(min_length=1, max_length=MOST_TURNS)] | None = Field(None, description="几轮对话，一轮接一轮")

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if self.turns is not None and (self.acts() or self.expects is not None):
            raise wrong("有 turns 就不要再写 says、expects，把它们写进 turns", "a test with turns has no says or expects beside them")
        if not any(turn.expects is not None for turn in self.turns or [self]):
            raise wrong("测试里没有 expects，什么也没有检查", "a test without expects tests nothing")
        return self

    def _has_turns(self) -> bool:
        return self.turns is not None

    def steps(self, where: Location) -> Iterator[tuple[Location, Turn]]:
        """Every turn with its place in the file."""
        for number, turn in enumerate(self.turns or ()):
            yield (*where, "turns", number), turn
        if self.turns is None:
            yield where, self


class FileTestsSection(RootModel[Annotated[list[FileTest], Field(max_length=MOST_TESTS)]]):
    """测试：粉丝说什么、应该怎么回复。check 会跑，改坏了的文件不会生效。"""

    key: ClassVar[str] = "tests"


def check(config: Config) -> Iterator[Problem]:
    """What the tests name and the file does not have."""
    section = config.get(FileTestsSection)
    known = _rules(config) if section and section.root else set()
    buttons = _buttons(config) if section and section.root else None
    for number, test in enumerate(section.root if section else ()):
        where: Location = ("tests", number)
        yield from check_persona(test.follower, (*where, "follower"), config)
        for place, turn in test.steps(where):
            if turn.presses is not None and buttons is not None and pressed(config, turn.presses) is None:
                yield _unknown((*place, "presses"), "菜单里没有按钮", "no button", turn.presses, buttons)
            rule = turn.expects.rule if isinstance(turn.expects, Expected) else None
            if rule is not None and rule.partition(":")[0].partition(".")[0] not in known and rule not in known:
                yield _unknown((*place, "expects", "rule"), "没有规则", "no rule", rule, sorted(known))


def _rules(config: Config) -> set[str]:
    keywords = config.get(KeywordsSection)
    features = {feature.name for feature in handlers.FEATURES} | {
        str(vars(feature.section)["key"]) for feature in handlers.FEATURES if feature.section
    }
    return features | {"fallback"} | {rule.name for rule in (keywords.rules if keywords else ())}


def _buttons(config: Config) -> list[str] | None:
    """None where there is no menu in the file: its buttons are on the platform only."""
    section = config.get(MenuSection)
    return [one.item.name for one in section.placed()] if section else None


def _unknown(where: Location, zh: str, en: str, name: str, known: list[str]) -> Problem:
    near = get_close_matches(name, known, 1, 0.3)
    hint, hint_en = (f"；你是不是想写“{near[0]}”？", f"; did you mean {near[0]!r}?") if near else ("", "")
    return Problem(where, f"{zh}“{name}”{hint}", f"{en} {name!r}{hint_en}")


def run(version: Version, *, rest: float = 0.0) -> list[Problem]:
    """What fails. Every test runs in a database of its own in memory; the same file has the same outcome at any time, on any machine.

    `rest`: seconds that are left to the other threads of this process after each test.
    """
    section = version.settings.config.get(FileTestsSection)
    tests = section.root if section else []
    if not tests:
        return []
    failed: list[Problem] = []
    with scratch() as database:
        for number, test in enumerate(tests):
            with database.rehearsal() as db:
                failed += _run(version, db, test, ("tests", number))
            if rest:
                time.sleep(rest)
    return failed


def _run(version: Version, db: Connection, test: FileTest, where: Location) -> Iterator[Problem]:
    """The turns until one does not come out as it should: what follows it would be judged on a wrong footing."""
    config = version.settings.config
    openid, now = f"oTest{where[1]:0>23}", moment(test.at, config.zone)
    become(db, openid, test.follower, config, now)
    lottery.publish_due(db, config, now, seed=_SEED)
    who = Rehearsal(version, db, openid, now=now)
    came: Tried | None = None
    for number, (place, turn) in enumerate(test.steps(where), 1):
        who.now += span(turn.after) if turn.after else timedelta()
        who.luck = turn.luck if turn.luck is not None else test.luck
        came = _done(who, turn, came)
        miss = missed(turn.expects, came) if turn.expects is not None else None
        if came.bug is not None or miss is not None:
            nth = (f"第 {number} 轮", f", turn {number}") if test.turns else ("", "")
            here = (*place, "expects") if turn.expects is not None else place
            at = (*here, miss.key) if miss and isinstance(turn.expects, Expected) else here
            zh, en = (miss.zh, miss.en) if miss else ("程序出错", "a defect")
            yield Problem(
                at, f"测试“{test.name}”{nth[0]}没通过：{zh}，{_came(came)}", f"test {test.name!r}{nth[1]} failed: {en}; {_came_en(came)}"
            )
            return


def _done(who: Rehearsal, turn: Turn, before: Tried | None) -> Tried:
    if turn.taps is not None:
        return who.says(*_choice(turn.taps, before))
    if turn.presses is not None:
        return who.presses(turn.presses, turn.result)
    if turn.sends is not None:
        return who.sends(turn.sends)
    if turn.scans is not None:
        return who.scans(turn.scans)
    if turn.event is not None:
        return who.does(turn.event)
    return who.follows() if turn.follows else who.says(turn.says or "")


def _choice(wanted: str, before: Tried | None) -> tuple[str, str]:
    """Words and id of a choice of the reply before; the words alone where there is none like it, which is as if they were typed."""
    choices = before.choices if before else ()
    if wanted.isdecimal() and 0 < int(wanted) <= len(choices):
        return choices[int(wanted) - 1]
    return next((one for one in choices if one[0] == wanted), (wanted, ""))


def _came(came: Tried) -> str:
    if came.bug is not None:
        return came.steps[-1][0]
    by = f"（{came.rule}{f'，{came.place}' if came.place else ''}）" if came.rule else ""
    return f"实际回复“{brief(came.reply)}”{by}" if came.reply is not None else f"实际没有回复{by}"


def _came_en(came: Tried) -> str:
    if came.bug is not None:
        return f"{type(came.bug).__name__}: {came.bug}"
    by = f" ({came.rule}{f', {came.place}' if came.place else ''})" if came.rule else ""
    return f"the reply was “{brief(came.reply)}”{by}" if came.reply is not None else f"there was no reply{by}"


def passed(config: Config) -> tuple[str, str] | None:
    """How many tests have passed for the file to be taken, in words; None where there are none."""
    section = config.get(FileTestsSection)
    number = len(section.root) if section else 0
    return (f"{number} 个测试全部通过", "1 test passed" if number == 1 else f"{number} tests passed") if number else None
