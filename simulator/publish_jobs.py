"""A draft on its way to being published: a second of checking, then pages and an event."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator.articles import Draft, Publication

if TYPE_CHECKING:
    from simulator.world import World

SUCCEEDED, UNDER_WAY = 0, 1


@dataclass(slots=True)
class PublishJob:
    """One submission; its publish_id is the msg_data_id. `status` is the platform's number for how it stands."""

    msg_data_id: int
    draft: Draft
    base: str
    at: float
    status: int = UNDER_WAY
    publication: Publication | None = None

    @property
    def failed(self) -> list[int]:
        """The places, counted from 1, of the articles that were refused: all of them or none."""
        refused = self.status not in (SUCCEEDED, UNDER_WAY)
        return list(range(1, len(self.draft.items) + 1)) if refused else []


async def carry_out(world: "World", job: PublishJob) -> None:
    """The articles can be read, or the settings had it otherwise; the account is told either way."""
    await world.jobs.until(job.at + world.settings.publish.review)
    job.status = world.settings.publish.status
    info: dict[str, Any] = {"publish_id": job.msg_data_id, "publish_status": job.status}
    if job.status == SUCCEEDED:
        job.publication = world.articles.publish(job.draft, job.msg_data_id, job.base, world.clock.now(), told=False)
        world.articles.discard(job.draft.media_id)
        items = [{"idx": number, "article_url": url} for number, url in enumerate(job.publication.urls(), 1)]
        info |= {"article_id": job.publication.article_id, "article_detail": {"count": len(items), "item": items}}
    else:
        info["fail_idx"] = job.failed
    event = {"Event": world.settings.publish.event, "PublishEventInfo": info}
    world.receipts.report(world.settings.mass.reporter, event)
