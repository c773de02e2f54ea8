"""Faults on demand: an errcode, a broken gateway, a slow answer, or an acceptance nobody hears of."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from random import Random

from pydantic import BaseModel, ConfigDict, Field


class Rule(BaseModel):
    """What goes wrong, for which paths (`*` matches anything), how probably, and how many times more."""

    model_config = ConfigDict(extra="forbid")

    path: str = "*"
    probability: float = Field(default=1.0, ge=0, le=1)
    times: int | None = Field(default=None, ge=0)
    errcode: int | None = None
    errmsg: str | None = None
    status: int | None = Field(default=None, ge=400, le=599, description="An HTML page with this HTTP status, as a gateway gives it.")
    drop_response: float = Field(default=0.0, ge=0, le=1, description="Probability of accepting and then closing the connection.")
    delay: float = Field(default=0.0, ge=0, le=600, description="Seconds before the answer, on top of the usual latency.")


@dataclass(slots=True)
class Verdict:
    """What shall go wrong with one call."""

    errcode: int | None = None
    errmsg: str | None = None
    status: int | None = None
    drop: bool = False
    delay: float = 0.0


class Faults:
    """The rules in force, asked once for each call."""

    def __init__(self, seed: int) -> None:
        self._random = Random(f"faults:{seed}")
        self.rules: list[Rule] = []

    def draw(self, path: str) -> Verdict:
        """The sum of all rules that match and strike; a rule's `times` goes down whenever it strikes."""
        verdict = Verdict()
        for rule in self.rules:
            if rule.times == 0 or not fnmatchcase(path, rule.path) or self._random.random() >= rule.probability:
                continue
            drop = rule.drop_response > 0 and self._random.random() < rule.drop_response
            if rule.errcode is None and rule.status is None and not rule.delay and not drop:
                continue
            if rule.times is not None:
                rule.times -= 1
            verdict.drop |= drop
            verdict.delay += rule.delay
            verdict.status = verdict.status or rule.status
            if verdict.errcode is None and rule.errcode is not None:
                verdict.errcode, verdict.errmsg = rule.errcode, rule.errmsg
        return verdict
