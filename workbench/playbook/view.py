"""What signatures look at: all findings so far, the joined graph, and how much each input explains."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from workbench.analysis.lineage import Graph
from workbench.case.symptom import Symptom
from workbench.model.findings import Finding
from workbench.model.window import HOUR_NS
from workbench.playbook.symptoms import Family
from workbench.playbook.times import Times

WITHOUT_MODEL = "(decided without the model)"
"""Stands among the inputs for decisions that have no score."""
VERSION = "(model version)"
"""Stands among the inputs for the version that decided."""
ELSEWHERE = 0.7
"""What explaining another alert of the same hours counts, against explaining the symptom itself."""
MOVED_Z = 5.0
"""Spreads by which decisions must have changed to count as a harm that nobody was alerted to."""
SURE_Z = 3.0
"""Spreads from which shares of the change count in full."""
UNALERTED = 0.25
"""What explaining a harm counts that nobody was alerted to: worth a suspicion, never a proof."""
BATCH_SLACK_NS = 3 * HOUR_NS
"""Deviations seen in batches may be stamped so much later than what they cause downstream."""


@dataclass(frozen=True)
class View:
    """Hold what the steps found, for signatures to propose causes from."""

    symptom: Symptom
    family: Family
    times: Times
    findings: tuple[Finding, ...]
    graph: Graph
    contributions: pd.DataFrame
    """Per input: column, contribution, share, z, p_value, psi; empty where decisions could not be split."""
    change: float | None
    """Relative change of the symptom where it is a volume, else its difference."""
    also: frozenset[Family] = frozenset()
    """Families of other alerts that fire in the same hours: a second cause may show in those only."""
    decisions_z: float = 0.0
    """How far what is decided changed, in spreads of its quiet windows, whether or not anybody was alerted."""

    def of(self, *signals: str) -> list[Finding]:
        """Return the findings of these signals, strongest first."""
        found = [f for f in self.findings if f.signal in signals]
        return sorted(found, key=lambda f: (-round(f.strength, 9), f.entity, f.statement))

    @cached_property
    def upstream(self) -> frozenset[str]:
        """Everything that feeds the symptom, itself included."""
        entity = self.symptom.entity
        return frozenset({entity, *self.graph.ancestors(entity)}) if entity in self.graph else frozenset({entity})

    @cached_property
    def shares(self) -> dict[str, float]:
        """Share of the symptom's change that each feature accounts for, by feature name."""
        if self.contributions.empty or not self.counts("outcome"):
            return {}
        # A share of a change that is hardly one says nothing.
        sure = min(1.0, abs(self.decisions_z) / SURE_Z)
        return {str(r.column): float(r.share) * sure for r in self.contributions.itertuples()}

    def feeds(self, start: str, end: str) -> bool:
        """Say whether what happens at *start* can reach *end*."""
        return start == end or (start in self.graph and end in self._below(start))

    def _below(self, entity: str) -> frozenset[str]:
        if entity not in self._descendants:
            self._descendants[entity] = frozenset(self.graph.descendants(entity))
        return self._descendants[entity]

    @cached_property
    def _descendants(self) -> dict[str, frozenset[str]]:
        return {}

    def counts(self, family: Family) -> float:
        """Return how much explaining a harm of this family counts: fully for the symptom, less for another alert."""
        if family == self.family:
            return 1.0
        if family in self.also:
            return ELSEWHERE
        return UNALERTED if family == "outcome" and abs(self.decisions_z) >= MOVED_Z else 0.0

    def features_of(self, entities: Iterable[str]) -> tuple[str, ...]:
        """Return the features that are made from any of these columns, data sets or features, by name."""
        starts = list(entities)
        named = {e.partition(":")[2] for e in starts if e.startswith("feature:")}
        reached = {
            n.partition(":")[2] for e in starts if e in self.graph for n in self._below(e) if n.startswith("feature:")
        }
        return tuple(sorted(named | reached))

    def explained(self, features: Iterable[str]) -> float | None:
        """Return the share of the change that features account for together, 0..1; None where nobody can say.

        What an input is changes what is decided, not how many requests come or how fast they are answered.
        """
        if not self.shares:
            return None if self.family == "outcome" else 0.0
        total = sum(self.shares.get(f, 0.0) for f in set(features))
        return float(min(1.0, max(0.0, total))) * self.counts("outcome")

    def roots(self, findings: Iterable[Finding], *, allowance_ns: int = BATCH_SLACK_NS) -> list[Finding]:
        """Return the findings that no other of them lies upstream of: those that inherit from nobody."""
        items = list(findings)
        return [
            f
            for f in items
            if not any(
                g.entity != f.entity
                and g.entity in self.graph
                and self.feeds(g.entity, f.entity)
                and not self.feeds(f.entity, g.entity)
                and _not_later(g, f, allowance_ns)
                for g in items
            )
        ]

    def changes_naming(self, entities: Iterable[str], onset_ns: int | None) -> list[Finding]:
        """Return changes of the last day before an onset that name one of the entities, nearest first."""
        wanted = list(entities)
        near = [
            f
            for f in self.of("change")
            if f.onset_ns is not None
            and onset_ns is not None
            and onset_ns - 24 * HOUR_NS <= f.onset_ns <= onset_ns + HOUR_NS
        ]
        found = [f for f in near if any(mentions(f, e) for e in wanted)]
        return sorted(found, key=lambda f: (abs((f.onset_ns or 0) - (onset_ns or 0)), f.statement))

    def changes_of(
        self, entity: str, onset_ns: int | None, *, before_ns: int = 6 * HOUR_NS, after_ns: int = HOUR_NS
    ) -> list[Finding]:
        """Return the changes of an entity that lie shortly before an onset."""
        if onset_ns is None:
            return []
        near = [f for f in self.of("change") if f.entity == entity and f.onset_ns is not None]
        return [f for f in near if onset_ns - before_ns <= (f.onset_ns or 0) <= onset_ns + after_ns]


def mentions(change: Finding, entity: str) -> bool:
    """Say whether a change's words or paths name the entity: its last part, or that without a layer's prefix."""
    said = set(str(change.values.get("words") or "").split())
    last = re.split(r"[/.]", entity.partition(":")[2])[-1].lower()
    names = {last, last.partition("_")[2]} if last.count("_") > 1 else {last}
    return any(name and len(name) > 4 and any(name in word for word in said) for name in names)


def _not_later(first: Finding, second: Finding, allowance_ns: int) -> bool:
    return first.onset_ns is None or second.onset_ns is None or first.onset_ns <= second.onset_ns + allowance_ns


def after(finding: Finding) -> int | None:
    """Return the last time at which a finding's signal was still well."""
    value = finding.values.get("onset_after_ns")
    return int(value) if isinstance(value, int | float) else None


def number(finding: Finding, name: str) -> float:
    """Return a figure of a finding, 0 where it has none."""
    value = finding.values.get(name)
    return float(value) if isinstance(value, int | float) else 0.0


def lost_columns(finding: Finding) -> list[str]:
    """Return the columns that readers of the old schema miss or read differently, as entities."""
    names = f"{finding.values.get('removed') or ''}, {finding.values.get('retyped') or ''}".split(", ")
    return [f"column:{finding.entity.partition(':')[2]}.{name}" for name in names if name]
