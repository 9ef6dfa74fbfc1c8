"""Tell each part of the symptom once: what a better cause accounts for already is not evidence for the next one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from workbench.analysis.rank_incident import COVERED, named
from workbench.model.findings import Cause, Verdict
from workbench.playbook.view import VERSION, WITHOUT_MODEL, View

KEPT = 0.1
"""What a cause keeps of a share that a better one accounts for: two causes may do the same harm."""
MOVES = 0.02
"""Share of the symptom from which an input counts as moved."""
OF_REQUESTS = ("service", "gpu", "host", "flag")
"""Kinds of entities that act on requests: how long they take, and whether they fail."""
OF_VERSIONS = ("model_version", "run", "model", "data_version")


def told_once(causes: tuple[Cause, ...], view: View) -> tuple[Cause, ...]:
    """Return the causes in order, each weighed by what those before it leave of the symptom."""
    taken: dict[str, float] = {}
    waiting = [(cause, _claims(cause, view)) for cause in causes]
    placed: list[Cause] = []
    while waiting:
        left = [_folded(_reduced(cause, claims, taken), placed, view) for cause, claims in waiting]
        at = min(range(len(left)), key=lambda place: (-left[place].confidence, left[place].rank))
        placed.append(replace(left[at], rank=len(placed) + 1))
        _, claims = waiting.pop(at)
        if left[at].verdict != "none":
            for part, share in claims.items():
                taken[part] = taken.get(part, 0.0) + share
    return tuple(placed)


def _folded(cause: Cause, placed: Sequence[Cause], view: View) -> Cause:
    """Lower a table or column of which a twin stands before it: feeds side by side show one failure once each."""
    kind, _, name = cause.entity.partition(":")
    reached = view.features_of([cause.entity])
    if kind not in ("column", "dataset") or not reached:
        return cause
    last = name.rpartition(".")[2]
    twins = [c.entity for c in placed if c.kind == cause.kind and c.entity.rpartition(".")[2] == last]
    if cause.factors.get("own", 1.0) < 1.0 or not any(view.features_of([twin]) == reached for twin in twins):
        return cause
    confidence = round(cause.confidence * COVERED, 9)
    factors = cause.factors | {"own": COVERED}
    return replace(cause, confidence=confidence, verdict=named(cause.verdict, confidence), factors=factors)


def _share(cause: Cause) -> float:
    """Return the share of the symptom that a cause is weighed by, 0..1."""
    return ((cause.factors["explains"] - 0.1) / 0.9) ** 2


def _claims(cause: Cause, view: View) -> Mapping[str, float]:
    """Return the parts of the symptom that a cause accounts for: inputs of the decisions, else requests or rows."""
    kind = cause.entity.partition(":")[0]
    share = _share(cause)
    if share <= 0.0 or kind == "source":
        return {}
    if not view.shares:
        return {"requests" if kind in OF_REQUESTS else "rows": share}
    if kind in OF_REQUESTS:
        parts: tuple[str, ...] = (WITHOUT_MODEL,)
    elif kind in OF_VERSIONS:
        parts = (VERSION,)
    else:
        parts = view.features_of([cause.entity])
    return {part: view.shares[part] for part in parts if view.shares.get(part, 0.0) >= MOVES}


def _reduced(cause: Cause, claims: Mapping[str, float], taken: Mapping[str, float]) -> Cause:
    """Return the cause weighed by what is left of its claims; a verdict that no longer holds falls with it."""
    whole = sum(claims.values())
    if whole <= 0.0 or not any(part in taken for part in claims):
        return cause
    capacity = {part: max(1.0, share) if part in ("requests", "rows") else share for part, share in claims.items()}
    fresh = sum(min(share, max(0.0, capacity[part] - taken.get(part, 0.0))) for part, share in claims.items()) / whole
    explains = 0.1 + 0.9 * (_share(cause) * (KEPT + (1.0 - KEPT) * fresh)) ** 0.5
    confidence = round(cause.confidence * explains / cause.factors["explains"], 9)
    verdict: Verdict = named(cause.verdict, confidence)
    return replace(cause, confidence=confidence, verdict=verdict, factors=cause.factors | {"left": fresh})
