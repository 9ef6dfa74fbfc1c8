"""HTTP/1.1 with a deadline: a client that does not finish its request is closed, however it dawdles."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from workbench.intake.limits import Limits

_GRACE_S = 1.0
"""The application answers 408 at the deadline; the connection goes a moment later."""


def protocol(limits: Limits) -> type[asyncio.Protocol]:
    """Return uvicorn's protocol with read deadlines, a bound on headers and one on connections."""

    class BoundProtocol(DeadlineProtocol):
        bounds = limits

    return BoundProtocol


class DeadlineProtocol(HttpToolsProtocol):
    """Close a connection whose request is not complete in time.

    uvicorn times out idle connections only after their first response: one that
    sends half a header, or nothing, would stay for ever.
    """

    bounds = Limits()

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Start without a deadline."""
        super().__init__(config, server_state, app_state, _loop)
        self._deadline: asyncio.TimerHandle | None = None
        self._head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin the first deadline; turn away what exceeds the number of connections."""
        super().connection_made(transport)
        if len(self.connections) > self.bounds.connections:
            transport.abort()
            return
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, with a deadline from the first byte of a request and a bound on its headers."""
        if self.cycle is None or self.cycle.response_complete:
            self._arm()
        self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes > self.bounds.header_bytes and not self.transport.is_closing():
            self.logger.warning("A request's headers exceed %d bytes.", self.bounds.header_bytes)
            self.transport.write(b"HTTP/1.1 431 \r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            self.transport.close()

    def on_message_begin(self) -> None:
        """Begin a request's deadline."""
        super().on_message_begin()
        self._arm()

    def on_headers_complete(self) -> None:
        """Stop counting header bytes."""
        super().on_headers_complete()
        self._head_bytes = -(2**62)

    def on_message_complete(self) -> None:
        """End the deadline: the request is here, the rest is our own time."""
        super().on_message_complete()
        self._head_bytes = 0
        self._disarm()

    def _arm(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.bounds.read_s + _GRACE_S, self._expire)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _expire(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self.transport.abort()
