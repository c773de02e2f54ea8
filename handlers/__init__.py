"""What a follower's message leads to: one file per feature, and this table of contents."""

from __future__ import annotations

from handlers import channel, checkin, choices, consent, faq, keyword, menu, notice, points, receipt, sensitive, survey, welcome
from handlers.routing import Feature

FEATURES: tuple[Feature, ...] = (
    sensitive.feature,
    consent.feature,
    channel.feature,
    welcome.feature,
    checkin.feature,
    points.feature,
    survey.feature,
    choices.feature,
    keyword.feature,
    faq.feature,
    menu.feature,
    receipt.feature,
    notice.feature,
)
