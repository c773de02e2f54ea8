"""The platform's error codes."""

from __future__ import annotations

import pytest

from wechat.errcodes import Action, action_of, meaning_of

# Every code of wechat-platform.md, sections 3 and 4: what is done about one does not change unnoticed.
KNOWN = {
    Action.DONE: {0, 45065, 45072, 45080, 45081},
    Action.RETRY: {
        -1, 42010, 45169, 45171, 53501, 61503, 268_487_001, 268_487_002, 268_488_001, 9_500_001, 9_500_002,
    },
    Action.REFRESH_TOKEN: {40001, 40014, 42001},
    Action.FOLLOWER: {40003, 43004, 43019, 43101, 46004, 48002, 49003, 50001, 50002, 50005, 68000, 70000},
    Action.STOP: {40036, 40037, 40152, 40165, 40249, 41030, 43116, 45028, 45062, 45168, 53500},
    Action.NEXT_MINUTE: {45011, 45066},
    Action.NEXT_DAY: {45009},
    Action.AUTHORIZE: {40029, 40030, 40163, 42002, 42003, 42007},
    Action.WINDOW: {45015, 45047},
    Action.CONTENT: {45002, 45003, 45004, 45005, 45006, 45166, 47003, 87014},
    Action.CONFIG: {
        40013, 40125, 40164, 40200, 40243, 41002, 41004, 43104, 45026, 45027, 45029, 45064, 48001, 48003, 48004, 48008, 50004, 50007,
        61003, 61004, 61007, 61023, 61024, 65400, 89503, 89504, 89505, 89506, 89507, 200_011, 200_012, 200_013,
    },
    Action.BUG: {
        40002, 40004, 40005, 40006, 40007, 40008, 40009, 40016, 40017, 40018, 40019, 40020, 40023, 40024, 40025, 40026, 40027, 40031,
        40032, 40033, 40035, 40038, 40039, 40048, 40050, 40051, 40052, 40053, 40054, 40055, 40059, 40060, 40065, 40092, 40097, 40117,
        40130, 40132, 40201, 40202, 40203, 40215, 40246, 40247, 41001, 41003, 41005, 41006, 41008, 41009, 41040, 43001, 43002, 43003,
        43005, 43100, 44001, 44002, 44003, 44004, 45001, 45007, 45008, 45010, 45016, 45017, 45018, 45056, 45057, 45058, 45059, 45067,
        45083, 45084, 45109, 45113, 45157, 45158, 45159, 45162, 46001, 46002, 46003, 47001, 48005, 48006, 48021, 48022, 53502, 53503,
        53504, 53505, 53600, 61450, 61451, 61452, 61453, 61454, 61455, 61456, 61457, 61500, 61501, 65301, 65303, 65316, 65320, 65401,
        65413, 65415, 65416, 65417, 76001, 76002, 76003, 76004, 76021, 76022, 87009, 88000, 88001, 88002, 88003, 88004, 88005, 88007,
        88008, 88010, 200_014, 200_016, 200_017, 200_018, 200_019, 200_020, 200_021, 200_022, 9_001_001,
    },
}  # fmt: skip
UNKNOWN = 123_456_789


@pytest.mark.parametrize("action", Action)
def test_every_code_of_the_platform_has_its_action_and_a_meaning(action: Action) -> None:
    assert KNOWN[action]
    for errcode in KNOWN[action]:
        assert action_of(errcode) is action, errcode
        assert meaning_of(errcode) != meaning_of(UNKNOWN), errcode


def test_no_code_has_two_actions() -> None:
    assert len(set().union(*KNOWN.values())) == sum(map(len, KNOWN.values())) == 230


def test_an_unknown_error_is_a_bug_so_that_nobody_repeats_it() -> None:
    assert action_of(UNKNOWN) is Action.BUG
    assert meaning_of(UNKNOWN) == "未知错误码"
