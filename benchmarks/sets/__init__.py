"""Labelled sets of incidents: one reader a file, each yielding predictions; labels are never read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Prediction:
    """Hold what is written per case: a ranking that is always filled, and a verdict that may abstain."""

    case: str
    ranking: tuple[str, ...]
    verdict: str
    confidence: float
    seconds: float
