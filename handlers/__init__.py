"""What a follower's message leads to: one file per feature, and this table of contents."""

from __future__ import annotations

from handlers import (
    birthday,
    board,
    channel,
    checkin,
    choices,
    consent,
    coupon,
    earning,
    faq,
    keyword,
    level,
    lottery,
    menu,
    notice,
    points,
    poll,
    receipt,
    referral,
    sensitive,
    shop,
    survey,
    welcome,
)
from handlers.routing import Feature

FEATURES: tuple[Feature, ...] = (
    sensitive.feature,
    consent.feature,
    channel.feature,
    welcome.feature,
    checkin.feature,
    points.feature,
    level.feature,
    board.feature,
    survey.feature,
    earning.feature,
    birthday.feature,
    poll.feature,
    shop.feature,
    referral.feature,
    coupon.feature,
    lottery.feature,
    choices.feature,
    keyword.feature,
    faq.feature,
    menu.feature,
    receipt.feature,
    notice.feature,
)
