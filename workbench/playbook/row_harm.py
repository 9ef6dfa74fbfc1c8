"""How much of the symptom rows account for that stand in a data set more often than they should."""

from __future__ import annotations

from collections.abc import Iterable

from workbench.model.findings import Finding
from workbench.playbook.view import View, number


def explained_by_more_rows(view: View, rows: Iterable[Finding], start: str) -> float | None:
    """Return how much of the symptom more rows account for: their share of a volume, counts that rise with them."""
    most = max((number(f, "relative") or number(f, "change") for f in rows), default=0.0)
    if view.family == "volume":
        if not view.change or view.change <= 0:
            return 0.0
        return float(min(1.0, most / view.change))
    if view.family == "latency":
        # More requests wait for each other.
        return max(0.6 if (view.change or 0.0) > 0 else 0.0, view.counts("volume"))
    moved = {f.entity.partition(":")[2] for f in view.of("drift")}
    told = view.explained(set(view.features_of([start])) & moved)
    return None if told is None else max(told, 0.15, view.counts("volume") if view.family != "outcome" else 0.0)
