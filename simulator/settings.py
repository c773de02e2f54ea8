"""What the facts leave open, and what an experimenter turns while the simulator runs: one object, changed under /_sim/settings."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

MOST_ATTEMPTS = 10
LONGEST_DEADLINE = 60


class ReceiptSettings(BaseModel):
    """How receipts go astray. Shares are probabilities; seconds are of the simulator's clock, from acceptance to the first report."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    missing: float = Field(default=0.0, ge=0, le=1)
    doubled: float = Field(default=0.0, ge=0, le=1)
    system_failed: float = Field(default=0.0, ge=0, le=1)
    earliest: float = Field(default=0.05, ge=0)
    latest: float = Field(default=1.5, ge=0)


class MassSettings(BaseModel):
    """What becomes of mass messages."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    verdict: str = Field(default="send success", pattern=r"^(send success|send fail|err\(\d+\))$")
    """The Status of MASSSENDJOBFINISH. Anything but success delivers nothing: err(10001) is an advertisement, err(40001) and err(40002)
    are the account's protection of mass sending (API 群发保护): the administrator said no, or nothing for half an hour."""
    review: float = Field(default=0.0, ge=0)
    """Seconds before the verdict; 1800 for an administrator who says nothing."""
    repeat_wait: float = Field(default=0.0, ge=0)
    """Seconds within which a repeated clientmsgid gets 45066 (too fast) instead of 45065 (known); the pages say a minute, not of what."""
    reporter: str = "mphelper"
    """Who the job's events are said to come from: the sender assistant by the page's words, an openid in its example."""


class PublishSettings(BaseModel):
    """What becomes of a draft that is published."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    event: Literal["PUBLISHJOBFINISH", "FREEPUBLISHJOBFINISH"] = "PUBLISHJOBFINISH"
    """Samples in the field have both names."""
    status: Literal[0, 2, 3, 4] = 0
    """Published, or refused: not original, for another reason, by the platform's audit."""
    review: float = Field(default=1.0, ge=0)
    """Seconds until the outcome."""


class Settings(BaseModel):
    """The behaviour of pushes and receipts. The defaults are what most reports from the field say."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    attempts: int = Field(default=3, ge=1, le=MOST_ATTEMPTS)
    """Requests in all for one push. Production code of others counts three; read literally, the official page says four."""
    deadline: float = Field(default=5.0, gt=0, le=LONGEST_DEADLINE)
    """Seconds each attempt waits for its answer (of the world outside, as a webhook works in it)."""
    retry_on_error: bool = True
    """Whether a fast failure, a 5xx or a refused connection, is tried again as a timeout is."""
    same_query: bool = False
    """Whether a repeated attempt carries the very query of the first, instead of a fresh timestamp and nonce."""
    mark_fail: int = Field(default=0, ge=0)
    """Failed pushes within a minute after which nothing is pushed for a minute; 0 is never. The real threshold is not published."""
    sign_with: Literal["real", "simulated"] = "real"
    """Whose time the timestamps in the query are: the world's outside, as receivers check them, or this clock's."""
    space_before: bool = True
    """Whether white space before a reply's XML is accepted. WeRoBot's clear replies begin with a line break and work; some reports blame it."""
    openid_in_query: bool = True
    """Whether the query names the sender, as real traffic mostly does."""
    recognition: bool = False
    """Whether voice messages carry what was said; the field is gone from the current official page."""
    mini_programs: list[str] = Field(default_factory=list)
    """AppIDs of the mini-programs linked to the account, which a menu may open; while there are none, any may be opened."""
    marketing_words: list[str] = Field(default_factory=list)
    """Words for which a template message is refused as marketing (40249). The real platform does not publish how it decides."""
    statistics_ready: int = Field(default=8, ge=0, le=24)
    """The hour from which yesterday's statistics can be asked for."""
    receipts: ReceiptSettings = Field(default_factory=ReceiptSettings)
    mass: MassSettings = Field(default_factory=MassSettings)
    publish: PublishSettings = Field(default_factory=PublishSettings)
