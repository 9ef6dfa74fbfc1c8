"""Weigh candidate causes against each other: path, signal, time, and how much of the symptom each explains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.model.findings import Verdict

HOUR_NS = 3_600_000_000_000
OFF_PATH = 0.05
"""What a candidate keeps that nothing leads from to the symptom."""
UNKNOWN_SHARE = 0.5
"""Counted where nobody can say how much of the symptom a candidate explains."""
PROVEN_AT = 0.5
SUSPECTED_AT = 0.4
COVERED = 0.3
"""What a candidate keeps that another one covers: the deviation shows there because of the other."""


@dataclass(frozen=True)
class Candidate:
    """One candidate as numbers; *key* names it, and ties between equals go by key."""

    key: str
    entity: str
    on_path: bool
    strength: float
    onset_ns: int | None
    onset_after_ns: int | None
    explained: float | None
    specificity: float
    shown: bool
    refuted: bool
    covers: frozenset[str]


@dataclass(frozen=True)
class Weighed:
    """A candidate with its confidence, what it is made of, and the verdict on it."""

    candidate: Candidate
    confidence: float
    factors: dict[str, float]
    verdict: Verdict


def weigh(
    candidates: Sequence[Candidate], symptom_onset_ns: int | None, symptom_strength: float, *, slack_ns: int = HOUR_NS
) -> list[Weighed]:
    """Return the candidates, best first.

    Confidence is the product of the factors: a candidate off the path, after the symptom,
    unremarkable in quiet windows or without effect on the symptom cannot be rescued by the
    others. Nothing is proven where the symptom itself is within its usual range.
    """
    judged = [_judged(c, symptom_onset_ns, slack_ns) for c in candidates]
    judged = _uncovered(judged)
    real = min(1.0, max(0.0, (symptom_strength - 0.9) / 0.09))
    weighed = []
    for item in judged:
        factors = item.factors | {"symptom": real}
        confidence = item.confidence * (0.1 + 0.9 * real)
        weighed.append(
            Weighed(item.candidate, round(confidence, 9), factors, _verdict(item.candidate, confidence, real))
        )
    return sorted(weighed, key=lambda w: (-w.confidence, w.candidate.key))


def _judged(c: Candidate, symptom_onset_ns: int | None, slack_ns: int) -> Weighed:
    factors = {
        "path": 1.0 if c.on_path else OFF_PATH,
        "signal": max(0.0, c.strength),
        "time_order": time_order(c, symptom_onset_ns, slack_ns),
        "explains": 0.1 + 0.9 * (UNKNOWN_SHARE if c.explained is None else c.explained) ** 0.5,
        "specificity": c.specificity * (0.6 if c.refuted else 1.0),
    }
    confidence = 1.0
    for value in factors.values():
        confidence *= value
    return Weighed(c, confidence, factors, "none")


def time_order(c: Candidate, symptom_onset_ns: int | None, slack_ns: int) -> float:
    """Return 1 where the candidate may have begun before the symptom, falling with every hour that it came after it."""
    if symptom_onset_ns is None:
        return 0.8
    earliest = c.onset_after_ns if c.onset_after_ns is not None else c.onset_ns
    if earliest is None:
        return 0.7
    late = earliest - symptom_onset_ns - slack_ns
    return 1.0 if late <= 0 else max(0.1, 1.0 - late / (4 * HOUR_NS))


def _uncovered(judged: list[Weighed]) -> list[Weighed]:
    """Lower the candidates that a better one accounts for; two causes of their own keep theirs."""
    kept = []
    for item in judged:
        by = [
            o
            for o in judged
            if o is not item
            and item.candidate.entity in o.candidate.covers
            and o.confidence >= 0.5 * item.confidence
            and item.candidate.entity != o.candidate.entity
            and not (o.candidate.entity in item.candidate.covers and o.confidence <= item.confidence)
        ]
        factor = COVERED if by else 1.0
        kept.append(Weighed(item.candidate, item.confidence * factor, item.factors | {"own": factor}, item.verdict))
    return kept


def _verdict(c: Candidate, confidence: float, real: float) -> Verdict:
    if c.on_path and c.shown and not c.refuted and confidence >= PROVEN_AT and real >= 0.99:
        return "proven"
    return "suspected" if confidence >= SUSPECTED_AT and c.on_path else "none"


def named(verdict: Verdict, confidence: float) -> Verdict:
    """Return what is left of a verdict when only so much confidence is."""
    if verdict == "proven" and confidence >= PROVEN_AT:
        return "proven"
    return "suspected" if verdict != "none" and confidence >= SUSPECTED_AT else "none"
