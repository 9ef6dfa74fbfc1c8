"""Rank changes by what they touch against what the evidence shows; recency is only a condition.

A change can be guilty only if it took effect before the onset. Among those, each is scored by the rare words
that its message, files and diff share with the evidence: risen error patterns, shifted
metrics, slow or failing operations. "No change explains this" is an answer.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.analysis.words import rarity, tokens

TITLE, FILES, TOUCHED, CONTEXT = 1.5, 1.0, 1.0, 0.3
"""Weights of a change's title, paths, added or removed lines, and unchanged lines."""
HARMLESS = 0.3
"""What is left of the score of a change that touches only documents, tests, styles or pins."""
NOT_DEPLOYED = 0.5
"""... of one that is not known to have been deployed where deployments are known."""
ELSEWHERE = 0.7
"""... of one in a service that the evidence does not speak of."""
MIN_SHARE = 0.12
"""A named change shares at least this part of the evidence's telling words, by weight."""
MIN_TELLING = 3
"""... and at least so many of them."""
_HARMLESS_PATH = re.compile(
    r"(^|/)(docs?|tests?|spec|__tests__|assets|styles?)/|\.(md|rst|txt|css|scss|svg|png|snap|lock|sum)$|_test\.|\.test\.|"
    r"(^|/)(go\.mod|package(-lock)?\.json|requirements[^/]*\.txt|CODEOWNERS|LICENSE|CHANGELOG[^/]*|README[^/]*)$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Change:
    """Describe one change, as far as it is known."""

    id: str
    time: float
    """When it took effect: its deployment where one is known, otherwise its own time; any unit, as *onset*."""
    title: str
    files: tuple[str, ...] = ()
    diff: str = ""
    service: str = ""
    deployed: bool = True


@dataclass(frozen=True)
class Shown:
    """Quote one piece of evidence, with how much it weighs and whose it is."""

    text: str
    weight: float = 1.0
    service: str = ""


@dataclass(frozen=True)
class Suspect:
    """Score one change, with the words that speak for it, most telling first."""

    change: Change
    score: float
    share: float
    """Part of the evidence's telling words that the change shares, by weight, 0..1."""
    words: tuple[str, ...]


def rank_changes(changes: Sequence[Change], shown: Sequence[Shown], *, onset: float) -> list[Suspect]:
    """Rank the changes that took effect before *onset*, best first, ties by id."""
    documents = {change.id: _document(change) for change in changes}
    evidence = _evidence(shown)
    known = rarity(documents.values())
    # A word of the evidence that no change holds is as telling as a word can be, and stays unexplained.
    telling = {token: known.get(token, math.log(2 * len(changes) + 2)) for token in {*known, *evidence}}
    total = sum(weight * telling.get(token, 0.0) for token, weight in evidence.items())
    services = {s.service for s in shown if s.service}
    suspects = [
        _suspect(change, documents[change.id], evidence, telling, total, services)
        for change in changes
        if change.time <= onset
    ]
    return sorted(suspects, key=lambda s: (-round(s.score, 9), s.change.id))


def guilty(suspects: Sequence[Suspect]) -> bool:
    """Return whether the first suspect may be named at all."""
    return bool(suspects) and suspects[0].share >= MIN_SHARE and len(suspects[0].words) >= MIN_TELLING


def _suspect(
    change: Change, document: Counter[str], evidence: dict[str, float], telling: dict[str, float], total: float,
    services: set[str],
) -> Suspect:  # fmt: skip
    gains = {
        token: evidence[token] * telling[token] * count / (count + 1.0)
        for token, count in document.items()
        if token in evidence and telling[token] > 0
    }
    share = sum(evidence[t] * telling[t] for t in gains) / total if total > 0 else 0.0
    factor = 1.0
    if change.files and all(_HARMLESS_PATH.search(path) for path in change.files):
        factor *= HARMLESS
    if not change.deployed:
        factor *= NOT_DEPLOYED
    if change.service and services and change.service not in services:
        factor *= ELSEWHERE
    words = tuple(sorted(gains, key=lambda t: (-gains[t], t)))
    return Suspect(change, factor * sum(gains.values()), factor * share, words)


def _document(change: Change) -> Counter[str]:
    document: Counter[str] = Counter()
    touched = "\n".join(line[1:] for line in change.diff.splitlines() if line[:1] in "+-")
    rest = "\n".join(line for line in change.diff.splitlines() if line[:1] not in "+-")
    for text, weight in ((change.title, TITLE), (" ".join(change.files), FILES), (touched, TOUCHED), (rest, CONTEXT)):
        for token, count in tokens(text).items():
            document[token] += weight * count  # type: ignore[assignment]
    return document


def _evidence(shown: Sequence[Shown]) -> dict[str, float]:
    """Weigh each word by the heaviest piece of evidence that holds it: repetition is no further proof."""
    weights: dict[str, float] = {}
    for piece in shown:
        for token in tokens(piece.text):
            weights[token] = max(weights.get(token, 0.0), piece.weight)
    return weights
