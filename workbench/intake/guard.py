"""The checks in front of every route: whom the request names, where it comes from, and nothing by default."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")


class Guard:
    """Refuse foreign ``Host`` headers everywhere, and any ``Origin`` on the intake's paths.

    A browser sends ``Origin`` with every cross-site POST and senders of telemetry
    never do, so no web page can write here. The host check ends DNS rebinding.
    """

    def __init__(self, app: ASGIApp, *, hosts: Iterable[str], intake_paths: Iterable[str]) -> None:
        """Take the host names that are this server, without port, and the prefixes of intake paths."""
        self._app = app
        self._hosts = frozenset(h.lower() for h in hosts)
        self._intake_paths = tuple(intake_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            await refusal(scope, receive, send)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or without_port(hosts[0]) not in self._hosts:
            return _refuse(400, "This server does not go by that Host. Add the name to the allowed hosts to use it.")
        if scope["path"].startswith(self._intake_paths) and "origin" in headers:
            return _refuse(403, "Telemetry is not taken from web pages: the request has an Origin header.")
        return None


def without_port(host: str) -> str:
    """Return a Host header's name in lower case, without port; empty where it is malformed."""
    text = host.strip().lower()
    if text.startswith("["):
        name, bracket, port = text.partition("]")
        return name + bracket if bracket and (not port or _is_port(port)) else ""
    name, colon, port = text.partition(":")
    return name.rstrip(".") if not colon or _is_port(colon + port) else ""


def _is_port(text: str) -> bool:
    return text.startswith(":") and text[1:].isascii() and text[1:].isdigit() and len(text) <= 6


def _refuse(status: int, message: str) -> PlainTextResponse:
    return PlainTextResponse(message + "\n", status, {"Connection": "close"})
