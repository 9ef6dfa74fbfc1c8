"""What a computed operation sees: the symptom, frozen answers, and what was computed before."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pandas as pd

from workbench.case.bundle import Frozen, frame
from workbench.case.canonical import dumps, plain
from workbench.case.derived import Derived
from workbench.case.journal import Entry
from workbench.case.operations import Outcome
from workbench.case.state import State
from workbench.case.symptom import Symptom
from workbench.errors import UsageError
from workbench.model.findings import Evidence

T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """Hold the answer of a named query and the evidence that it became."""

    frame: pd.DataFrame
    evidence: Evidence
    gaps: tuple[str, ...] = ()
    """What the store knows to be missing from the answer, in words."""


Answerer = Callable[[str, Mapping[str, Any]], tuple[Frozen, Any]]
"""Query and plain arguments -> what is frozen, and its Arrow table."""


class Reading:
    """Answer a computed operation's questions and note each answer as an input of its entry."""

    def __init__(
        self, state: State, answer: Answerer, outcome: Callable[[Entry], Outcome], derived: Derived | None = None
    ) -> None:
        self._state = state
        self._derived = Derived() if derived is None else derived
        self._answer = answer
        self._outcome = outcome
        self._inputs: dict[str, str | None] = {}

    @property
    def inputs(self) -> dict[str, str | None]:
        """Digests of everything read so far: evidence id, symptom, rejected, ``earlier:<name>``."""
        return dict(sorted(self._inputs.items()))

    @property
    def symptom(self) -> Symptom:
        """Return the entity, signal, selection, baseline, environment and alert of the case."""
        if self._state.symptom is None:
            raise UsageError("The case has no symptom yet; begin it first: case.begin(entity, signal, window).")
        self._inputs["symptom"] = self._state.inputs()["symptom"]
        return self._state.symptom

    @property
    def rejected(self) -> Mapping[str, str]:
        """Return the causes that people rejected, written ``kind entity``, with their reasons."""
        self._inputs["rejected"] = self._state.inputs()["rejected"]
        return dict(self._state.rejected)

    def ask(self, query: str, **arguments: Any) -> Answer:
        """Return the answer of a named query, frozen in the bundle; equal questions are the same evidence.

        Arguments that are None count as not given. Raise `CouldNotRunError` where
        no store is at hand and nothing is frozen, `IntegrityError` where frozen
        bytes were changed.
        """
        given = {name: plain(value, f"{query}.{name}") for name, value in arguments.items() if value is not None}
        dumps(given)
        frozen, table = self._answer(query, given)
        self._inputs[frozen.id] = frozen.sha256
        known = (table.schema.metadata or {}).get(b"gaps")
        return Answer(frame(table), frozen.evidence, tuple(json.loads(known)) if known else ())

    def derive(self, name: str, answers: Sequence[Answer], compute: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        """Return a frame that *compute* makes of *answers* and nothing else; steps of one case share it.

        The frame is a copy on write: whoever changes it changes only its own.
        """
        kept = self._derived.of((name, *(answer.evidence.sha256 for answer in answers)), compute)
        return kept.copy(deep=False)

    def share(self, key: tuple[str, ...], compute: Callable[[], T]) -> T:
        """Return what *key* (a name, then digests and whatever else it rests on) stands for; nobody may change it."""
        return self._derived.of(key, compute)

    def earlier(self, name: str) -> Outcome | None:
        """Return the newest outcome of an operation for the present selection; None if there is no answer."""
        entry = self._state.earlier(name)
        outcome = self._outcome(entry) if entry else None
        if entry is None or outcome is None or outcome.could_not_run:
            self._inputs[f"earlier:{name}"] = None
            return None
        self._inputs[f"earlier:{name}"] = entry.result
        return outcome
