"""Sessions: an address that works once becomes a cookie that scripts cannot read and other sites cannot send."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from workbench.apps.roles import Role

COOKIE = "workbench_session"
LASTS_S = 12 * 3600
"""A session ends by itself after a shift."""
ENTER_WITHIN_S = 3600
"""An address that nobody opened stops working after this time."""


@dataclass(frozen=True)
class Session:
    """One visitor's role and the token that their forms carry."""

    role: Role
    form_token: str
    ends_s: float


class Sessions:
    """Issue addresses that work once, and know the sessions that came of them; only digests are kept."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._tickets: dict[str, tuple[Role, float]] = {}
        self._sessions: dict[str, Session] = {}

    def ticket(self, role: Role) -> str:
        """Return a token for ``/enter?token=…``; it works once, within an hour."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._tickets[_digest(token)] = (role, self._clock_s() + ENTER_WITHIN_S)
        return token

    def enter(self, token: str) -> str | None:
        """Return the cookie's value for a token, which is then used up; None for one that does not work."""
        now = self._clock_s()
        with self._lock:
            role, ends = self._tickets.pop(_digest(token), ("anyone", 0.0))
            if now >= ends or role == "anyone":
                return None
            cookie = secrets.token_urlsafe(32)
            self._sessions = {key: s for key, s in self._sessions.items() if s.ends_s > now}
            self._sessions[_digest(cookie)] = Session(role, secrets.token_urlsafe(24), now + LASTS_S)
        return cookie

    def find(self, cookie: str | None) -> Session | None:
        """Return the session of a cookie, or None."""
        if not cookie:
            return None
        with self._lock:
            found = self._sessions.get(_digest(cookie))
        return found if found and found.ends_s > self._clock_s() else None


def same(given: str, expected: str) -> bool:
    """Compare two tokens in constant time."""
    return hmac.compare_digest(given.encode(), expected.encode())


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
