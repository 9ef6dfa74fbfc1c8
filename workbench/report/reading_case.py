"""What a postmortem reads of a case: outcomes that can be believed, frozen figures, and times of the practice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench import plugins
from workbench.case.bundle import Bundle, Frozen, question
from workbench.case.case import Case
from workbench.case.journal import Entry
from workbench.case.operations import Outcome
from workbench.case.reading import Reading
from workbench.case.shared_files import read_list
from workbench.case.symptom import Symptom
from workbench.errors import CouldNotRunError, IntegrityError, UsageError
from workbench.model.findings import Cause, Finding, Ranking
from workbench.model.window import parse_time_ns

_MOST_HOPS = 200


@dataclass(frozen=True)
class Masked:
    """Say for whom a copy was masked, and which kinds of values were found in it."""

    audience: str
    kinds: tuple[str, ...]


class CaseReader:
    """Read a begun case for a document; a result whose bytes were changed is left out and named in `changed`."""

    def __init__(self, case: Case, masked: Masked | None = None) -> None:
        if case.symptom is None:
            raise UsageError(f"{case.id} has not begun; begin it first: case.begin(entity, signal, window).")
        self.case = case
        self.symptom: Symptom = case.symptom
        self.changed: list[str] = []
        self.masked = masked if masked is not None else _masked(case)
        self.outcomes: dict[str, Outcome] = {}
        for entry in case.state.in_force:
            if entry.mode == "computed":
                try:
                    self.outcomes[entry.operation] = case.outcome(entry.seq)
                except IntegrityError as error:
                    self.changed.append(f"J{entry.seq}: {error}")

    @property
    def ranking(self) -> Ranking | None:
        """The newest ranking that can be believed."""
        return next((o.ranking for o in reversed(self.outcomes.values()) if o.ranking is not None), None)

    @cached_property
    def named(self) -> tuple[Cause, ...]:
        """Causes that are proven or suspected, best first."""
        return tuple(c for c in self.ranking or () if c.verdict != "none")

    @property
    def lead(self) -> Cause | None:
        """The best cause, proven or not."""
        return next(iter(self.ranking or ()), None)

    def findings(self) -> Iterator[Finding]:
        """Yield every finding of the steps, each once."""
        for outcome in self.outcomes.values():
            yield from outcome.findings

    @cached_property
    def bundle(self) -> Bundle:
        """The frozen evidence of the case."""
        bundle = Bundle(self.case.path)
        bundle.refresh()
        return bundle

    def reading(self) -> Reading:
        """Return what a step would see of the case, answered from frozen evidence alone."""

        def answer(query: str, arguments: Mapping[str, Any]) -> tuple[Frozen, pa.Table]:
            frozen = self.bundle.find(query, arguments)
            if frozen is None:
                raise CouldNotRunError(f"{question(query, arguments)} is not in the bundle")
            return frozen, self.bundle.read(frozen.id)

        return Reading(self.case.state, answer, lambda entry: self.case.outcome(entry.seq))

    def frozen(self, evidence: str) -> tuple[pd.DataFrame, Mapping[str, Any]] | None:
        """Return a frozen answer and what was asked for; None where it was changed since."""
        found = next((item for item in self.bundle.frozen if item.id == evidence), None)
        try:
            return None if found is None else (self.case.frame(evidence), found.arguments)
        except IntegrityError as error:
            self.changed.append(f"{evidence}: {error}")
            return None

    def frame(self, query: str) -> tuple[pd.DataFrame, str] | None:
        """Return the first frozen answer to a query and its id; None where it was not asked or was changed."""
        found = next((e for e in self.case.evidence.values() if e.query.startswith(f"{query}(")), None)
        if found is None:
            return None
        try:
            return self.case.frame(found.id), found.id
        except IntegrityError as error:
            self.changed.append(f"{found.id}: {error}")
            return None

    def said(self, entry: Entry) -> str:
        """Return an entry's one sentence; one whose bytes were changed is not repeated."""
        try:
            return self.case.outcome(entry.seq).summary
        except IntegrityError as error:
            self.changed.append(f"J{entry.seq}: {error}")
            return "unknown: the result was changed since it was recorded"

    def entries(self, operation: str) -> list[Entry]:
        """Return the entries in force of an operation, oldest first."""
        return [e for e in self.case.state.in_force if e.operation == operation]

    def status_entry(self, status: str) -> Entry | None:
        """Return the first entry that set a status, undone ones apart."""
        undone = {e.arguments["seq"] for e in self.case.entries if e.operation == "undo"}
        return next((e for e in self.case.entries if e.operation == "status" and e.seq not in undone
                     and e.arguments["status"] == status), None)  # fmt: skip

    @property
    def onset_ns(self) -> int | None:
        """When the symptom began, by the scope step; None where it could not be told."""
        scope = self.outcomes.get("scope")
        value = scope.values.get("onset_ns") if scope else None
        return int(value) if value is not None else None

    @property
    def scope_evidence(self) -> tuple[str, ...]:
        """What the onset rests on."""
        scope = self.outcomes.get("scope")
        return tuple(dict.fromkeys(e.id for f in scope.findings[:1] for e in f.evidence)) if scope else ()

    @property
    def alert_ns(self) -> int | None:
        """When the alert fired that began the case; None where no alert did."""
        starts = (self.symptom.alert or {}).get("starts_ns")
        return int(starts) if isinstance(starts, int) else None

    def signature(self, cause: Cause) -> Any | None:
        """Return the failure signature of a cause, or None where it is not installed."""
        names = plugins.names("signature")
        return plugins.load("signature", cause.kind) if cause.kind in names else None

    def written_in(self, feature: str) -> str:
        """Return the first by name of the data sets that jobs write a feature into; empty where none is known."""
        columns = self.frame("column_edges")
        found = sorted(_columns_of(columns[0], feature)) if columns is not None else []
        return found[0].removeprefix("column:").rpartition(".")[0] if found else ""

    def downstream(self, entity: str) -> tuple[list[str] | None, tuple[str, ...]]:
        """Return what is made from an entity, sorted, and the evidence read; None where the lineage lacks it."""
        edges: dict[str, set[str]] = {}
        read: list[str] = []
        whole = self.frame("lineage_edges")
        if whole is not None:
            read.append(whole[1])
            for row in whole[0][["upstream", "downstream"]].itertuples(index=False):
                edges.setdefault(str(row.upstream), set()).add(str(row.downstream))
        columns = self.frame("column_edges") if entity.startswith(("column:", "feature:")) else None
        if columns is not None:
            read.append(columns[1])
            for above, below in _column_edges(columns[0], self.lead.path if self.lead is not None else ()):
                edges.setdefault(above, set()).add(below)
            for column in _columns_of(columns[0], entity):
                edges.setdefault(entity, set()).add(column)
        # The lineage of jobs knows no features: the cause's own path leads from one to what it feeds.
        path = self.lead.path if self.lead is not None else ()
        for above, below in pairwise(path):
            edges.setdefault(above, set()).add(below)
        if self.lead is not None and entity in path:
            read += [e.id for f in self.lead.evidence_for[:1] for e in f.evidence]
        found: set[str] = set()
        border = [entity]
        while border and len(found) < _MOST_HOPS:
            border = sorted({name for at in border for name in edges.get(at, ())} - found - {entity})
            found.update(border)
        # A table is wrong where a column of it is; what else is made from that table need not be.
        found |= {f"dataset:{c.removeprefix('column:').rpartition('.')[0]}" for c in found if c.startswith("column:")}
        known = entity in edges or any(entity in below for below in edges.values())
        return (sorted(found) if known else None), tuple(dict.fromkeys(read))


