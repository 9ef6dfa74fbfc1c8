"""Replay: check every byte of a case and compute every entry anew, offline, from frozen evidence."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from workbench.case import codec, files, operations
from workbench.case.bundle import Bundle, Frozen, question
from workbench.case.canonical import differences, digest, loads
from workbench.case.case import run
from workbench.case.journal import Entry
from workbench.case.offline import offline
from workbench.case.operations import Outcome
from workbench.case.reading import Reading
from workbench.case.render import line
from workbench.case.state import fold
from workbench.case.verify import Mismatch, Verified, verify
from workbench.errors import IntegrityError, UnknownNameError, WorkbenchError
from workbench.model.show import html
from workbench.model.window import iso

Progress = Callable[[str, int, int], None]
"""Called with the operation that comes next, how many entries are done, and how many there are."""


@dataclass(frozen=True)
class ReplayReport:
    """Say how many entries match, and name what does not."""

    case: str
    matched: int
    total: int
    mismatches: tuple[Mismatch, ...]
    state_hash: str
    """Of the recomputed state; floats within 1e-9 of the recorded ones count as these."""
    seconds: float
    replayed: str
    """When, ISO 8601 UTC."""

    @property
    def ok(self) -> bool:
        """True when every entry and every file is what was recorded."""
        return self.matched == self.total and not self.mismatches

    @property
    def badge(self) -> str:
        """Return one line for people: ``Replayed offline: 23/23 match, 2026-03-01``."""
        counted = f"{self.matched}/{self.total} match, {self.replayed[:10]}"
        if self.ok:
            return f"Replayed offline: {counted}"
        named = f"; first: {self.mismatches[0]}" if self.mismatches else ""
        return f"Replay failed: {counted}{named}"

    def plain(self) -> dict[str, Any]:
        """Return the report in plain values, for programs."""
        return {
            "case": self.case, "ok": self.ok, "matched": self.matched, "total": self.total,
            "state_hash": self.state_hash, "seconds": round(self.seconds, 3), "replayed": self.replayed,
            "mismatches": [m.plain() for m in self.mismatches],
        }  # fmt: skip

    def _repr_html_(self) -> str:
        return html(self)


def replay(
    path: str | Path, *, clock: Callable[[], int] = time.time_ns, progress: Progress | None = None
) -> ReplayReport:
    """Check and recompute the case in a folder; needs no store and lets nothing out."""
    begun = time.monotonic()
    folder = Path(path)
    with offline():
        verified = verify(folder)
        found = _Replay(folder, verified)
        matched = 0
        for done, entry in enumerate(verified.entries):
            if progress is not None:
                progress(entry.operation, done, len(verified.entries))
            matched += found.entry(entry)
    mismatches = [*verified.mismatches, *found.mismatches]
    state_hash = fold(found.entries).hash
    if verified.head and verified.whole and verified.head.next == "" and verified.head.state != state_hash:
        mismatches.append(Mismatch("state", "state hash", verified.head.state, state_hash))
    seconds = time.monotonic() - begun
    total = max(verified.total, len(verified.entries))
    return ReplayReport(verified.case_id, matched, total, tuple(mismatches), state_hash, seconds, iso(clock()))


class _Replay:
    """Recompute entries one after the other, each in the state that its predecessors left."""

    def __init__(self, folder: Path, verified: Verified) -> None:
        self._folder = folder
        self._bundle: Bundle = verified.bundle
        self._damaged = {m.place for m in verified.mismatches}
        self._outcomes: dict[int, Outcome] = {}
        self.entries: list[Entry] = []
        self.mismatches: list[Mismatch] = []

    def entry(self, entry: Entry) -> bool:
        """Replay one entry and say whether it matches."""
        before = len(self.mismatches)
        place = f"entry {entry.seq}, {line(entry)}"
        if files.result_name(entry.seq) in self._damaged:
            self.entries.append(entry)
            return False
        recorded = self._recorded(entry)
        result = entry.result
        if recorded is None:
            self.entries.append(entry)
            return False
        if digest(recorded) != entry.result:
            self._differs(place, "digest of the result", entry.result, digest(recorded), entry.seq)
        if entry.mode == "computed":
            found = self._compute(entry, place)
            if found is not None:
                # Within tolerance the recorded digest stands, so that a last digit never turns into a chain of changes.
                changed = list(differences(recorded, found))
                for value, was, now in changed[:5]:
                    self._differs(place, value, was, now, entry.seq)
                result = digest(found) if changed else entry.result
        self.entries.append(replace(entry, result=result))
        return len(self.mismatches) == before

    def _recorded(self, entry: Entry) -> dict[str, Any] | None:
        content: dict[str, Any] = loads((self._folder / files.result_name(entry.seq)).read_bytes())
        try:
            self._outcomes[entry.seq] = codec.decode(content, self._bundle.evidence)
        except (WorkbenchError, KeyError, TypeError) as error:
            self._differs(files.result_name(entry.seq), "evidence", "in the bundle", str(error), entry.seq)
            return None
        return content

    def _compute(self, entry: Entry, place: str) -> dict[str, Any] | None:
        reading = Reading(fold(self.entries), self._answer, self._outcome)
        try:
            operation = operations.find(entry.operation)
            found = codec.encode(run(operation, reading, entry.arguments))
        except UnknownNameError as error:
            self._differs(place, "operation", "installed", str(error), entry.seq)
        except IntegrityError as error:
            self._differs(place, "evidence", "as frozen", str(error), entry.seq)
        else:
            if reading.inputs != dict(entry.inputs):
                changed = sorted(k for k in reading.inputs.keys() | entry.inputs.keys()
                                 if reading.inputs.get(k, "") != entry.inputs.get(k, ""))  # fmt: skip
                self._differs(place, "inputs", "as recorded", ", ".join(changed), entry.seq)
            return found
        return None

    def _answer(self, query: str, arguments: Mapping[str, Any]) -> tuple[Frozen, pa.Table]:
        frozen = self._bundle.find(query, arguments)
        if frozen is None:
            raise IntegrityError(f"{question(query, arguments)} is not in the bundle.")
        return frozen, self._bundle.read(frozen.id)

    def _outcome(self, entry: Entry) -> Outcome:
        if entry.seq not in self._outcomes:
            raise IntegrityError(f"{files.result_name(entry.seq)} could not be read.")
        return self._outcomes[entry.seq]

    def _differs(self, place: str, value: str, recorded: Any, found: Any, seq: int) -> None:
        self.mismatches.append(Mismatch(place, value, recorded, found, seq))
