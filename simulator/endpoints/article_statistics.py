"""Statistics of articles: who opened which page. Sharing, liking and collecting do not exist here, so their numbers are 0.

The six interfaces without "article" and "biz" in their names, and getarticlesummary and getarticletotal, are no longer kept up by the
platform; the other four have numbers from 2025-11-01 on.
"""

from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from simulator.articles import Article, Publication
from simulator.call import Answer, Call, Endpoint, Table
from simulator.clock import SHANGHAI
from simulator.endpoints.statistics import FIRST_DAY, Row, asked_range
from simulator.world import World

FIRST_NEW_DAY = date(2025, 11, 1)
EVERYBODY = 99_999_999
"""The reading source that stands for all of them."""
TRACKED = 30
TRACKED_BEFORE = 7
NEVER = {"share_user": 0, "zaikan_user": 0, "like_user": 0, "comment_count": 0, "collection_user": 0}
NEVER_BEFORE = {
    "ori_page_read_user": 0,
    "ori_page_read_count": 0,
    "share_user": 0,
    "share_count": 0,
    "add_to_fav_user": 0,
    "add_to_fav_count": 0,
}

Rows = Callable[[World, date, date], list[Row]]


def _read(world: World, begin: date, end: date) -> list[Row]:
    return [
        {"ref_date": f"{begin}", "msgid": _msgid(publication, place), "detail": _readers(readers)}
        for publication, place, article in world.articles.readable()
        if (readers := _between(article, begin, begin))
    ]


def _nobody(world: World, begin: date, end: date) -> list[Row]:
    return []


def _account(world: World, begin: date, end: date) -> list[Row]:
    rows = []
    for when in _days(begin, end):
        readers: Counter[str] = Counter()
        for _, _, article in world.articles.readable():
            readers.update(_between(article, when, when))
        sent = sum(_published_on(publication) == when for publication, _, _ in world.articles.readable())
        detail = {**_readers(readers), **NEVER, "redirect_ori_page_user": 0, "send_page_count": sent}
        rows.append({"ref_date": f"{when}", "detail": detail})
    return rows


def _since_publication(world: World, begin: date, end: date) -> list[Row]:
    return [
        {
            "ref_date": f"{begin}",
            "msgid": _msgid(publication, place),
            "publish_type": int(not publication.told),
            "title": article.item["title"],
            "content_url": publication.url(place),
            "detail_list": [
                {"stat_date": f"{when}", **_readers(_between(article, begin, when)), **NEVER, "read_subscribe_user": 0}
                for when in _days(begin, min(_yesterday(world), begin + timedelta(TRACKED - 1)))
            ],
        }
        for publication, place, article in world.articles.readable()
        if _published_on(publication) == begin
    ]


def _read_before(world: World, begin: date, end: date) -> list[Row]:
    return [
        {"ref_date": f"{begin}", "msgid": _msgid(publication, place), "title": article.item["title"], **_pages(readers)}
        for publication, place, article in world.articles.readable()
        if publication.told and (readers := _between(article, begin, begin))
    ]


def _since_sending(world: World, begin: date, end: date) -> list[Row]:
    return [
        {
            "ref_date": f"{begin}",
            "msgid": _msgid(publication, place),
            "title": article.item["title"],
            "details": [
                {"stat_date": f"{when}", "target_user": publication.reached, **_pages(_between(article, begin, when))}
                for when in _days(begin, min(_yesterday(world), begin + timedelta(TRACKED_BEFORE - 1)))
            ],
        }
        for publication, place, article in world.articles.readable()
        if publication.told and _published_on(publication) == begin
    ]


def _reading(world: World, begin: date, end: date) -> list[Row]:
    return [{"ref_date": f"{when}", "user_source": EVERYBODY, **_pages(_all_between(world, f"{when}"))} for when in _days(begin, end)]


def _reading_by_hour(world: World, begin: date, end: date) -> list[Row]:
    return [
        {"ref_date": f"{begin}", "ref_hour": hour * 100, "user_source": EVERYBODY, **_pages(readers)}
        for hour in range(24)
        if (readers := _all_between(world, f"{begin} {hour:02}"))
    ]


def _all_between(world: World, beginning: str) -> Counter[str]:
    """Everybody who opened any page at a moment that begins so, and how often."""
    readers: Counter[str] = Counter()
    for _, _, article in world.articles.readable():
        for stamp, opened in article.readers.items():
            if stamp.startswith(beginning):
                readers.update(opened)
    return readers


def _between(article: Article, begin: date, end: date) -> Counter[str]:
    readers: Counter[str] = Counter()
    for stamp, opened in article.readers.items():
        if f"{begin}" <= stamp[:10] <= f"{end}":
            readers.update(opened)
    return readers


def _readers(readers: Counter[str]) -> dict[str, Any]:
    return {"read_user": len(readers), "read_user_source": [{"user_count": len(readers), "scene_desc": "全部"}]}


def _pages(readers: Counter[str]) -> dict[str, Any]:
    return {"int_page_read_user": len(readers), "int_page_read_count": readers.total(), **NEVER_BEFORE}


def _msgid(publication: Publication, place: int) -> str:
    return f"{publication.msg_data_id}_{place + 1}"


def _published_on(publication: Publication) -> date:
    return datetime.fromtimestamp(publication.at, SHANGHAI).date()


def _yesterday(world: World) -> date:
    return world.clock.moment().date() - timedelta(1)


def _days(begin: date, end: date) -> list[date]:
    return [begin + timedelta(number) for number in range((end - begin).days + 1)]


def _new(rows: Rows, most: int) -> Endpoint:
    def answer(world: World, call: Call) -> Answer:
        return {"list": rows(world, *asked_range(world, call, most, FIRST_NEW_DAY)), "is_delay": False}

    return Endpoint(answer, "POST")


def _old(rows: Rows, most: int) -> Endpoint:
    def answer(world: World, call: Call) -> Answer:
        return {"list": rows(world, *asked_range(world, call, most, FIRST_DAY))}

    return Endpoint(answer, "POST")


TABLE: Table = {
    "/datacube/getarticleread": _new(_read, 1),
    "/datacube/getarticleshare": _new(_nobody, 1),
    "/datacube/getbizsummary": _new(_account, 30),
    "/datacube/getarticletotaldetail": _new(_since_publication, 1),
    "/datacube/getarticlesummary": _old(_read_before, 1),
    "/datacube/getarticletotal": _old(_since_sending, 1),
    "/datacube/getuserread": _old(_reading, 3),
    "/datacube/getuserreadhour": _old(_reading_by_hour, 1),
    "/datacube/getusershare": _old(_nobody, 7),
    "/datacube/getusersharehour": _old(_nobody, 1),
}
