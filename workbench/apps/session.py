"""Sessions: an address that works once becomes a cookie that scripts cannot read; or a trusted proxy names people."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from starlette.requests import HTTPConnection

from workbench.apps.identity import Issuer, issuer
from workbench.apps.roles import RANK, Role
from workbench.config import ServerSettings, secret
from workbench.errors import UsageError

COOKIE = "workbench_session"
PROXY_HEADER = "x-workbench-proxy"
LASTS_S = 12 * 3600
"""A session ends by itself after a shift."""
ENTER_WITHIN_S = 3600
"""An address that nobody opened stops working after this time."""
MOST_NAME = 200
LEAST_SECRET = 16


@dataclass(frozen=True)
class Session:
    """One visitor's role and the token that their forms carry."""

    role: Role
    form_token: str
    ends_s: float
    who: str = ""
    """As a trusted proxy names them; empty is whoever runs the server."""


NOBODY = Session("anyone", "", 0.0)


@dataclass(frozen=True)
class Proxy:
    """What a trusted proxy sends: in which header a name, and a secret that nobody else knows."""

    header: str
    secret: str
    """Empty where the name itself is signed."""
    roles: Mapping[str, str]
    issuer: Issuer | None = None
    """Whose signed tokens the header holds; None where it holds a bare name."""


def trusted(server: ServerSettings) -> Proxy | None:
    """Return the proxy that the settings trust; None without one, `UsageError` where its secret is too short."""
    if not server.identity_header:
        return None
    signed = None
    if server.identity_keys:
        signed = issuer(server.identity_issuer, server.identity_audience, server.identity_claim, server.identity_keys)
    known = secret(server.identity_secret)
    if len(known) < LEAST_SECRET and (known or signed is None):
        raise UsageError(f"[server] identity_secret has {len(known)} characters; {LEAST_SECRET} are the least.")
    for name, role in server.roles.items():
        if role not in RANK or role == "anyone":
            raise UsageError(f"[server] roles: {name} is viewer, responder or admin; found {role!r}.")
    return Proxy(server.identity_header.lower(), known, dict(server.roles), signed)


class Sessions:
    """Issue addresses that work once, and know the sessions that came of them; only digests are kept.

    With a trusted *proxy* the proxy says who visits, and no cookie counts.
    """

    def __init__(
        self, clock_s: Callable[[], float] = time.monotonic, *, proxy: Proxy | None = None,
        now_s: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._clock_s = clock_s
        self._now_s = now_s
        self._proxy = proxy
        self._key = secrets.token_bytes(32)
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

    def of(self, request: HTTPConnection) -> Session:
        """Return who sends a request, HTTP or WebSocket; nobody where that cannot be told."""
        if self._proxy is not None:
            return self._named(request, self._proxy)
        return self.find(request.cookies.get(COOKIE)) or NOBODY

    def find(self, cookie: str | None) -> Session | None:
        """Return the session of a cookie, or None."""
        if not cookie:
            return None
        with self._lock:
            found = self._sessions.get(_digest(cookie))
        return found if found and found.ends_s > self._clock_s() else None

    def _named(self, request: HTTPConnection, proxy: Proxy) -> Session:
        names, shown = request.headers.getlist(proxy.header), request.headers.getlist(PROXY_HEADER)
        # Two headers of one name are somebody's attempt to be read before the proxy is.
        if len(names) != 1 or (proxy.secret and (len(shown) != 1 or not same(shown[0], proxy.secret))):
            return NOBODY
        who = names[0].strip()
        if proxy.issuer is not None:
            who = proxy.issuer.who(who.removeprefix("Bearer ").strip(), self._now_s()).strip()
        if not who or len(who) > MOST_NAME or not who.isprintable():
            return NOBODY
        token = hmac.new(self._key, who.encode(), hashlib.sha256).hexdigest()
        return Session(cast("Role", proxy.roles.get(who, "viewer")), token, float("inf"), who)


def same(given: str, expected: str) -> bool:
    """Compare two tokens in constant time."""
    return hmac.compare_digest(given.encode(), expected.encode())


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
