"""Boards: who contributed most, how it is counted, and where one stands; 榜单隐身 for who does not want to be named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field, RootModel

from handlers.routing import Answer, Context, Feature, Hearing, Trigger, normal
from models import board_closing, ranking
from models.board import BoardRules, HasBoards, Period, formula_in_words, period_called, shown
from models.clock import business_day
from models.config import Config, Problem, Rules, fill, says
from models.ranking import Line
from wechat.reply import Text

_ACTS = {
    "checkin": "签到",
    "survey": "填问卷",
    "vote": "投票",
    "activity": "参加活动",
    "follow": "首次关注",
    "birthday": "过生日",
    "message": "每日留言",
    "referral": "邀请朋友",
}
_SOME_DAY = date(2026, 1, 1)  # which words name a period does not depend on the day
_Word = Annotated[str, Field(min_length=1)]


class BoardWording(Rules):
    """The words of a board."""

    board: Annotated[str, says("title", "period", "list", "mine", "formula")] = Field(
        "{title} {period}\n{list}\n\n{mine}\n{formula}", description="榜单；连签榜没有 {period}"
    )
    past: Annotated[str, says("title", "period", "list", "mine")] = Field(
        "{title} {period}（已定榜）\n{list}\n\n{mine}", description="往期榜单"
    )
    line: Annotated[str, says("place", "name", "score")] = Field("{place}. {name} {score}", description="榜上每人一行")
    score: Annotated[str, says("score")] = Field("{score} 分", description="分数怎么说")
    days: Annotated[str, says("score")] = Field("{score} 天", description="连签榜的天数怎么说")
    nobody: Annotated[str, says()] = Field("还没有人上榜", description="空榜")
    anonymous: Annotated[str, says()] = Field("匿名", description="榜单隐身的人怎么称呼")
    mine: Annotated[str, says("place", "score")] = Field("您：第 {place} 名，{score}", description="自己的名次")
    mine_awarded: Annotated[str, says("place", "score", "award")] = Field(
        "您：第 {place} 名，{score}，奖励 {award}", description="往期里自己的名次和奖励"
    )
    not_on_board: Annotated[str, says()] = Field("您还没上榜", description="自己不在榜上")
    formula: Annotated[str, says("formula")] = Field("计分：{formula}", description="计分办法")
    act: Annotated[str, says("act", "weight")] = Field("{act}一次 {weight} 分", description="计分办法里的一种行为")
    per_point: Annotated[str, says("weight")] = Field("每挣 1 积分 {weight} 分", description="计分办法里的积分")
    by_streak: Annotated[str, says()] = Field("按现在连续签到的天数排", description="连签榜的计分办法")
    acts: Mapping[str, str] = Field(default_factory=dict, description="行为的叫法，例如 {survey: 调研}")
    not_closed: Annotated[str, says("title", "period")] = Field("{title} {period}还没有定榜", description="要看的那一期还没结束，或刚结束")
    no_such_period: Annotated[str, says("title", "period")] = Field("没有{period}的{title}", description="那一期没有这个榜")
    hidden: Annotated[str, says("word")] = Field(
        "好的，榜单上不再出现您的名字；照样算分、照样得奖。回复「{word}」恢复", description="榜单隐身"
    )
    visible: Annotated[str, says("word")] = Field("好的，榜单上会出现您的名字。回复「{word}」可以隐身", description="榜单现身")


class Board(BoardRules):
    """One board."""

    triggers: list[_Word] = Field(min_length=1, description="触发词；后面可以加 上月、上周、2026-10、2026-W46 看往期")
    hide: list[_Word] = Field(["榜单隐身"], min_length=1, description="不想在榜上出现名字的人说的词，对所有榜有效")
    show: list[_Word] = Field(["榜单现身"], min_length=1, description="恢复显示的词，对所有榜有效")
    replies: BoardWording = Field(default_factory=BoardWording, description="文案")


class BoardsSection(RootModel[list[Board]], HasBoards):
    """贡献榜、周榜、连签榜。"""

    key: ClassVar[str] = "boards"

    def boards(self) -> Sequence[BoardRules]:
        """All of them."""
        return self.root


def answer(ctx: Context, board: Board) -> Text:
    """The board as it is now, and where they stand."""
    zone, words = ctx.zone, board.replies
    period = None if board.per == "streak" else board.current(ctx.now, zone)
    found = ranking.standing(ctx.db, board, period, zone, ctx.now)
    mine = ranking.score_of(ctx.db, board, period, zone, ctx.now, ctx.follower.id)
    place = {"place": found.place(ctx.follower.id, mine), "score": _score(board, mine)}
    formula = fill(words.by_streak, {}) if period is None else formula_in_words(board, {**_ACTS, **words.acts}, words.act, words.per_point)
    said = {
        "title": board.title,
        "period": period.name if period else "",
        "list": _list(ctx, board, found.top),
        "mine": fill(words.mine, place) if mine else fill(words.not_on_board, {}),
        "formula": fill(words.formula, {"formula": formula}),
    }
    return Text(fill(words.board, said))


def past(ctx: Context, board: Board, period: Period) -> Text:
    """A period that is frozen, and where they were in it."""
    words, said = board.replies, {"title": board.title, "period": period.name}
    if board_closing.closed_at(ctx.db, board, period) is None:
        open_still = period.ends(ctx.zone) + board_closing.PATIENCE * 2 > ctx.now
        return Text(fill(words.not_closed if open_still else words.no_such_period, said))
    mine = board_closing.place_of(ctx.db, board, period, ctx.follower.id)
    lines = _list(ctx, board, board_closing.first(ctx.db, board, period, board.top))
    return Text(fill(words.past, said | {"list": lines, "mine": _mine(board, mine)}))


def _mine(board: Board, mine: tuple[Line, str] | None) -> str:
    if mine is None:
        return fill(board.replies.not_on_board, {})
    line, award = mine
    text = board.replies.mine_awarded if award else board.replies.mine
    return fill(text, {"place": line.place, "score": _score(board, line.score), "award": award})


def _score(board: Board, score: int) -> str:
    return fill(board.replies.days if board.per == "streak" else board.replies.score, {"score": shown(score)})


def _list(ctx: Context, board: Board, top: Sequence[Line]) -> str:
    """The lines of the list; nothing of a remark can look like a link."""
    words, names = board.replies, ranking.names(ctx.db, board, [line.follower_id for line in top])

    def line(one: Line) -> str:
        name = (names.get(one.follower_id) or fill(words.anonymous, {})).replace("<", "＜")
        return fill(words.line, {"place": one.place, "name": name, "score": _score(board, one.score)})

    return "\n".join(map(line, top)) or fill(words.nobody, {})


def _triggers(section: BoardsSection) -> Iterator[Trigger]:
    for number, board in enumerate(section.root):
        for place, word in enumerate(board.triggers):
            yield Trigger(("boards", number, "triggers", place), word, lambda ctx, board=board: answer(ctx, board), board.replies)  # type: ignore[misc]
    said: set[str] = set()
    for number, board in enumerate(section.root):
        for key, words, act in (("hide", board.hide, _hide), ("show", board.show, _show)):
            for place, word in enumerate(words):
                if normal(word) not in said:  # all boards may name the same words: they are about all of them
                    said.add(normal(word))
                    yield Trigger(("boards", number, key, place), word, lambda ctx, board=board, act=act: act(ctx, board), board.replies)  # type: ignore[misc]


def _hide(ctx: Context, board: Board) -> Text:
    ranking.hide(ctx.db, ctx.follower.id, ctx.now)
    return Text(fill(board.replies.hidden, {"word": board.show[0]}))


def _show(ctx: Context, board: Board) -> Text:
    ranking.show_again(ctx.db, ctx.follower.id)
    return Text(fill(board.replies.visible, {"word": board.hide[0]}))


def _listens(section: BoardsSection) -> Answer:
    """贡献榜 上月, 周榜 2026-W46: a board's word and a period."""
    words = _words(section)
    begins = tuple(word for word, _ in words)

    def heard(ctx: Context) -> Text | None:
        text = normal(ctx.text)
        if not begins or not text.startswith(begins):
            return None
        for word, board in words:
            period = _asked(text, word, board, ctx)
            if period is not None:
                ctx.explain(f"榜单 {board.key} 的 {period.key}")
                ctx.answered_by = f"boards:{board.key}"
                return answer(ctx, board) if period == board.current(ctx.now, ctx.zone) else past(ctx, board, period)
        return None

    return heard


