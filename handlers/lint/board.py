"""YZ833: formulas of boards that count what nothing in the file ever pays for."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.board import BoardsSection
from handlers.checkin import CheckinSection
from handlers.poll import PollsSection
from handlers.referral import ReferralSection
from handlers.survey import SurveysSection
from models.code_word import CodeWordRules
from models.config import Config, Problem
from models.earn_rules import EarnRules

_FED_BY = {
    "checkin": "签到（checkin 这一段）",
    "survey": "有 reward.points 的问卷",
    "vote": " points.earn.vote，也没有 reward.points 的投票",
    "activity": " points.words",
    "follow": " points.earn.follow",
    "birthday": " points.earn.birthday",
    "message": " points.earn.message",
    "referral": "邀请（referral 这一段）",
}


def unfed(config: Config) -> Iterator[Problem]:
    """Acts in a formula for which nobody ever earns points: boards count entries of the ledger."""
    section = config.get(BoardsSection)
    boards = section.root if section else []
    if not boards:
        return
    fed = _fed(config)
    for number, board in enumerate(boards):
        for kind in board.formula:
            if kind != "points" and not fed[kind]:
                yield Problem(
                    ("boards", number, "formula", kind),
                    f"榜单只数账本里的积分，文件里没有{_FED_BY[kind]}：{kind} 永远是 0 次",
                    f"boards count entries of points, and nothing in the file pays for {kind}",
                    "YZ833",
                )


def _fed(config: Config) -> dict[str, bool]:
    """Which kinds of acts somebody is paid for."""
    surveys, polls = config.get(SurveysSection), config.get(PollsSection)
    earning, words = config.of_kind(EarnRules), config.of_kind(CodeWordRules)
    pays = {kind: earning is not None and getattr(earning.earn, kind) is not None for kind in ("vote", "follow", "birthday", "message")}
    return {
        **pays,
        "vote": pays["vote"] or any(one.reward and one.reward.points for one in (polls.root if polls else ())),
        "checkin": config.get(CheckinSection) is not None,
        "survey": any(one.reward and one.reward.points for one in (surveys.root if surveys else ())),
        "activity": bool(words and words.words),
        "referral": config.get(ReferralSection) is not None,
    }
