"""Bounds on what one sender, or all of them together, may ask of the server; beyond them it says no at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from workbench.errors import WorkbenchError

MIB = 2**20


@dataclass(frozen=True)
class Limits:
    """Say how much is taken; times in seconds, sizes in bytes."""

    body_bytes: int = 16 * MIB
    """One request as sent."""
    inflated_bytes: int = 32 * MIB
    """One request after inflating, checked while inflating."""
    buffered_bytes: int = 96 * MIB
    """All requests being read or waiting, together."""
    header_bytes: int = 64 * 1024
    read_s: float = 10.0
    """From the first byte of a request, or from connecting, to its last byte."""
    idle_s: int = 10
    """A kept-alive connection without a request."""
    connections: int = 2_000
    wait_s: float = 0.15
    """A request that would wait longer for its turn is sent away."""
    always_waiting: int = 4
    """So many requests may wait whatever the estimate says."""
    decoders: int = 2
    committers: int = 16
    attribute_keys: int = 10_000
    """Distinct keys of one attribute column; later ones go into one bucket."""


class Refused(WorkbenchError):  # noqa: N818 - an answer to the sender, no failure of ours
    """Answer a request with a status other than 2xx, and say when to come again where that helps."""

    def __init__(self, status: int, message: str, *, retry_after_s: int | None = None) -> None:
        """Take the HTTP status and one sentence for the sender."""
        super().__init__(message)
        self.status = status
        self.retry_after_s = retry_after_s


class Budget:
    """Count bytes held for all requests; refuse what would exceed the bound."""

    def __init__(self, most_bytes: int) -> None:
        """Start empty."""
        self._most_bytes = most_bytes
        self._held = 0
        self._lock = threading.Lock()

    def take(self, count: int) -> None:
        """Hold *count* more bytes, or raise Refused (503)."""
        with self._lock:
            if self._held + count > self._most_bytes:
                raise Refused(503, "The server holds as many bytes as it may; send again.", retry_after_s=1)
            self._held += count

    def give_back(self, count: int) -> None:
        """Release *count* bytes."""
        with self._lock:
            self._held -= count


class Turnstile:
    """Estimate how long a request would wait for its turn, and send away those that would wait too long.

    The estimate is (requests waiting) x (smoothed seconds of one) / (workers). Saying
    429 at once keeps the wait of those that are taken bounded.
    """

    def __init__(self, limits: Limits) -> None:
        """Start with nobody waiting."""
        self._limits = limits
        self._inside = 0
        self._seconds_each = 0.0
        self._lock = threading.Lock()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold a place while a request is worked on; raise Refused (429) where the wait would be too long."""
        with self._lock:
            wait_s = self._inside * self._seconds_each / self._limits.decoders
            if self._inside >= self._limits.always_waiting and wait_s > self._limits.wait_s:
                raise Refused(429, "More arrives than can be written; send again.", retry_after_s=1)
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1

    @contextmanager
    def work(self) -> Iterator[None]:
        """Measure the work on one request, in the thread that does it."""
        began = time.perf_counter()
        try:
            yield
        finally:
            seconds = time.perf_counter() - began
            with self._lock:
                self._seconds_each += 0.2 * (seconds - self._seconds_each)
