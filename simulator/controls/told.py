"""What the follower saw, as the controls tell it."""

from typing import Any

from simulator.gestures import Seen


def told(seen: Seen) -> dict[str, Any]:
    """The reply, the notice, each attempt of the push, and why there was none if the platform withheld it."""
    return {
        "reply": seen.reply,
        "notice": seen.notice,
        "failed": seen.notice is not None,
        "attempts": seen.attempts,
        "withheld": seen.withheld,
    }