def _words(section: BoardsSection) -> list[tuple[str, Board]]:
    return [(normal(word), board) for board in section.root if board.per != "streak" for word in board.triggers]


def _asked(text: str, word: str, board: Board, ctx: Context) -> Period | None:
    if not text.startswith(word):
        return None
    return period_called(board.per, text.removeprefix(word), business_day(ctx.now, ctx.zone))


def _hears(section: BoardsSection) -> Hearing:
    words = _words(section)

    def could_answer(text: str) -> bool:
        plain = normal(text)
        return any(plain.startswith(word) and period_called(board.per, plain.removeprefix(word), _SOME_DAY) for word, board in words)

    return Hearing(could_answer, ())


def _check(config: Config) -> Iterator[Problem]:
    """Keys that are used twice."""
    section = config.get(BoardsSection)
    seen: dict[str, int] = {}
    for number, board in enumerate(section.root if section else ()):
        if board.key in seen:
            yield Problem(
                ("boards", number, "key"),
                f"有两个榜叫 {board.key}",
                f"two boards are called {board.key}",
                there=("boards", seen[board.key], "key"),
            )
        seen.setdefault(board.key, number)


feature = Feature(name="boards", section=BoardsSection, triggers=_triggers, listens=_listens, hears=_hears, checks=_check)
