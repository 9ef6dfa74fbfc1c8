"""Performance estimated before labels come, from calibrated confidence (CBPE).

Blind spots: where the relation of inputs and labels itself changed (concept drift), and where inputs leave the range
that the reference covers, the estimate stays well while the model does not; what only labels show is not seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.calibration import labelled
from workbench.errors import UsageError

Floats = NDArray[np.float64]
Metric = Literal["accuracy", "precision", "recall", "f1", "roc_auc", "brier"]
BLIND_SPOTS = ("concept drift: the same inputs meaning other labels", "inputs outside the range of the reference",
               "labels that are themselves biased by the decision")  # fmt: skip


@dataclass(frozen=True)
class Estimate:
    """An estimated figure with its interval."""

    metric: str
    value: float
    low: float
    high: float
    """95 % interval: chance of the rows' own labels, and of the reference that taught the calibration."""
    rows: int
    reference: float
    """The figure measured on the labelled reference."""
    outside: float
    """Share of rows whose score lies outside the reference's range: there the estimate is a guess."""
    blind_spots: tuple[str, ...] = BLIND_SPOTS


def estimate(
    reference_scores: Floats, reference_labels: Floats, scores: Floats, *, metric: Metric = "accuracy",
    threshold: float = 0.5, resamples: int = 200, seed: int = 0,
) -> Estimate:  # fmt: skip
    """Estimate *metric* of rows without labels, shape (m,), from a labelled reference, shapes (n,).

    The score is calibrated on the reference by isotonic regression; each row then counts as positive with its
    calibrated probability. The interval comes from *resamples* of the reference, each with drawn labels.
    """
    if metric not in _MEASURES:
        raise UsageError(f"metric is one of {', '.join(_MEASURES)}; got {metric!r}.")
    known, label = labelled(reference_scores, reference_labels)
    current = np.asarray(scores, float)
    current = current[np.isfinite(current)]
    if not len(current):
        raise UsageError("No row has a score; there is nothing to estimate.")
    rng = np.random.default_rng(seed)
    measure = _MEASURES[metric]
    probability = calibrated(known, label, current)
    value = measure(probability, current, threshold)
    draws = np.empty(resamples)
    for i in range(resamples):
        chosen = rng.integers(0, len(known), len(known))
        again = calibrated(known[chosen], label[chosen], current)
        draws[i] = measure((rng.random(len(current)) < again).astype(float), current, threshold)
    low, high = np.nanquantile(draws, (0.025, 0.975)) if np.isfinite(draws).any() else (np.nan, np.nan)
    outside = float(((current < known.min()) | (current > known.max())).mean())
    return Estimate(metric, value, float(low), float(high), len(current), measure(label, known, threshold), outside)


def calibrated(known: Floats, label: Floats, scores: Floats) -> Floats:
    """Return the probability of a positive label for each score, from isotonic regression on the reference."""
    order = np.argsort(known, kind="stable")
    x, y = known[order], label[order]
    levels, first, counts = np.unique(x, return_index=True, return_counts=True)
    means = np.add.reduceat(y, first) / counts
    return np.asarray(np.interp(scores, levels, _rising(means, counts.astype(float))), dtype=float)


def _rising(values: Floats, weights: Floats) -> Floats:
    """Return the nearest rising sequence in least squares (pool adjacent violators)."""
    from scipy.optimize import isotonic_regression

    return np.asarray(isotonic_regression(values, weights=weights).x, dtype=float)


def _confusion(positive: Floats, score: Floats, threshold: float) -> tuple[float, float, float, float]:
    said = score >= threshold
    return (float(positive[said].sum()), float((1 - positive[said]).sum()), float(positive[~said].sum()),
            float((1 - positive[~said]).sum()))  # fmt: skip


def _accuracy(positive: Floats, score: Floats, threshold: float) -> float:
    tp, _, _, tn = _confusion(positive, score, threshold)
    return (tp + tn) / len(score)


def _precision(positive: Floats, score: Floats, threshold: float) -> float:
    tp, fp, _, _ = _confusion(positive, score, threshold)
    return tp / (tp + fp) if tp + fp else float("nan")


def _recall(positive: Floats, score: Floats, threshold: float) -> float:
    tp, _, fn, _ = _confusion(positive, score, threshold)
    return tp / (tp + fn) if tp + fn else float("nan")


def _f1(positive: Floats, score: Floats, threshold: float) -> float:
    tp, fp, fn, _ = _confusion(positive, score, threshold)
    return 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else float("nan")


def _roc_auc(positive: Floats, score: Floats, _: float) -> float:
    levels, place = np.unique(score, return_inverse=True)
    hits, misses = (np.bincount(place, w, len(levels)) for w in (positive, 1 - positive))
    below = np.cumsum(misses) - misses / 2
    total = hits.sum() * misses.sum()
    return float((hits * below).sum() / total) if total else float("nan")


def _brier(positive: Floats, score: Floats, _: float) -> float:
    return float((positive * (1 - score) ** 2 + (1 - positive) * score**2).mean())


_MEASURES = {"accuracy": _accuracy, "precision": _precision, "recall": _recall, "f1": _f1, "roc_auc": _roc_auc,
             "brier": _brier}  # fmt: skip
