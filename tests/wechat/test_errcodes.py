"""The platform's error codes."""

from __future__ import annotations

import pytest

from wechat.errcodes import Action, action_of, meaning_of


@pytest.mark.parametrize(
    ("errcode", "action"),
    [
        (0, Action.DONE), (45065, Action.DONE), (-1, Action.RETRY), (40001, Action.REFRESH_TOKEN), (40014, Action.REFRESH_TOKEN),
        (42001, Action.REFRESH_TOKEN), (43004, Action.FOLLOWER), (43019, Action.FOLLOWER), (40003, Action.FOLLOWER),
        (48002, Action.FOLLOWER), (40037, Action.STOP), (40249, Action.STOP), (43116, Action.STOP), (45011, Action.NEXT_MINUTE),
        (45009, Action.NEXT_DAY), (45015, Action.WINDOW), (45047, Action.WINDOW), (47003, Action.CONTENT), (45002, Action.CONTENT),
        (48001, Action.CONFIG), (48004, Action.CONFIG), (40164, Action.CONFIG), (40125, Action.CONFIG), (47001, Action.BUG),
        (40033, Action.BUG),
    ],
)  # fmt: skip
def test_each_kind_of_error_has_its_action(errcode: int, action: Action) -> None:
    assert action_of(errcode) is action
    assert meaning_of(errcode) != meaning_of(123456789)


def test_an_unknown_error_is_a_bug_so_that_nobody_repeats_it() -> None:
    assert action_of(123456789) is Action.BUG
    assert meaning_of(123456789) == "未知错误码"
