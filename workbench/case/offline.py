"""A guard that lets nothing out: while it holds, opening a connection in this context raises."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

from workbench.errors import IntegrityError

_EVENTS = frozenset({
    "socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname", "urllib.Request",
})  # fmt: skip
_OFFLINE: ContextVar[bool] = ContextVar("offline", default=False)


@contextmanager
def offline() -> Iterator[None]:
    """Refuse every connection and name look-up of this thread or task until the block ends."""
    _install()
    token = _OFFLINE.set(True)
    try:
        yield
    finally:
        _OFFLINE.reset(token)


@cache
def _install() -> None:
    # An audit hook sees sockets below every library and cannot be taken off again, so it is put on only once.
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _EVENTS and _OFFLINE.get():
        raise IntegrityError(f"A replay is offline, yet {event} was called with {arguments[-1]!r}.")
