"""Questions while they run: which, for how long, how far, and how to stop them; and what the slow ones did."""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from workbench.errors import StoreError

SLOW_S = 2.0
"""Seconds from which a question's plan and bytes are kept."""
_KEPT = 20


class CancelledError(StoreError):
    """Say that a question was stopped by ``Store.cancel``; it can be asked again."""


@dataclass(frozen=True)
class InProgress:
    """A question that runs now."""

    number: int
    query: str
    engine: str
    seconds: float
    share: float | None
    """Part of the work that is done, 0 to 1; None where the engine does not say."""


@dataclass(frozen=True)
class Slow:
    """A question that took long, and what it did."""

    query: str
    engine: str
    seconds: float
    plan: str
    """How the engine went about it, in its own words."""
    bytes_read: int | None
    """Bytes that this process read meanwhile (other questions' included); None where a server read them."""
    bytes_of_files: int
    """Size of all segments that it was given to read."""


@dataclass
class Running:
    """What an engine tells of one question, filled in while it works."""

    query: str
    engine: str = "duckdb"
    began_s: float = field(default_factory=time.monotonic)
    files: dict[str, int] = field(default_factory=dict)
    """Segments opened: path -> bytes."""
    plan: Callable[[], str] = str
    cancel: Callable[[], object] = bool
    share: Callable[[], float | None] = lambda: None
    cancelled: bool = False

    @property
    def seconds(self) -> float:
        """How long it has run."""
        return time.monotonic() - self.began_s


class Questions:
    """The questions of one store, each known by a number while it runs."""

    def __init__(self, slow_s: float = SLOW_S) -> None:
        """Know none yet."""
        self.slow_s = slow_s
        self._numbers = itertools.count(1)
        self._running: dict[int, Running] = {}
        self._slow: deque[Slow] = deque(maxlen=_KEPT)
        self._lock = threading.Lock()

    @contextmanager
    def running(self, question: Running) -> Iterator[Running]:
        """Know a question for as long as it runs; CancelledError where it was stopped."""
        number, before = next(self._numbers), _bytes_read()
        with self._lock:
            self._running[number] = question
        try:
            yield question
            if question.seconds >= self.slow_s:
                self._keep(question, before)
        except StoreError as error:
            if question.cancelled:
                raise CancelledError(
                    f"The question {question.query} was stopped after {question.seconds:.1f} s. Nothing was answered."
                ) from error
            raise
        finally:
            with self._lock:
                del self._running[number]

    def now(self) -> list[InProgress]:
        """Return what runs now, the oldest first."""
        with self._lock:
            held = sorted(self._running.items())
        return [InProgress(n, q.query, q.engine, q.seconds, q.share()) for n, q in held]

    def cancel(self, number: int | None = None) -> int:
        """Stop one question, or all; return how many were told to stop."""
        with self._lock:
            held = [q for n, q in self._running.items() if number in {None, n}]
        for question in held:
            question.cancelled = True
            question.cancel()
        return len(held)

    def slow(self) -> list[Slow]:
        """Return the last slow questions, the oldest first."""
        with self._lock:
            return list(self._slow)

    def _keep(self, question: Running, before: int | None) -> None:
        seconds, after = question.seconds, _bytes_read()
        read = None if before is None or after is None or question.engine != "duckdb" else after - before
        kept = Slow(question.query, question.engine, seconds, question.plan(), read, sum(question.files.values()))
        with self._lock:
            self._slow.append(kept)


def _bytes_read() -> int | None:
    """Return the bytes that this process has read so far, from memory or disk; None where the system does not say."""
    with suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/self/io").read_text().splitlines():
            if line.startswith("rchar:"):
                return int(line.split()[1])
    return None