def _masked(case: Case) -> Masked | None:
    """Return what the list beside a shared case says; None where it was not shared or the list was changed."""
    try:
        listed = read_list(case.path)
    except IntegrityError:
        return None
    return None if listed is None else Masked(str(listed["audience"]), tuple(sorted(listed["masked"])))


def _column_edges(rows: pd.DataFrame, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield edges from column to column, and from a column to the feature of a path that carries its name."""
    named = ["upstream_dataset", "upstream_column", "downstream_dataset", "downstream_column"]
    for up_set, up, down_set, down in rows[named].itertuples(index=False, name=None):
        below = f"column:{down_set}.{down}"
        yield f"column:{up_set}.{up}", below
        if f"feature:{down}" in path:
            yield below, f"feature:{down}"


def _columns_of(rows: pd.DataFrame, entity: str) -> set[str]:
    """Return the last columns that jobs write under the name of a feature; none for other entities.

    What such a column is made from carries the name too and need not be wrong.
    """
    kind, _, name = entity.partition(":")
    if kind != "feature":
        return set()
    mine = rows[rows["downstream_column"] == name]
    above = set(mine["upstream_dataset"][mine["upstream_column"] == name])
    return {f"column:{table}.{name}" for table in set(mine["downstream_dataset"]) - above}


def entry_ns(entry: Entry) -> int:
    """Return when an entry was written, ns UTC."""
    return parse_time_ns(entry.time)


def seconds_between(first: int | None, second: int | None) -> float | None:
    """Return the seconds from one time to another; None where one is unknown."""
    return None if first is None or second is None else (second - first) / 1e9
