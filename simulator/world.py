"""Everything one simulator knows, put together once at the start."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from simulator.alarms import Alarms
from simulator.allowance import Allowances
from simulator.articles import Articles
from simulator.authorizations import Authorizations
from simulator.clock import Clock
from simulator.codes import Codes
from simulator.conversation import Conversations
from simulator.courier import Courier
from simulator.crowd import Crowd
from simulator.faults import Faults
from simulator.ids import Ids
from simulator.industries import Industries
from simulator.jobs import Jobs
from simulator.journal import Journal
from simulator.mass_jobs import MassJobs
from simulator.media import MediaStore
from simulator.menus import Menus
from simulator.moods import Moods
from simulator.options import Options
from simulator.publish_jobs import PublishJob
from simulator.quota import Quotas
from simulator.receipts import Receipts
from simulator.repeats import Repeats
from simulator.service_desk import ServiceDesk
from simulator.settings import Settings
from simulator.statistics import Statistics
from simulator.subscriptions import Subscriptions
from simulator.templates import SHIPPED, Template
from simulator.tokens import TokenDesk


@dataclass(slots=True)
class World:
    """The state of the fake platform. It lives in memory and in one event loop, so nothing here needs a lock."""

    options: Options
    settings: Settings
    clock: Clock
    ids: Ids
    journal: Journal
    crowd: Crowd
    conversations: Conversations
    moods: Moods
    alarms: Alarms
    courier: Courier
    receipts: Receipts
    tokens: TokenDesk
    quotas: Quotas
    faults: Faults
    latency: float
    templates: dict[str, Template]
    media: MediaStore
    codes: Codes
    subscriptions: Subscriptions
    authorizations: Authorizations
    jobs: Jobs
    articles: Articles
    mass: MassJobs
    statistics: Statistics
    publish_jobs: dict[str, PublishJob] = field(default_factory=dict)
    repeats: Repeats = field(default_factory=Repeats)
    allowances: Allowances = field(default_factory=Allowances)
    api_counts: Counter[tuple[str, int]] = field(default_factory=Counter)
    menus: Menus = field(default_factory=Menus)
    industries: Industries = field(default_factory=Industries)
    blocked: list[dict[str, Any]] = field(default_factory=list)
    desk: ServiceDesk = field(default_factory=ServiceDesk)
    samples: dict[str, str] = field(default_factory=dict)
    """media_ids of the files `simulator.samples` has stored."""


def create(options: Options) -> World:
    """A world as the options want it. Call it inside a running loop: the courier opens its client."""
    clock = Clock(options.start, options.speed)
    settings = options.settings()
    run = f"{options.seed}:{int(clock.started)}"
    ids = Ids(clock.started, options.seed)
    journal = Journal()
    alarms = Alarms(clock, journal, options.webhook)
    faults = Faults(options.seed)
    courier = Courier(options, settings, clock, journal, faults, alarms)
    crowd = Crowd(options.followers, options.seed, clock.started, options.unsubscribed)
    conversations = Conversations(clock, ids, journal)
    moods = Moods(crowd, options.seed)
    conversations.on_message.append(moods.notice)
    statistics = Statistics(clock, crowd)
    courier.observers.append(statistics.push)
    return World(
        options=options,
        settings=settings,
        clock=clock,
        ids=ids,
        journal=journal,
        crowd=crowd,
        conversations=conversations,
        moods=moods,
        alarms=alarms,
        courier=courier,
        receipts=Receipts(options, settings, clock, courier),
        tokens=TokenDesk(run),
        quotas=Quotas(clock),
        faults=faults,
        latency=options.latency,
        templates={template.template_id: template for template in SHIPPED},
        media=MediaStore(run),
        codes=Codes(run),
        subscriptions=Subscriptions(),
        authorizations=Authorizations(run),
        jobs=Jobs(clock),
        articles=Articles(options.seed, clock.started),
        mass=MassJobs(clock.started),
        statistics=statistics,
    )
