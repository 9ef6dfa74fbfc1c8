"""Do scores mean what they say: reliability, expected calibration error and Brier score where labels came."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from workbench.errors import UsageError

Floats = NDArray[np.float64]
MIN_ROWS = 100
"""Labelled rows below which nothing is said."""


@dataclass(frozen=True)
class Calibration:
    """How scores agree with labels."""

    rows: int
    brier: float
    """Mean squared difference of score and label: 0 best, 0.25 for always saying one half."""
    ece: float
    """Expected calibration error: mean distance of score and rate over bins of equal rows, 0..1."""
    ece_by_chance: float
    """What a perfectly calibrated score of as many rows shows on average."""
    p_value: float
    """Of calibration: Hosmer and Lemeshow's test over the bins."""
    bins: pd.DataFrame
    """Reliability: rows, score (mean), rate, low and high (95 % interval of the rate)."""


def calibration(scores: Floats, labels: Floats, *, bins: int = 10) -> Calibration:
    """Compare scores 0..1 with labels 0/1, shapes (n,); rows without either are left out."""
    score, label = labelled(scores, labels)
    order = np.argsort(score, kind="stable")
    parts = [part for part in np.array_split(order, min(bins, len(order))) if len(part)]
    n = np.array([len(p) for p in parts], float)
    mean = np.array([score[p].mean() for p in parts])
    hits = np.array([label[p].sum() for p in parts])
    variance = np.array([(score[p] * (1 - score[p])).sum() for p in parts])
    low, high = interval(hits, n)
    gaps = np.abs(hits / n - mean)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(variance > 0, (hits - n * mean) ** 2 / variance, np.where(hits == n * mean, 0.0, np.inf))
    table = pd.DataFrame({"rows": n.astype(int), "score": mean, "rate": hits / n, "low": low, "high": high})
    by_chance = float((np.sqrt(2 / np.pi * np.maximum(variance, 0)) / n * n / n.sum()).sum())
    return Calibration(len(score), float(((score - label) ** 2).mean()), float((gaps * n).sum() / n.sum()), by_chance,
                       float(stats.chi2.sf(terms.sum(), len(parts))), table)  # fmt: skip


def labelled(scores: Floats, labels: Floats) -> tuple[Floats, Floats]:
    """Return scores and labels of the rows that have both, checked: scores 0..1, labels 0 or 1, enough rows."""
    score, label = np.asarray(scores, float), np.asarray(labels, float)
    held = np.isfinite(score) & np.isfinite(label)
    score, label = score[held], label[held]
    if len(score) < MIN_ROWS:
        raise UsageError(
            f"Calibration needs {MIN_ROWS} labelled rows; {len(score)} of {len(held)} have score and label."
        )
    if score.min() < 0 or score.max() > 1 or not np.isin(label, (0.0, 1.0)).all():
        raise UsageError(
            f"Scores are 0..1 and labels 0 or 1; seen {score.min():g}..{score.max():g} and {np.unique(label)[:5]}."
        )
    return score, label


def interval(hits: Floats, rows: Floats, *, level: float = 0.95) -> tuple[Floats, Floats]:
    """Return Wilson's interval of a rate, shapes (k,)."""
    z = float(stats.norm.ppf(0.5 + level / 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        rate, wide = hits / rows, 1 + z**2 / rows
        middle = (rate + z**2 / (2 * rows)) / wide
        half = z * np.sqrt(rate * (1 - rate) / rows + z**2 / (4 * rows**2)) / wide
    return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)
