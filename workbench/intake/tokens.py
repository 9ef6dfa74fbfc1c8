"""Tokens of senders: only their hash is kept, and each is for one signal and one environment."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from workbench.errors import UsageError

PATHS: Mapping[str, str] = {
    "/v1/traces": "traces", "/v1/metrics": "metrics", "/v1/logs": "logs", "/v1/changes": "changes",
    "/api/v1/lineage": "lineage", "/api/v1/lineage/batch": "lineage", "/webhooks/alertmanager": "alerts",
}  # fmt: skip
"""Path of the intake -> the signal that is sent there."""
_ENTRY = re.compile(r"(\w+) (\S+) ([0-9a-f]{64})")


@dataclass(frozen=True)
class Sender:
    """Whom a token is for."""

    name: str
    signal: str
    environment: str
    sha256: str


def new_token() -> tuple[str, str]:
    """Return a token for a sender and the hash that the settings hold."""
    token = secrets.token_urlsafe(32)
    return token, hashlib.sha256(token.encode()).hexdigest()


def senders(ingest: Mapping[str, str]) -> tuple[Sender, ...]:
    """Return the senders of ``[server] ingest``, each ``signal environment sha256``; `UsageError` for another form."""
    found = []
    for name, text in ingest.items():
        match = _ENTRY.fullmatch(text.strip())
        if match is None or match[1] not in PATHS.values():
            raise UsageError(f"[server] ingest: {name} is written as 'signal environment sha256', with a signal of "
                             f"{', '.join(dict.fromkeys(PATHS.values()))}.")  # fmt: skip
        found.append(Sender(name, *match.groups()))
    return tuple(found)


class TokenCheck:
    """Take telemetry only with a token for its signal and for this store's environment.

    Without senders in the settings nothing is asked for, as on a laptop.
    """

    def __init__(self, app: ASGIApp, *, known: tuple[Sender, ...], environment: str) -> None:
        self._app = app
        self._known = known
        self._environment = environment

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        signal = PATHS.get(scope["path"]) if scope["type"] == "http" and self._known else None
        answer = self._refusal(Headers(scope=scope), signal) if signal is not None else None
        if answer is None:
            await self._app(scope, receive, send)
        else:
            await answer(scope, receive, send)

    def _refusal(self, headers: Headers, signal: str) -> PlainTextResponse | None:
        given = headers.getlist("authorization")
        kind, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        digest = hashlib.sha256(token.strip().encode()).hexdigest()
        # Each is compared, so that the time tells nothing about which one it was.
        found = [s for s in self._known if hmac.compare_digest(s.sha256, digest)]
        if kind.lower() != "bearer" or not found:
            headers_out = {"Connection": "close", "WWW-Authenticate": "Bearer"}
            return PlainTextResponse(
                "Telemetry is taken here with a token: Authorization: Bearer …\n", 401, headers_out
            )
        if not any(s.signal == signal and s.environment == self._environment for s in found):
            words = f"This token is not for {signal} of {self._environment}.\n"
            return PlainTextResponse(words, 403, {"Connection": "close"})
        return None
