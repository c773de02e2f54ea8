"""The console's cookies, where a request comes from, and whether a form was sent by a page of ours."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

SESSION, FORM, BROWSER = "yizhan", "yizhan-form", "yizhan-browser"
_HOST = "__Host-"
_HALF_A_YEAR = 180 * 24 * 3600
_LONGEST = 100  # characters; a token of ours has 43


def fresh() -> str:
    """256 random bits."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """What the database keeps of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def form_token(secret: str) -> str:
    """What a form must bring along to be taken for one that a page gave to the holder of this cookie."""
    return hmac.new(secret.encode(), b"yizhan console form", hashlib.sha256).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether both are the same, after the same time."""
    return hmac.compare_digest(one.encode(), other.encode())


def read(request: Request, name: str) -> str:
    """The token in this cookie, "" where there is none. The name without the prefix counts on this machine only."""
    found = request.cookies.get(_HOST + name) or ("" if _secure(request) else request.cookies.get(name))
    return found if found and len(found) <= _LONGEST and found.isascii() else ""


def put(response: Response, request: Request, name: str, token: str) -> None:
    """The browser holds the token; only the browser of an operator is asked to keep it when it is closed."""
    secure, kept = _secure(request), _HALF_A_YEAR if name == BROWSER else None
    response.set_cookie(_HOST + name if secure else name, token, max_age=kept, path="/", secure=secure, httponly=True, samesite="lax")


def drop(response: Response, request: Request, name: str) -> None:
    """The browser forgets it."""
    secure = _secure(request)
    response.delete_cookie(_HOST + name if secure else name, path="/", secure=secure, httponly=True, samesite="lax")


def _secure(request: Request) -> bool:
    """Whether the browser came by https, as far as can be told here: on the way a proxy may have taken that off.

    Plain http is believed on loopback only (the demonstration). What the proxy says can make this stricter and never laxer.
    """
    if request.url.scheme == "https" or request.headers.get("x-forwarded-proto", "").lower().startswith("https"):
        return True
    return request.headers.get("origin", "").startswith("https://") or not is_loopback(request.headers.get("host", ""))


def is_loopback(host: str) -> bool:
    """Whether a Host header names this machine."""
    name = urlsplit(f"//{host}").hostname if _parses(host) else None
    return name in ("localhost", "127.0.0.1", "::1")


def _parses(host: str) -> bool:
    try:
        return urlsplit(f"//{host}").hostname is not None
    except ValueError:
        return False


def from_our_page(request: Request) -> bool:
    """Whether a form was sent by a page of ours, as the browser says: Sec-Fetch-Site where it knows that header, else Origin."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin, host = request.headers.get("origin"), request.headers.get("host", "")
    return origin is not None and bool(host) and (origin == f"https://{host}" or (origin == f"http://{host}" and is_loopback(host)))


def address(request: Request) -> str:
    """Where the connection comes from, of IPv6 the network; a header that claims another place is not believed."""
    given = request.client.host if request.client else ""
    try:
        parsed = ipaddress.ip_address(given)
    except ValueError:
        return given[:64]
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None and not parsed.is_loopback:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)
