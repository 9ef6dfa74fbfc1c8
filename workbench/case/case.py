"""The case: one folder with a journal of operations and the evidence they rest on."""

from __future__ import annotations

import logging
import shutil
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyarrow as pa

from workbench.case import bundle as bundles
from workbench.case import codec, files, operations
from workbench.case import render as rendering
from workbench.case.canonical import digest, dumps, loads, sha256
from workbench.case.derived import Derived
from workbench.case.folders import scratch_copy, write_empty
from workbench.case.human import OPERATIONS
from workbench.case.identity import identity, new_identity, user_name
from workbench.case.journal import Entry, Head, Journal, check_witness, parse_head
from workbench.case.operations import Operation, Outcome
from workbench.case.reading import Reading
from workbench.case.state import State, fold, last_undoable, slot, without_undone
from workbench.case.symptom import Symptom
from workbench.case.timings import Timings, Took
from workbench.errors import (
    CouldNotRunError,
    IntegrityError,
    UnknownNameError,
    UsageError,
)
from workbench.model.findings import Cause, Evidence, Ranking
from workbench.model.show import html
from workbench.model.window import iso

_LOG = logging.getLogger(__name__)

for _operation in OPERATIONS:
    operations.register(_operation)

Ask = Callable[..., pa.Table]
"""``ask(query, **arguments)``: a store's named queries."""


