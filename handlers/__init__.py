"""What a follower's message leads to: one file per feature, and this table of contents."""

from __future__ import annotations

from handlers import channel, checkin, consent, keyword, menu, points, receipt, survey, welcome
from handlers.routing import Feature

FEATURES: tuple[Feature, ...] = (
    consent.feature,
    channel.feature,
    welcome.feature,
    checkin.feature,
    points.feature,
    survey.feature,
    keyword.feature,
    menu.feature,
    receipt.feature,
)
