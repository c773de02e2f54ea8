"""One call of the fake API on its way to an answer, and what an endpoint is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simulator.errors import Refused

if TYPE_CHECKING:
    from simulator.world import World

Answer = dict[str, Any]


@dataclass(slots=True)
class Call:
    """A request that has passed method, token, quota and JSON. `note` goes into the journal beside request and response."""

    path: str
    query: Mapping[str, str]
    body: dict[str, Any]
    now: float
    note: dict[str, Any] = field(default_factory=dict)

    def text(self, name: str, missing: int) -> str:
        """The body's field as a non-empty string; anything else is refused with the errcode `missing`."""
        value = self.body.get(name)
        if not isinstance(value, str) or not value:
            raise Refused(missing)
        return value


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How one path is called: its method (ANY where the real one does not mind), its calls per day, and whether a token is needed."""

    answer: Callable[["World", Call], Answer]
    method: str
    daily: int | None = None
    needs_token: bool = True


Table = dict[str, Endpoint]
"""An area's paths; the areas' tables are joined in `simulator.endpoints`."""
