"""The plan: what the schedules will send in the coming weeks, to whom, who is starved by whom, and what to move."""

from __future__ import annotations

from models.plan.advice import Advice, advise
from models.plan.crowd import size
from models.plan.forecast import Forecast, Planner, Step, Story
from models.plan.occasion import idle
from models.plan.replay import Sending

__all__ = ["Advice", "Forecast", "Planner", "Sending", "Step", "Story", "advise", "idle", "size"]
