"""Alerts with one cause belong to one case: which case an alert joins, and why; nothing is journaled here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.analysis.lineage import Graph
from workbench.case.case import Case
from workbench.case.operations import Outcome
from workbench.case.reading import Answer
from workbench.case.symptom import Symptom
from workbench.model.findings import Evidence
from workbench.model.window import HOUR_NS, MINUTE_NS

OVER = ("resolved", "closed")
NEAR_NS = 30 * MINUTE_NS
"""Alerts whose entities feed each other have one cause when they begin so close together."""
SAME_NS = 6 * HOUR_NS
"""An alert of the same entity or group joins a case for so long after its selection."""


@dataclass(frozen=True)
class Open:
    """What folding needs to know of one case."""

    case_id: str
    over: bool
    entity: str
    starts_ns: int
    end_ns: int
    groups: frozenset[str]
    """Group keys of its alerts."""
    alerts: frozenset[tuple[str, int]]
    """Fingerprint and start of every alert that it holds."""
    path: frozenset[str]
    """Entities on the way of its best lead."""


def known(case: Case) -> Open | None:
    """Return what a case says for folding; None before it has begun."""
    symptom = case.symptom
    if symptom is None:
        return None
    own = [dict(symptom.alert)] if symptom.alert else []
    own += [dict(e.arguments["alert"]) for e in case.state.in_force if e.operation == "join_alert"]
    starts = int(own[0]["starts_ns"]) if own and own[0].get("starts_ns") else symptom.window.start_ns
    best = next((c for c in case.causes if f"{c.kind} {c.entity}" not in case.state.rejected), None)
    return Open(
        case.id, case.state.status in OVER, symptom.entity, starts, symptom.window.end_ns,
        frozenset(str(a["group_key"]) for a in own if a.get("group_key")),
        frozenset((str(a.get("fingerprint")), int(a.get("starts_ns") or 0)) for a in own),
        frozenset(best.path if best else ()),
    )  # fmt: skip


def held(alert: Mapping[str, Any], cases: Sequence[Open]) -> bool:
    """Say whether some case has this alert already."""
    return any((str(alert["fingerprint"]), int(alert["starts_ns"])) in case.alerts for case in cases)


def joins(alert: Mapping[str, Any], cases: Sequence[Open], graph: Callable[[], Graph]) -> tuple[str, str] | None:
    """Return the case that an alert joins and why; None where it is a case of its own.

    *graph* is asked for only when nothing simpler decides.
    """
    starts, entity = int(alert["starts_ns"]), str(alert.get("entity") or "")
    live = [c for c in cases if not c.over and c.starts_ns - SAME_NS <= starts <= c.end_ns + SAME_NS]
    for case in live:
        if entity and entity == case.entity:
            return case.case_id, f"it is about {entity} too"
        if alert.get("group_key") and str(alert["group_key"]) in case.groups:
            return case.case_id, "its sender groups it with them"
        if entity in case.path:
            return case.case_id, f"{entity} lies on the way of the best lead"
    near = [c for c in live if abs(c.starts_ns - starts) <= NEAR_NS]
    if not near or not entity:
        return None
    edges = graph()
    for case in near:
        if entity in edges and case.entity in edges:
            if case.entity in edges.descendants(entity):
                return case.case_id, f"{entity} feeds {case.entity}, within {NEAR_NS // MINUTE_NS} min"
            if entity in edges.descendants(case.entity):
                return case.case_id, f"{case.entity} feeds {entity}, within {NEAR_NS // MINUTE_NS} min"
    return None


class Watching:
    """A reading that asks a store and keeps nothing: for looking at what is new, never for evidence."""

    def __init__(self, symptom: Symptom, ask: Callable[..., Any]) -> None:
        self.symptom = symptom
        self._ask = ask

    def ask(self, query: str, **arguments: Any) -> Answer:
        """Return the store's answer of now."""
        given = {name: value for name, value in arguments.items() if value is not None}
        return Answer(self._ask(query, **given), Evidence("live", query, "", "", 0))

    def earlier(self, _name: str) -> Outcome | None:
        """Return None: nothing was computed before."""
        return None
