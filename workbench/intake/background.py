"""Work beside the requests: sealing and compacting the store, and pulling each configured source in its own thread."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from workbench import plugins
from workbench.errors import StoreError, UsageError, WorkbenchError
from workbench.intake.gate import Gate
from workbench.sources import Context, Source

_LOG = logging.getLogger("workbench.intake")
_LONGEST_PAUSE_S = 300.0


@dataclass
class Health:
    """Say how one background task fares; read by ``/readyz``."""

    last_success_ns: int | None = None
    failures: int = 0
    """In a row, since the last success."""
    error: str = ""

    def succeeded(self) -> None:
        """Record a success."""
        self.last_success_ns, self.failures, self.error = time.time_ns(), 0, ""

    def failed(self, message: str) -> None:
        """Record a failure."""
        self.failures += 1
        self.error = message

    def pause_s(self, interval_s: float) -> float:
        """Return the pause before the next try: the interval, doubled with each failure, 5 minutes at most."""
        return min(interval_s * 2.0 ** min(self.failures, 10), max(_LONGEST_PAUSE_S, interval_s))


class Repeat:
    """Run one task again and again in a thread of its own until closed; errors are recorded and never end it."""

    def __init__(self, name: str, interval_s: float, task: Callable[[], object], longest_s: float) -> None:
        """Take the pause between runs and the time after which a run counts as hung."""
        self.name = name
        self.health = Health()
        self._interval_s = interval_s
        self._longest_s = longest_s
        self._task = task
        self._stop = threading.Event()
        self._worker = ThreadPoolExecutor(1, f"{name}-work")
        self._thread = threading.Thread(target=self._loop, name=name, daemon=True)

    def start(self) -> None:
        """Begin with a first run at once."""
        self._thread.start()

    def close(self) -> None:
        """Stop after the present run; one that hangs is left behind."""
        self._stop.set()
        self._worker.shutdown(wait=False, cancel_futures=True)
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _loop(self) -> None:
        running: Future[object] | None = None
        while not self._stop.is_set():
            try:
                running = running or self._worker.submit(self._task)
                error = running.exception(timeout=self._longest_s)
            except (CancelledError, RuntimeError):
                return  # Closed between the question whether to stop and the run.
            except TimeoutError:
                # The run keeps its thread; nothing new is started before it ends, nobody else waits for it.
                self.health.failed(f"no answer for {self._longest_s:g} s")
            else:
                running = None
                self._record(error)
            self._stop.wait(self.health.pause_s(self._interval_s))

    def _record(self, error: BaseException | None) -> None:
        if error is None:
            self.health.succeeded()
            return
        self.health.failed(f"{type(error).__name__}: {error}"[:300])
        if isinstance(error, WorkbenchError | OSError):
            _LOG.warning("%s: %s", self.name, error)
        else:
            _LOG.error("%s failed unexpectedly.", self.name, exc_info=error)


@dataclass(frozen=True)
class Pull:
    """Name a live source to pull: which plugin, its settings, how often."""

    name: str
    source: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    interval_s: float = 30.0
    longest_s: float = 60.0


def puller(gate: Gate, pull: Pull, environment: str) -> Repeat:
    """Return a thread that brings what is new from one source, each batch with its cursor after it is on disk."""
    source: Source = plugins.load("source", pull.source)
    if source.pull is None:
        raise UsageError(f"The source {pull.source!r} of {pull.name!r} reads files only and cannot be pulled.")
    ask = source.pull

    def once() -> None:
        context = Context(environment, pull.name, time.time_ns())
        for batch, cursor in ask(pull.settings, gate.store.cursor(pull.name), context):
            gate.admit(batch, cursors={pull.name: cursor})

    return Repeat(f"pull {pull.name}", pull.interval_s, once, pull.longest_s)


def sealer(
    gate: Gate,
    *,
    seal_s: float = 30.0,
    seal_bytes: int = 12 * 2**20,
    compact_s: float = 600.0,
    retain_days: int | None = None,
) -> Repeat:
    """Return a thread that seals the journal into segments, now and then compacts, and lets old days go.

    The journal is sealed every *seal_s*, sooner when it holds *seal_bytes*.
    """
    sealed = compacted = time.monotonic()

    def once() -> None:
        nonlocal sealed, compacted
        now = time.monotonic()
        if now - sealed >= seal_s or gate.store.unsealed()[1] >= seal_bytes:
            sealed = now
            gate.store.seal()
        if now - compacted >= compact_s:
            compacted = now
            gate.store.compact()
            if retain_days is not None:
                gate.store.retain(retain_days)

    return Repeat("seal", 1.0, once, longest_s=120.0)


def store_answers(gate: Gate) -> str | None:
    """Return why the store does not answer, or None where it does."""
    try:
        gate.store.unsealed()
    except StoreError as error:
        return str(error)
    return None
