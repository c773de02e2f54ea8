"""群发: what is planned, what is being sent, and the careful way from the one to the other."""

from __future__ import annotations

from app.console.broadcasts.listed import listed
from app.console.broadcasts.running import act, one
from app.console.broadcasts.starting import look, start, to_staff

__all__ = ["act", "listed", "look", "one", "start", "to_staff"]
