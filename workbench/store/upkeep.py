"""Upkeep: seal the journal and compact segments beside the intake, before either grows large."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from workbench.errors import WorkbenchError

SEAL_ROWS = 131_072
"""Rows in the journal from which it is sealed."""
SEAL_AGE_S = 60.0
"""Seconds that rows wait in the journal at most, while rows keep coming."""
GATHER_ROWS = 4 * SEAL_ROWS
"""Rows in the journal from which it is sealed while whoever appends will seal at the end."""
HOLD_ROWS = 8 * SEAL_ROWS
"""Rows from which appending waits for the sealing, so that the journal cannot outgrow it."""
COMPACT_SEGMENTS = 32
"""Unsettled segments from which they are compacted."""
_RETRY_S = 5.0


class Upkeep:
    """Run sealing and compaction in one thread, which is started by the first rows and ends with the store."""

    def __init__(
        self, seal: Callable[[], int], compact: Callable[[], int], loose: Callable[[], int], waiting: int
    ) -> None:
        """Take what seals, compacts and counts unsettled segments, and the rows that wait from before."""
        self._seal, self._compact, self._loose = seal, compact, loose
        self._waiting, self._since = waiting, time.monotonic()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._ended = False
        self._gathering = 0
        self.fault: WorkbenchError | None = None
        """Why the last attempt failed; None after one that went well. The journal keeps the rows meanwhile."""

    def note(self, rows: int) -> None:
        """Count rows that were appended; wait while the journal is far too long."""
        with self._changed:
            if not self._waiting:
                self._since = time.monotonic()
            self._waiting += rows
            if self._thread is None and not self._ended:
                self._thread = threading.Thread(target=self._run, name="store upkeep", daemon=True)
                self._thread.start()
            if self._due():
                self._changed.notify_all()
            while self._waiting >= HOLD_ROWS and self.fault is None and not self._ended:
                self._changed.wait(1.0)

    def sealed(self, rows: int) -> None:
        """Count rows that left the journal."""
        with self._changed:
            self._waiting = max(0, self._waiting - rows)
            self._since = time.monotonic()
            self._changed.notify_all()

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Let more rows wait meanwhile: what is sealed in one piece needs no merging."""
        with self._changed:
            self._gathering += 1
        try:
            yield
        finally:
            with self._changed:
                self._gathering -= 1
                self._changed.notify_all()

    def end(self) -> None:
        """Stop after the work in progress."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _due(self) -> bool:
        limit = GATHER_ROWS if self._gathering else SEAL_ROWS
        return self._waiting >= limit or (self._waiting > 0 and time.monotonic() - self._since >= SEAL_AGE_S)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._ended and not self._due():
                    self._changed.wait(1.0 if self._waiting else 60.0)
                if self._ended:
                    return
            try:
                self._seal()
                if self._loose() >= COMPACT_SEGMENTS:
                    self._compact()
                self.fault = None
            except WorkbenchError as error:
                self.fault = error
                with self._changed:
                    if not self._ended:
                        self._changed.wait(_RETRY_S)
