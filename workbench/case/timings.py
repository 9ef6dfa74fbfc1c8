"""How long computed entries took and how much they read: kept beside the cases, part of none, so no hash knows it."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from workbench.case import files
from workbench.case.canonical import dumps
from workbench.case.journal import Entry

TIMINGS = "timings.jsonl"


@dataclass(frozen=True)
class Took:
    """What one run of an operation cost."""

    seconds: float
    rows: int
    """Rows of all answers that it read."""
    answers: int
    """How many named queries' answers it read; 0 where it only looked at what was found before."""


class Timings:
    """Costs of entries by their hash: those of this process, and those that a bench keeps beside its cases.

    A file is written only where a bench has made a place for it; elsewhere costs live as long as the case object.
    What cannot be read is unknown: nothing rests on it.
    """

    def __init__(self, cases: Path) -> None:
        self._path = cases / TIMINGS
        self._witness = cases / files.WITNESS
        self._of: dict[str, Took] = {}
        self._last: dict[str, Took] = {}
        self._offset = 0

    def keep(self, entry: Entry, took: Took) -> None:
        """Note what an entry cost."""
        self._note(entry.operation, entry.hash, took)
        if self._witness.exists():
            line = {"operation": entry.operation, "entry": entry.hash, "seconds": round(took.seconds, 3),
                    "rows": took.rows, "answers": took.answers}  # fmt: skip
            # A full disk costs a figure on a screen, never an entry that already stands in the journal.
            with suppress(OSError), self._path.open("ab") as file:
                file.write(dumps(line) + b"\n")

    def of(self, entry: Entry) -> Took | None:
        """Return what an entry cost, or None where nobody knows any more."""
        self._read_added()
        return self._of.get(entry.hash)

    def last(self, operation: str) -> Took | None:
        """Return what the operation cost when it last ran, in any case of the same folder."""
        self._read_added()
        return self._last.get(operation)

    def _note(self, operation: str, entry: str, took: Took) -> None:
        self._of[entry] = self._last[operation] = took

    def _read_added(self) -> None:
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                content = file.read()
        except OSError:
            return
        whole = content.rpartition(b"\n")[0]
        self._offset += len(whole) + 1 if whole else 0
        for line in whole.splitlines():
            try:
                said = json.loads(line)
                took = Took(float(said["seconds"]), int(said["rows"]), int(said["answers"]))
                known = math.isfinite(took.seconds) and min(took.seconds, took.rows, took.answers) >= 0
                if known:
                    self._note(str(said["operation"]), str(said["entry"]), took)
            except (ValueError, TypeError, KeyError, OverflowError):
                continue
