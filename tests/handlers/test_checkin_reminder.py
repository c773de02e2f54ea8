"""签到提醒: whoever asked is told before the streak breaks, once; nobody else ever is."""

from __future__ import annotations

from scheduler import upkeep
from tests.conftest import Founded
from tests.people import World

CONFIG = """
keywords: {rules: [], fallback: 你好}
checkin:
  rules: {points: 5}
  reminder: {at: "20:00", from_streak: 2, text: "连续 {streak} 天了，别断"}
  replies: {done: 好}
points: {levels: {}}
"""


def look(world: World) -> None:
    """The clock looks after reminders, twice."""
    chore, service = upkeep.CHORES["checkin_reminders"], world.service
    for _ in range(2):
        world.run(upkeep.do(chore, service.database, service.live.config, service.clock))


def told(world: World) -> list[tuple[str, str]]:
    """Who is being told what by a customer-service message, the oldest first."""
    query = "SELECT f.openid, m.payload FROM customer_message m JOIN follower f ON f.id = m.follower_id ORDER BY m.id"
    return [(row[0], row[1]) for row in world.sql(query)]


def test_whoever_asked_is_told_once_before_the_streak_breaks_and_nobody_else_is(found: Founded) -> None:
    world = found(CONFIG)
    names = ("asked", "silent", "stopped", "refused", "left", "came", "short", "morning")
    people = {name: world.person(name) for name in names}
    world.moment("2026-11-01 09:00:00")
    for name, person in people.items():
        if name != "short":
            person.says("签到")
        if name not in ("silent", "morning"):
            said = person.says("签到提醒")
            assert said == "好的。连续签到 2 天以后，哪天到 20:00 还没签到，就提醒您一次。回复「取消签到提醒」就不再提醒"
    world.moment("2026-11-02 21:00:00")
    for person in people.values():
        person.says("签到")
    assert people["stopped"].says("取消签到提醒") == "好的，不再提醒签到"
    assert people["stopped"].says("取消签到提醒") == "您没有开启签到提醒"
    people["refused"].says("退订")
    assert str(people["refused"].says("签到提醒")).startswith("您退订了消息")
    world.moment("2026-11-03 08:00:00")
    people["left"].does("unsubscribe")
    people["came"].says("签到")
    people["morning"].says("签到")
    world.moment("2026-11-03 19:59:00")
    look(world)
    assert told(world) == []
    world.moment("2026-11-03 20:00:00")
    look(world)
    world.moment("2026-11-03 23:59:00")
    look(world)
    assert told(world) == [(people["asked"].openid, '{"msgtype": "text", "text": {"content": "连续 2 天了，别断"}}')]
    assert len(world.sql("SELECT id FROM notice")) == 1, "nothing waits for who stopped, refused or left"
    world.moment("2026-11-04 08:00:00")
    people["morning"].says("签到提醒")
    world.moment("2026-11-04 20:00:00")
    look(world)
    assert [who for who, _ in told(world)[1:]] == [people["came"].openid, people["morning"].openid], "who came the day before"

    asked = (
        "SELECT asked_by, words, stopped_at, stopped_by FROM checkin_reminder r JOIN follower f ON f.id = r.follower_id WHERE f.openid = :o"
    )
    people["stopped"].says("签到提醒")
    rows = world.sql(asked + " ORDER BY r.id", o=people["stopped"].openid)
    assert [(row[0].startswith("message|"), row[1], row[2] is not None, row[3] is not None) for row in rows] == [
        (True, "签到提醒", True, True),
        (True, "签到提醒", False, False),
    ]


def test_a_reminder_that_could_not_be_sent_is_not_told_to_somebody_who_has_just_checked_in(sqlite_url: str, found: Founded) -> None:
    world = found(CONFIG + "push: {quiet_hours: '19:00-23:00'}\n")
    wang, li = world.person("小王"), world.person("小李")
    for day in (1, 2):
        world.moment(f"2026-11-0{day} 09:00:00")
        for person in (wang, li):
            person.says("签到")
            person.says("签到提醒")
    world.moment("2026-11-03 20:30:00")
    look(world)
    assert told(world) == []
    world.moment("2026-11-03 21:00:00")
    assert wang.says("签到") == "好"
    assert wang.says("hi") == "你好"
    assert li.says("hi") == "你好\n\n连续 2 天了，别断"
    assert li.says("hi") == "你好"


def test_without_reminders_in_the_file_their_words_lead_nowhere_and_no_message_looks_for_notices(found: Founded) -> None:
    world = found("keywords: {fallback: 你好}\ncheckin: {}\n")
    assert world.person("小王").says("签到提醒") == "你好"
    postscripts = len(world.service.live.current.routes.postscripts)
    world.configure("keywords: {fallback: 你好}\n")
    assert len(world.service.live.current.routes.postscripts) == postscripts
