"""One call of the fake API on its way to an answer, and what an endpoint is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from simulator.errors import Refused

if TYPE_CHECKING:
    from simulator.world import World

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Document:
    """An answer that is no JSON: a picture, a recording, a page, or (with a `location`) the way to another one."""

    content: bytes
    content_type: str
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a multipart form. Without a plain file name the platform takes it for missing."""

    name: str
    content_type: str
    content: bytes


@dataclass(slots=True)
class Call:
    """A request that has passed method, token, quota and parsing. `note` goes into the journal beside request and response.

    `origin` is the address the caller used, `http://127.0.0.1:8001`: what the platform answers with links begins with it.
    """

    path: str
    query: Mapping[str, str]
    body: dict[str, Any]
    now: float
    note: dict[str, Any] = field(default_factory=dict)
    raw: bytes = b""
    files: Mapping[str, Upload] = field(default_factory=dict)
    origin: str = ""

    def text(self, name: str, missing: int) -> str:
        """The body's field as a non-empty string; anything else is refused with the errcode `missing`."""
        value = self.body.get(name)
        if not isinstance(value, str) or not value:
            raise Refused(missing)
        return value

    def asked(self, name: str, missing: int) -> str:
        """The query's parameter, not empty; a missing one is refused with the errcode `missing`."""
        if not (value := self.query.get(name, "")):
            raise Refused(missing)
        return value

    def number(self, name: str, refused: int = 47001, otherwise: int | None = None) -> int:
        """The body's field as an integer, `otherwise` when it is absent; anything else is refused."""
        value = self.body.get(name, otherwise)
        if not isinstance(value, int) or isinstance(value, bool):
            raise Refused(refused)
        return value


def whole(value: object) -> int | None:
    """The number at or above zero that a text or a number says, as clients send both; None for anything else."""
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How one path is called: its method (ANY where the real one does not mind), its calls per day, whether a token is needed,
    and what its body is: `json`, a multipart `form` (its plain fields are the call's body, its files beside them), or `any`."""

    answer: Callable[["World", Call], Answer | Document]
    method: str
    daily: int | None = None
    needs_token: bool = True
    takes: Literal["json", "form", "any"] = "json"


Table = Mapping[str, Endpoint]
"""An area's paths; the areas' tables are joined in `simulator.endpoints`."""
