"""How much of the symptom the failures, the slowness or the missing answers of one service account for."""

from __future__ import annotations

from workbench.model.findings import Finding
from workbench.playbook.view import WITHOUT_MODEL, View, number


def own_findings(view: View, service: str) -> list[Finding]:
    """Return what rose at a service: its errors and its times, what is most its own first."""
    found = [f for f in view.findings if f.entity == service and f.values.get("family") in ("errors", "latency")]
    return sorted(found, key=lambda f: (-round(number(f, "own_share"), 3), -round(f.strength, 9), f.signal))


def explained_by(view: View, service: str, found: list[Finding]) -> float | None:
    """Return how much of the symptom the service's own failures or time account for, 0..1; None if unknown."""
    if view.family in ("errors", "latency"):
        told = _of_requests(view, service, found)
        return max(told, _of_decisions(view, found)) if view.shares else told
    if not view.shares:
        return None if view.family == "outcome" else 0.0
    return _of_decisions(view, found)


def inheriting(view: View, service: str) -> tuple[str, ...]:
    """Return the services in which the same harm shows because they call this one."""
    return tuple(
        f.entity
        for f in view.findings
        if f.entity.startswith("service:") and f.entity != service and view.feeds(service, f.entity)
    )


def _of_requests(view: View, service: str, found: list[Finding]) -> float:
    """Return the service's own part of the symptom's rise, where the symptom is slowness or failure."""
    if not view.feeds(service, view.symptom.entity):
        return 0.0
    same = [f for f in found if f.values.get("family") == view.family]
    units = {f.signal for f in same}
    risen = [f for f in view.findings if f.entity == view.symptom.entity and f.signal in units]
    same = [f for f in same if f.signal in {r.signal for r in risen}]
    if not view.symptom.entity.startswith("service:"):
        return 0.6
    total = {f.signal: number(f, "change") for f in risen}
    return max((min(1.0, number(f, "own") / total[f.signal]) for f in same if total[f.signal] > 0), default=0.1)


def _of_decisions(view: View, found: list[Finding]) -> float:
    """Return what decisions without the model, and defaults served in place of features, contribute to the change."""
    failing = [f for f in found if f.values.get("family") == "errors"]
    matched = [
        s.entity.partition(":")[2]
        for s in view.of("skew")
        if any(0.6 <= number(f, "own") / max(number(s, "now") - number(s, "usual"), 1e-9) <= 1.6 for f in failing)
    ]
    without = max(0.0, view.shares.get(WITHOUT_MODEL, 0.0))
    total = sum(view.shares.get(name, 0.0) for name in set(matched)) + without
    return min(1.0, max(0.0, total)) * view.counts("outcome")
