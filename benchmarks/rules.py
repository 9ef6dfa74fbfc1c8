"""Single rules to compare with on generated incidents: each ranks what the steps found by one idea, and never abstains.

They are given the same findings as the signatures. An incident that one of them solves alone is too easy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from workbench.case.case import Case
from workbench.model.findings import Finding

DEVIATES = 0.95
"""Strength from which traversal takes an entity for a deviating one."""
CHANGES = ("change", "new_version")
EVIDENCES = ("quality", "drift", "model", "serving", "hardware", "changes")
"""Steps whose findings are each ranked alone."""


def rankings(case: Case) -> dict[str, list[str]]:
    """Return the ranking of every rule, by name of the rule."""
    outcomes = case.outcomes
    symptom = case.symptom
    findings = [
        f for name in EVIDENCES if name in outcomes for f in outcomes[name].findings if f.state == "interesting"
    ]
    if symptom is not None:
        findings = [f for f in findings if f.entity != symptom.entity]
    upstream = outcomes["lineage"].frames.get("upstream") if "lineage" in outcomes else None
    depth = {} if upstream is None else dict(zip(upstream["entity"], upstream["distance"], strict=True))
    onset = outcomes["scope"].values.get("onset_ns") if "scope" in outcomes else None
    changes = [f for name in ("changes", "model") if name in outcomes for f in outcomes[name].findings]
    found = {
        "robust z": _ranked(findings, _deviation),
        "largest difference": _ranked(findings, _difference),
        "traversal": _ranked([f for f in findings if f.entity in depth and f.strength >= DEVIATES], _deep(depth)),
        "coverage + recency": _ranked([f for f in changes if f.signal in CHANGES], _recent(onset)),
    }
    for name in EVIDENCES:
        own = outcomes[name].findings if name in outcomes else ()
        found[f"{name} alone"] = _ranked([f for f in own if f.state == "interesting"], lambda f: f.strength)
    return found


def _ranked(findings: Iterable[Finding], score: Callable[[Finding], float]) -> list[str]:
    """Return entities by their best score; ties by name."""
    best: dict[str, float] = {}
    for finding in findings:
        best[finding.entity] = max(best.get(finding.entity, float("-inf")), score(finding))
    return sorted(best, key=lambda name: (-round(best[name], 9), name))


def _number(finding: Finding, key: str) -> float | None:
    value = finding.values.get(key)
    return float(value) if isinstance(value, int | float) else None


def _deviation(finding: Finding) -> float:
    """Return the finding's robust deviation where it has one, else its strength (BARO ranks by robust deviation)."""
    z = _number(finding, "z")
    return abs(z) if z is not None else finding.strength


def _difference(finding: Finding) -> float:
    """Return how far the figure lies from the usual one, relative to it."""
    now, usual = _number(finding, "now"), _number(finding, "usual")
    if now is None or usual is None:
        relative = _number(finding, "relative")
        return abs(relative) if relative is not None else 0.0
    return abs(now - usual) / max(abs(usual), 1e-9)


def _deep(depth: Mapping[str, float]) -> Callable[[Finding], float]:
    """Return a score by which the deviating entity farthest upstream is first."""
    return lambda finding: float(depth[finding.entity])


def _recent(onset_ns: object) -> Callable[[Finding], float]:
    """Return a score by which the last change before the onset is first, and later ones are last."""
    limit = float(onset_ns) if isinstance(onset_ns, int | float) else float("inf")

    def score(finding: Finding) -> float:
        time = float(finding.onset_ns or 0)
        return time if time <= limit else -time

    return score
