"""Web authorization: codes for five minutes, tokens for two hours, refresh tokens for thirty days."""

import string
from dataclasses import dataclass
from random import Random

from simulator.errors import Refused

CODE_LIFETIME = 300.0
TOKEN_LIFETIME = 7200
REFRESH_LIFETIME = 30 * 86400.0

_ALPHABET = string.ascii_letters + string.digits


@dataclass(slots=True)
class Consent:
    """What somebody agreed to. `snapshot` is set for the platform's virtual visitor of a page in snapshot mode."""

    openid: str
    scope: str
    snapshot: bool
    code_until: float
    code_used: bool = False
    token: str = ""
    token_until: float = 0.0
    refresh_token: str = ""
    refresh_until: float = 0.0


class Authorizations:
    """All consents, by code, token and refresh token. These tokens have nothing to do with the account's own."""

    def __init__(self, seed: str = "") -> None:
        self._random = Random(f"authorizations:{seed}")
        self._by_code: dict[str, Consent] = {}
        self._by_token: dict[str, Consent] = {}
        self._by_refresh: dict[str, Consent] = {}

    def agree(self, openid: str, scope: str, snapshot: bool, now: float) -> str:
        """The code that goes back to the page that asked."""
        code = self._text(32)
        self._by_code[code] = Consent(openid, scope, snapshot, now + CODE_LIFETIME)
        return code

    def redeem(self, code: str, now: float) -> Consent:
        """Tokens for the code, once. Raises 40029 unknown, 40163 used, 42003 expired."""
        consent = self._by_code.get(code)
        if consent is None:
            raise Refused(40029)
        if consent.code_used:
            raise Refused(40163)
        if consent.code_until <= now:
            raise Refused(42003)
        consent.code_used = True
        consent.refresh_token, consent.refresh_until = self._text(86), now + REFRESH_LIFETIME
        self._by_refresh[consent.refresh_token] = consent
        self._renew(consent, now)
        return consent

    def refresh(self, refresh_token: str, now: float) -> Consent:
        """The same token for two hours more, or a new one if it had expired. Raises 40030 unknown, 42002 expired."""
        consent = self._by_refresh.get(refresh_token)
        if consent is None:
            raise Refused(40030)
        if consent.refresh_until <= now:
            raise Refused(42002)
        self._renew(consent, now)
        return consent

    def check(self, token: str, openid: str, now: float) -> Consent:
        """What this token and openid stand for. Raises 41001, 40001, 42001, 41009, 40003."""
        if not token:
            raise Refused(41001)
        consent = self._by_token.get(token)
        if consent is None:
            raise Refused(40001, "invalid credential, access_token is invalid or not latest")
        if consent.token_until <= now:
            raise Refused(42001)
        if not openid:
            raise Refused(41009)
        if consent.openid != openid:
            raise Refused(40003)
        return consent

    def _renew(self, consent: Consent, now: float) -> None:
        if consent.token_until <= now:
            consent.token = self._text(86)
            self._by_token[consent.token] = consent
        consent.token_until = now + TOKEN_LIFETIME

    def _text(self, length: int) -> str:
        return "0" + "".join(self._random.choices(_ALPHABET, k=length - 1))
