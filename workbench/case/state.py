"""The state of a case: a fold of its journal, with undo as an entry like any other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from workbench.case import operations
from workbench.case.canonical import digest
from workbench.case.journal import Entry
from workbench.case.symptom import Symptom
from workbench.errors import UnknownNameError, UsageError

FORMAT = 1


@dataclass(frozen=True)
class State:
    """Hold what the case says now."""

    symptom: Symptom | None = None
    status: str = "open"
    owner: str | None = None
    notes: tuple[str, ...] = ()
    rejected: Mapping[str, str] = field(default_factory=dict)
    """Rejected cause, written ``kind entity`` -> why."""
    in_force: tuple[Entry, ...] = ()
    """Entries that count: neither undone nor replaced by a newer one, oldest first."""

    def newest(self, operation: str) -> Entry | None:
        """Return the newest entry in force of an operation."""
        return next((e for e in reversed(self.in_force) if e.operation == operation), None)

    def inputs(self) -> dict[str, str]:
        """Return the digests of the inputs that are not evidence."""
        symptom = self.symptom.plain() if self.symptom else None
        return {"symptom": digest(symptom), "rejected": digest(dict(self.rejected))}

    def earlier(self, operation: str) -> Entry | None:
        """Return the newest entry of an operation that was computed for the present selection and baseline."""
        entry = self.newest(operation)
        if entry is None or entry.inputs.get("symptom") not in (None, self.inputs()["symptom"]):
            return None
        return entry

    def stands(self, entry: Entry, answered: Callable[[Entry], bool]) -> bool:
        """Say whether everything that a computed entry read is still what it was.

        *answered* tells entries with an answer from those that could not run.
        Evidence needs no look: it never changes within a case.
        """
        now = self.inputs()
        for name, recorded in entry.inputs.items():
            kind, _, operation = name.partition(":")
            if kind == "earlier":
                found = self.earlier(operation)
                if recorded != (found.result if found and answered(found) else None):
                    return False
            elif kind in now and recorded != now[kind]:
                return False
        return True

    def plain(self) -> dict[str, Any]:
        """Return what the state hash covers: everything but who and when."""
        return {
            "format": FORMAT,
            "notes": list(self.notes),
            "owner": self.owner,
            "rejected": dict(self.rejected),
            "status": self.status,
            "symptom": self.symptom.plain() if self.symptom else None,
            "operations": [
                {"operation": e.operation, "arguments": dict(e.arguments), "inputs": dict(e.inputs), "result": e.result}
                for e in self.in_force
            ],
        }

    @cached_property
    def hash(self) -> str:
        """SHA-256 over the canonical state."""
        return digest(self.plain())


def fold(entries: Sequence[Entry]) -> State:
    """Return the state after *entries*."""
    active = without_undone(entries)
    newest = {slot(entry): entry for entry in active}
    in_force = tuple(e for e in active if newest[slot(e)] is e and e.operation != "undo")
    state = State(in_force=in_force)
    for entry in active:
        apply = _operation(entry.operation)
        if apply is not None and apply.apply is not None:
            state = apply.apply(state, entry.arguments)
    return state


def without_undone(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Return the entries that no undo has taken back; an undo may itself be undone."""
    undone: set[int] = set()
    for entry in reversed(entries):
        if entry.operation == "undo" and entry.seq not in undone:
            undone.add(entry.arguments["seq"])
    return tuple(e for e in entries if e.seq not in undone)


def last_undoable(entries: Sequence[Entry]) -> int:
    """Return the number of the newest entry that an undo without a number takes back."""
    for entry in reversed(without_undone(entries)):
        # What was done in the world is not undone by forgetting it.
        if entry.operation not in ("undo", "begin") and entry.mode != "action":
            return entry.seq
    raise UsageError("There is nothing to undo.")


def slot(entry: Entry) -> str:
    """Return the place that an entry fills; two entries of one slot are never both in force."""
    operation = _operation(entry.operation)
    if operation is None:
        return operations.default_slot(entry.operation, entry.arguments)
    return operation.slot_of(entry.arguments)


def _operation(name: str) -> operations.Operation | None:
    """Return an operation, or None where the plugin that brought it is not installed here."""
    try:
        return operations.find(name)
    except UnknownNameError:
        return None
