"""Faults on demand. Of the API: an errcode, a broken gateway, a slow answer, an acceptance nobody hears of. Of pushes: lost, late, twice, out of order."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from random import Random
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


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
    delay: float = Field(
        default=0.0, ge=0, le=600, description="Seconds before the answer, on top of the usual latency, or before the push."
    )
    push: str | None = Field(default=None, description="Strikes pushes of this MsgType or Event (`*` matches any) instead of API calls.")
    lost: bool = Field(default=False, description="The push is never made.")
    copies: int = Field(default=1, ge=1, le=10, description="So many copies of the push arrive at once.")
    swap: bool = Field(default=False, description="The push arrives after the same follower's next one.")

    @model_validator(mode="after")
    def _strikes_calls_or_pushes(self) -> Self:
        calls = self.errcode is not None or self.status is not None or self.drop_response > 0
        pushes = self.lost or self.swap or self.copies > 1
        if self.push is not None and calls:
            raise ValueError("push 规则不能有 errcode、status、drop_response：它们是接口的故障")
        if self.push is None and pushes:
            raise ValueError('lost、copies、swap 是推送的故障：请加上 "push": "*" 或某个 MsgType、Event')
        return self


@dataclass(slots=True)
class Verdict:
    """What shall go wrong with one call."""

    errcode: int | None = None
    errmsg: str | None = None
    status: int | None = None
    drop: bool = False
    delay: float = 0.0


@dataclass(slots=True)
class PushVerdict:
    """What shall go wrong with one push."""

    lost: bool = False
    copies: int = 1
    swap: bool = False
    delay: float = 0.0


class Faults:
    """The rules in force, asked once for each call and each push."""

    def __init__(self, seed: int) -> None:
        self._random = Random(f"faults:{seed}")
        self._of_pushes = Random(f"push faults:{seed}")
        self.rules: list[Rule] = []

    def draw_push(self, kind: str) -> PushVerdict:
        """The sum of all rules for pushes of this MsgType or Event that strike; a rule's `times` goes down whenever it strikes."""
        verdict = PushVerdict()
        for rule in self.rules:
            if rule.push is None or rule.times == 0 or not fnmatchcase(kind, rule.push) or self._of_pushes.random() >= rule.probability:
                continue
            if rule.times is not None:
                rule.times -= 1
            verdict.lost |= rule.lost
            verdict.copies = max(verdict.copies, rule.copies)
            verdict.swap |= rule.swap
            verdict.delay += rule.delay
        return verdict

    def draw(self, path: str) -> Verdict:
        """The sum of all rules that match and strike; a rule's `times` goes down whenever it strikes."""
        verdict = Verdict()
        for rule in self.rules:
            if rule.push is not None or rule.times == 0 or not fnmatchcase(path, rule.path) or self._random.random() >= rule.probability:
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
