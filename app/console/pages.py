"""The table of all pages: the way to each, and who may go it. What is not here is not there."""

from __future__ import annotations

from starlette.responses import Response

from app.console import findings, history, home, misses, sign_in, trail, trying
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
    Page("GET", "/versions", "viewer", history.listed),
    Page("GET", "/versions/{version}", "viewer", history.compared),
    Page("POST", "/versions/{version}/back", "admin", history.back),
    Page("GET", "/audit", "admin", trail.trail),
)