class Case:
    """An incident under investigation; every operation is a verb: ``case.note("…")``, ``case.scope()``.

    Open one with `Case.open` or ``bench.case``. Verbs are the registered operations; each call is journaled and can
    be replayed, undone and read as one line of Python.

    >>> Case.create("./INC-1", case_id="INC-1").note("Look at v42.").summary
    'Look at v42.'
    """

    def __init__(self, folder: Path, *, ask: Ask | None, who: str, clock: Callable[[], int]) -> None:
        self.path = folder
        self.who = who
        self._ask = ask
        self._clock = clock
        self._journal = Journal(folder)
        self._bundle = bundles.Bundle(folder)
        self._timings = Timings(folder.parent)
        self._derived = Derived()
        self._outcomes: dict[int, Outcome] = {}
        self._folded: tuple[str, State] = ("", State())
        self._identity = identity(folder)
        self.id = str(self._identity["id"])

    # -- opening ---------------------------------------------------------------------------------------------------

    @classmethod
    def create(
        cls, folder: str | Path, *, case_id: str, config: Mapping[str, Any] | None = None, ask: Ask | None = None,
        who: str | None = None, clock: Callable[[], int] = time.time_ns,
    ) -> Case:  # fmt: skip
        """Make a new, empty case in a folder that does not hold one yet; begin it with ``case.begin(…)``."""
        folder = Path(folder)
        if (folder / files.CASE).exists():
            raise UsageError(f"{folder} already holds a case; open it with Case.open.")
        (folder / files.RESULTS).mkdir(parents=True, exist_ok=True)
        content = dumps(new_identity(files.checked_id(case_id), iso(clock()), config or {}))
        files.write_whole(folder / files.CASE, content)
        write_empty(folder, content, bundles.manifest(()))
        return cls.open(folder, ask=ask, who=who, clock=clock)

    @classmethod
    def open(
        cls, path: str | Path, *, at: Literal["end", "start"] = "end", ask: Ask | None = None,
        who: str | None = None, clock: Callable[[], int] = time.time_ns,
    ) -> Case:  # fmt: skip
        """Open a case to go on with it; no store is needed to read what is frozen.

        With ``at="start"`` the evidence is that of the case and the journal is
        empty, in a scratch copy: each line of the journal then computes anew.
        Raise `IntegrityError` where the journal is not the one that was written.
        """
        folder = Path(path)
        if not (folder / files.CASE).is_file():
            raise UsageError(f"{folder} holds no case: there is no {files.CASE} in it.")
        scratch = scratch_copy(folder) if at == "start" else None
        case = cls(scratch or folder, ask=ask, who=who or user_name(), clock=clock)
        if scratch is not None:
            weakref.finalize(case, shutil.rmtree, scratch.parent, ignore_errors=True)
        case.refresh()
        check_witness(case.path.parent / files.WITNESS, case.id, case.entries)
        return case

    def refresh(self) -> None:
        """Read what other processes have added; raise `IntegrityError` for anything but additions."""
        try:
            self._read_added()
        except IntegrityError:
            # A writer may be between journal and head; only a look under the lock can tell.
            with files.locked(self.path):
                self._read_added()

    def _read_added(self) -> None:
        self._journal.refresh()
        head = parse_head((self.path / files.HEAD).read_bytes())
        self._bundle.refresh()
        self._journal.check_head(head)
        if self._journal.torn_bytes and not head.next:
            raise IntegrityError(f"{files.JOURNAL} ends in {self._journal.torn_bytes} bytes that are no entry.")
        if self._bundle.manifest_sha256 not in (head.manifest_sha256, head.next):
            raise IntegrityError(f"{files.MANIFEST} is not the one that {files.HEAD} names.")
        if sha256((self.path / files.CASE).read_bytes()) != head.case_sha256:
            raise IntegrityError(f"{files.CASE} is not the one that {files.HEAD} names.")

    # -- what it says ----------------------------------------------------------------------------------------------

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The journal, oldest entry first."""
        return self._journal.entries

    @property
    def state(self) -> State:
        """What the case says now: the fold of its journal."""
        if self._folded[0] != self._journal.last_hash:
            self._folded = (self._journal.last_hash, fold(self.entries))
        return self._folded[1]

    @property
    def state_hash(self) -> str:
        """SHA-256 over the canonical state; equal wherever the same lines run on the same evidence."""
        return self.state.hash

    @property
    def symptom(self) -> Symptom | None:
        """Entity, signal, selection and baseline; None before the case has begun."""
        return self.state.symptom

    @property
    def evidence(self) -> dict[str, Evidence]:
        """Everything frozen, by its id."""
        return self._bundle.evidence

    def frame(self, evidence_id: str) -> pd.DataFrame:
        """Return frozen evidence as a frame, after checking its bytes."""
        return bundles.frame(self._bundle.read(evidence_id))

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """Newest outcome in force of each computed operation, in the order they ran."""
        return {e.operation: self.outcome(e.seq) for e in self.state.in_force if e.mode == "computed"}

    def outcome(self, seq: int) -> Outcome:
        """Return what an entry said, after checking its bytes."""
        if seq not in self._outcomes:
            entry = self.entries[seq]
            content = (self.path / files.result_name(seq)).read_bytes()
            if sha256(content) != entry.result_sha256:
                raise IntegrityError(f"{files.result_name(seq)} was changed: its SHA-256 is not the journal's.")
            self._outcomes[seq] = codec.decode(loads(content), self.evidence)
        return self._outcomes[seq]

    def took(self, seq: int) -> Took | None:
        """Return seconds, rows and answers that an entry cost where it was computed; None where nobody knows."""
        return self._timings.of(self.entries[seq])

    def last_took(self, operation: str) -> Took | None:
        """Return what an operation cost when it last ran, in this case or another of its store; None if never."""
        return self._timings.last(operation)

    @property
    def ranking(self) -> Ranking | None:
        """The newest ranking of causes, or None."""
        found = [o.ranking for o in self.outcomes.values() if o.ranking is not None]
        return found[-1] if found else None

    @property
    def causes(self) -> tuple[Cause, ...]:
        """Ranked causes, best first; empty before anything was ranked."""
        return self.ranking.causes if self.ranking else ()

    def lines(self) -> list[str]:
        """Return the journal as Python, one line an entry."""
        return [rendering.line(entry) for entry in self.entries]

    def length(self) -> int:
        """Return the number of entries."""
        return len(self.entries)

    def last_undoable(self) -> int:
        """Return the number of the entry that ``case.undo()`` would take back."""
        return last_undoable(self.entries)

    @property
    def versions(self) -> dict[str, str]:
        """Versions of the software that made the case."""
        return dict(self._identity["versions"])

    @property
    def config(self) -> dict[str, Any]:
        """Settings that the case was made with."""
        return dict(self._identity["config"])

    def _repr_html_(self) -> str:
        return html(self)

    def __repr__(self) -> str:
        about = f"{self.symptom.signal} of {self.symptom.entity}, " if self.symptom else ""
        return f"<Case {self.id}: {about}{self.length()} entries, evidence: {len(self.evidence)}>"

    @property
    def derived(self) -> Derived:
        """What steps computed from frozen answers alone; views share it."""
        return self._derived

    # -- verbs -----------------------------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Callable[..., Outcome]:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            operation = operations.find(name)
        except UnknownNameError as error:
            raise AttributeError(str(error), name=name, obj=self) from error
        return _verb(self, operation)

    def __dir__(self) -> Iterator[str]:
        return iter({*super().__dir__(), *operations.names()})

    def call(self, operation: str, *args: Any, **kwargs: Any) -> Outcome:
        """Run an operation by its name, journal it, and return its outcome.

        A call that already stands in the current state appends nothing.
        """
        found = operations.find(operation)
        bound = found.bind(args, kwargs)
        while True:
            self.refresh()
            outcome = self._attempt(found, found.settle(self, bound) if found.settle else bound)
            if outcome is not None:
                return outcome

    def _attempt(self, operation: Operation, arguments: dict[str, Any]) -> Outcome | None:
        """Run and append; None when another process changed what was read meanwhile, so that it must run again."""
        standing = self._standing(operation, arguments)
        if standing is not None:
            return standing
        if operation.mode == "computed" and self.symptom is None:
            raise UsageError(f"Nothing to run {operation.name} on; say first: case.begin(entity, signal, window).")
        reading = Reading(self.state, self._answer, lambda entry: self.outcome(entry.seq), self._derived)
        begun = time.perf_counter()
        outcome = run(operation, reading, arguments)
        seconds = time.perf_counter() - begun
        content = codec.encode(outcome)
        codec.decode(content, self.evidence)
        seen = self.length()
        with files.locked(self.path):
            self._read_added()
            if self.length() != seen:
                standing = self._standing(operation, arguments)
                if standing is not None:
                    return standing
                if not self._still_true(operation, arguments, reading.inputs):
                    return None
            seen = self.length()
            said = self._append(operation, arguments, reading.inputs, content)
        if operation.mode == "computed" and self.length() > seen:
            read = [found.rows for name, found in self.evidence.items() if name in reading.inputs]
            self._timings.keep(self.entries[seen], Took(seconds, sum(read), len(read)))
        return said

    def _standing(self, operation: Operation, arguments: dict[str, Any]) -> Outcome | None:
        """Return the outcome of an equal call that is in force and whose inputs are what they were."""
        if operation.name == "undo":
            active = {entry.seq for entry in without_undone(self.entries)}
            return operation.run(None, **arguments) if arguments["seq"] not in active else None
        wanted = operation.slot_of(arguments)
        for entry in reversed(self.state.in_force):
            if entry.operation == operation.name and slot(entry) == wanted:
                if dict(entry.arguments) != arguments or not self.state.stands(entry, self._answered):
                    return None
                outcome = self.outcome(entry.seq)
                return None if outcome.could_not_run else outcome
        return None

    def _answered(self, entry: Entry) -> bool:
        return not self.outcome(entry.seq).could_not_run

    def _still_true(self, operation: Operation, arguments: dict[str, Any], inputs: dict[str, str | None]) -> bool:
        probe = Entry(0, "", "", operation.name, operation.mode, arguments, inputs, "", "", "")
        return self.state.stands(probe, self._answered)

    def _append(
        self, operation: Operation, arguments: dict[str, Any], inputs: dict[str, str | None], content: dict[str, Any]
    ) -> Outcome:
        """Write result, entry and head, in this order; the caller holds the lock and has refreshed."""
        result = digest(content)
        before = self._latest(operation, arguments)
        if before is not None and (before.result, dict(before.inputs)) == (result, inputs):
            return self.outcome(before.seq)
        data, seq = dumps(content), self.length()
        entry = Entry(seq, iso(self._clock()), self.who, operation.name, operation.mode, arguments, inputs,
                      result, sha256(data), self._journal.last_hash).sealed()  # fmt: skip
        files.write_whole(self.path / files.result_name(seq), data)
        self._write_head(following=entry.hash)
        self._journal.append(entry)
        self._write_head()
        self._witness(entry)
        return self.outcome(seq)

    def _latest(self, operation: Operation, arguments: dict[str, Any]) -> Entry | None:
        """Return the entry in force of an equal computed call; human and action entries are never folded away."""
        if operation.mode != "computed":
            return None
        wanted = operation.slot_of(arguments)
        return next((e for e in reversed(self.state.in_force) if slot(e) == wanted), None)

    def _write_head(self, following: str = "") -> None:
        case_sha256 = sha256((self.path / files.CASE).read_bytes())
        manifest_sha256 = self._bundle.manifest_sha256
        head = Head(self.length(), self._journal.last_hash, self.state_hash, case_sha256, manifest_sha256, following)
        files.write_whole(self.path / files.HEAD, head.content())

    def _witness(self, entry: Entry) -> None:
        witness = self.path.parent / files.WITNESS
        if witness.exists():
            with files.locked(witness.parent):
                files.append_line(witness, dumps({"case": self.id, "length": entry.seq + 1, "hash": entry.hash}))

    def _answer(self, query: str, arguments: Mapping[str, Any]) -> tuple[bundles.Frozen, pa.Table]:
        found = self._bundle.find(query, arguments)
        if found is None:
            if self._ask is None:
                raise CouldNotRunError(f"{bundles.question(query, arguments)} is not in the bundle, and there is no "
                                       "store here to ask; open the case with bench.case(…).")  # fmt: skip
            answer = self._ask(query, **arguments)
            with files.locked(self.path):
                self._read_added()
                found = self._bundle.find(query, arguments) or self._freeze(query, arguments, answer)
        return found, self._bundle.read(found.id)

    def _freeze(self, query: str, arguments: Mapping[str, Any], answer: pa.Table) -> bundles.Frozen:
        item, content = self._bundle.prepare(query, arguments, answer)
        self._write_head(following=sha256(bundles.manifest((*self._bundle.frozen, item))))
        self._bundle.keep(item, content)
        self._write_head()
        return item

    def replay(self) -> Any:
        """Compute every entry anew from the frozen evidence, offline, and report what matches."""
        from workbench.case.replay import replay

        return replay(self.path)


def run(operation: Operation, reading: Reading, arguments: Mapping[str, Any]) -> Outcome:
    """Run an operation; what a computed one could not do is its outcome, never a crash of the case."""
    try:
        outcome = operation.run(reading, **arguments)
    except IntegrityError:
        raise
    except Exception as error:
        # The one place that catches everything: a broken step is recorded, and the others go on.
        if operation.mode != "computed":
            raise
        expected = isinstance(error, CouldNotRunError)
        if not expected:
            _LOG.warning("%s failed", operation.name, exc_info=True)
        reason = str(error) if expected else f"{type(error).__name__}: {error}"
        return Outcome(could_not_run=reason, summary=f"could not run: {reason}")
    if not isinstance(outcome, Outcome):
        raise UsageError(f"Operation {operation.name} must return an Outcome; it returned {type(outcome).__name__}.")
    return outcome


def _verb(case: Case, operation: Operation) -> Callable[..., Outcome]:
    verb = partial(case.call, operation.name)
    verb.__name__ = operation.name  # type: ignore[attr-defined]
    verb.__doc__ = operation.doc
    verb.__signature__ = operation.signature()  # type: ignore[attr-defined]
    return verb
