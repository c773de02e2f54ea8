"""Publishing drafts without telling anybody (freepublish): a job, its event, and what can be read afterwards."""

from typing import Any

from simulator.articles import Publication
from simulator.call import Answer, Call, Endpoint, Table
from simulator.endpoints.drafts import bounds, found
from simulator.errors import Refused
from simulator.publish_jobs import PublishJob, carry_out
from simulator.world import World

DELETED_BY_ACCOUNT = 5


def submit(world: World, call: Call) -> Answer:
    """POST /cgi-bin/freepublish/submit: the job is under way; its end is an event."""
    job = PublishJob(world.articles.new_data_id(), found(world, call), call.origin, call.now)
    world.publish_jobs[str(job.msg_data_id)] = job
    world.jobs.start(carry_out(world, job))
    return {"errcode": 0, "errmsg": "ok", "publish_id": str(job.msg_data_id), "msg_data_id": str(job.msg_data_id)}


def status(world: World, call: Call) -> Answer:
    """POST /cgi-bin/freepublish/get: 0 published, 1 under way, 2 to 4 refused, 5 all of it deleted by the account."""
    asked = call.body.get("publish_id")
    job = world.publish_jobs.get(str(asked))
    if job is None:
        raise Refused(53502)
    answer: Answer = {"publish_id": str(asked), "publish_status": job.status, "fail_idx": job.failed}
    if job.publication is None:
        return answer
    if job.publication.deleted:
        return {**answer, "publish_status": DELETED_BY_ACCOUNT}
    urls = [{"idx": number, "article_url": url} for number, url in enumerate(job.publication.urls(), 1)]
    return {**answer, "article_id": job.publication.article_id, "article_detail": {"count": len(urls), "item": urls}}


def delete(world: World, call: Call) -> Answer:
    """POST /cgi-bin/freepublish/delete: the article at `index`, counted from 1, or all with 0. It cannot be undone."""
    publication = _publication(world, call)
    place = call.number("index", 40060, 0)
    if not 0 <= place <= len(publication.articles):
        raise Refused(40060)
    for article in publication.articles[place - 1 : place] if place else publication.articles:
        article.deleted = True
    return {"errcode": 0, "errmsg": "ok"}


def article(world: World, call: Call) -> Answer:
    """POST /cgi-bin/freepublish/getarticle."""
    return {"news_item": _shown(_publication(world, call))}


def page(world: World, call: Call) -> Answer:
    """POST /cgi-bin/freepublish/batchget: 1 to 20 from an offset, the newest first."""
    offset, size = bounds(call)
    bare = call.body.get("no_content") == 1
    published = [one for one in reversed(world.articles.publications.values()) if not one.told]
    items = [
        {"article_id": one.article_id, "content": {"news_item": _shown(one, bare)}, "update_time": int(one.at)}
        for one in published[offset : offset + size]
    ]
    return {"total_count": len(published), "item_count": len(items), "item": items}


def _publication(world: World, call: Call) -> Publication:
    publication = world.articles.publications.get(call.text("article_id", 53600))
    if publication is None:
        raise Refused(53600)
    return publication


def _shown(publication: Publication, bare: bool = False) -> list[dict[str, Any]]:
    return [
        {
            **{name: value for name, value in article.item.items() if not (bare and name == "content")},
            "url": publication.url(place),
            "is_deleted": article.deleted,
        }
        for place, article in enumerate(publication.articles)
    ]


TABLE: Table = {
    "/cgi-bin/freepublish/submit": Endpoint(submit, "POST", daily=100),
    "/cgi-bin/freepublish/get": Endpoint(status, "POST", daily=100),
    "/cgi-bin/freepublish/delete": Endpoint(delete, "POST", daily=10),
    "/cgi-bin/freepublish/getarticle": Endpoint(article, "POST", daily=100),
    "/cgi-bin/freepublish/batchget": Endpoint(page, "POST", daily=100),
}
