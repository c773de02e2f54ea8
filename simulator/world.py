"""Everything one simulator knows, put together once at the start."""

from collections import Counter
from dataclasses import dataclass, field

from simulator.allowance import Allowances
from simulator.clock import Clock
from simulator.conversation import Conversations
from simulator.courier import Courier
from simulator.crowd import Crowd
from simulator.faults import Faults
from simulator.ids import Ids
from simulator.journal import Journal
from simulator.options import Options
from simulator.quota import Quotas
from simulator.receipts import Receipts
from simulator.repeats import Repeats
from simulator.templates import SHIPPED, Template
from simulator.tokens import TokenDesk


@dataclass(slots=True)
class World:
    """The state of the fake platform. It lives in memory and in one event loop, so nothing here needs a lock."""

    options: Options
    clock: Clock
    ids: Ids
    journal: Journal
    crowd: Crowd
    conversations: Conversations
    courier: Courier
    receipts: Receipts
    tokens: TokenDesk
    quotas: Quotas
    faults: Faults
    latency: float
    templates: dict[str, Template]
    repeats: Repeats = field(default_factory=Repeats)
    allowances: Allowances = field(default_factory=Allowances)
    api_counts: Counter[tuple[str, int]] = field(default_factory=Counter)


def create(options: Options) -> World:
    """A world as the options want it. Call it inside a running loop: the courier opens its client."""
    clock = Clock()
    ids = Ids(clock.now())
    journal = Journal()
    courier = Courier(options, clock, journal)
    return World(
        options=options,
        clock=clock,
        ids=ids,
        journal=journal,
        crowd=Crowd(options.followers, options.seed, clock.now(), options.unsubscribed),
        conversations=Conversations(clock, ids, journal),
        courier=courier,
        receipts=Receipts(options, clock, courier),
        tokens=TokenDesk(),
        quotas=Quotas(clock),
        faults=Faults(options.seed),
        latency=options.latency,
        templates={template.template_id: template for template in SHIPPED},
    )
