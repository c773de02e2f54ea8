"""What kind of person each follower is: how often and when they open the chat, what they do there, how much they put up with."""

from dataclasses import dataclass
from random import Random

KINDS = (
    # share, opens the chat on a day with this probability, checks in then, patience in unasked-for messages
    ("regular", 0.10, (0.80, 0.97), 0.95, (5.0, 14.0)),
    ("occasional", 0.28, (0.12, 0.30), 0.60, (3.0, 9.0)),
    ("rare", 0.42, (0.01, 0.05), 0.25, (2.0, 6.0)),
    ("silent", 0.20, (0.000, 0.003), 0.05, (1.5, 8.0)),
)
"""A made-up crowd: about one in six opens the chat on a given day, most of those because they do so every day."""
PEAKS = (8.5, 12.5, 18.5, 21.5)
"""Hours at which people look at their phones: on the way to work, at lunch, on the way home, before bed."""


@dataclass(frozen=True, slots=True)
class Habits:
    """One person. `hour` is when they usually come, give or take `spread` hours; shares are probabilities."""

    kind: str
    opens: float
    hour: float
    spread: float
    checks_in: float
    menus: float
    surveys: float
    asks: float
    chats: float
    mutes: float
    patience: float
    """Unasked-for messages, each forgotten after a few days, before they have had enough."""


def of(number: int, seed: int) -> Habits:
    """The habits of the follower of this number, the same in every run of the seed."""
    random = Random(f"habits:{seed}:{number}")
    kind, _, opens, checks_in, patience = random.choices(KINDS, [share for _, share, *_ in KINDS])[0]
    return Habits(
        kind=kind,
        opens=random.uniform(*opens),
        hour=random.choice(PEAKS) + random.gauss(0, 1),
        spread=random.uniform(0.1, 0.5) if kind == "regular" else random.uniform(0.5, 3.0),
        checks_in=min(1.0, checks_in * random.uniform(0.8, 1.2)),
        menus=random.random() ** 5,
        surveys=random.random() ** 13,
        asks=random.random() ** 3,
        chats=random.random() ** 9,
        mutes=random.random() ** 2,
        patience=random.uniform(*patience),
    )
