"""The table of all pages: the way to each, and who may go it. What is not here is not there."""

from __future__ import annotations

from starlette.responses import Response

from app.console import (
    broadcasts,
    coupons,
    effects,
    findings,
    history,
    home,
    ledger,
    misses,
    orders,
    plan,
    referrals,
    sign_in,
    trail,
    trying,
)
from app.console.desk import STYLE, Page, Visit


async def style(visit: Visit) -> Response:
    """The style sheet: its address changes when it does, so a browser may keep it."""
    return Response(STYLE, media_type="text/css", headers={"cache-control": "public, max-age=31536000, immutable"})


PAGES = (
    Page("GET", "/style.css", None, style),
    Page("GET", "/sign-in", None, sign_in.form),
    Page("POST", "/sign-in", None, sign_in.sign_in),
    Page("POST", "/sign-out", "viewer", sign_in.sign_out, unfinished=True),
    Page("GET", "/password", "viewer", sign_in.password_form, unfinished=True),
    Page("POST", "/password", "viewer", sign_in.set_password, unfinished=True),
    Page("GET", "", "viewer", home.home),
    Page("GET", "/try", "viewer", trying.form),
    Page("POST", "/try", "viewer", trying.attempted),
    Page("GET", "/misses", "viewer", misses.misses),
    Page("GET", "/findings", "viewer", findings.waiting),
    Page("POST", "/findings/{finding:int}", "editor", findings.settle),
    Page("GET", "/orders", "viewer", orders.listed),
    Page("POST", "/orders/export", "editor", orders.export),
    Page("GET", "/orders/{number}", "viewer", orders.one),
    Page("POST", "/orders/{number}/address", "editor", orders.show_address),
    Page("POST", "/orders/{number}/{act}", "editor", orders.act),
    Page("GET", "/broadcasts", "viewer", broadcasts.listed),
    Page("GET", "/broadcasts/plan/{key}", "viewer", broadcasts.look),
    Page("POST", "/broadcasts/plan/{key}/start", "editor", broadcasts.start),
    Page("POST", "/broadcasts/plan/{key}/test", "editor", broadcasts.to_staff),
    Page("GET", "/broadcasts/{run:int}", "viewer", broadcasts.one),
    Page("POST", "/broadcasts/{run:int}/{act}", "editor", broadcasts.act),
    Page("GET", "/plan", "viewer", plan.shown),
    Page("POST", "/plan", "viewer", plan.tried),
    Page("GET", "/plan.css", "viewer", plan.style),
    Page("GET", "/referrals", "viewer", referrals.listed),
    Page("POST", "/referrals/{referral:int}", "editor", referrals.settle),
    Page("GET", "/effects", "viewer", effects.effects),
    Page("GET", "/coupons", "viewer", coupons.listed),
    Page("POST", "/coupons/look", "editor", coupons.look),
    Page("POST", "/coupons/redeem", "editor", coupons.redeem),
    Page("POST", "/coupons/undo", "editor", coupons.undo),
    Page("POST", "/coupons/export", "editor", coupons.export),
    Page("GET", "/ledger", "editor", ledger.form),
    Page("POST", "/ledger", "editor", ledger.find),
    Page("GET", "/ledger/{follower:int}", "editor", ledger.show),
    Page("POST", "/ledger/{follower:int}/adjust", "editor", ledger.adjust),
    Page("POST", "/ledger/{follower:int}/reverse", "editor", ledger.reverse),
    Page("GET", "/versions", "viewer", history.listed),
    Page("GET", "/versions/{version}", "viewer", history.compared),
    Page("POST", "/versions/{version}/back", "admin", history.back),
    Page("GET", "/audit", "admin", trail.trail),
)
