"""Wasserstein distance, in standard deviations of the reference."""

from __future__ import annotations

import numpy as np

from workbench.analysis.drift import DriftMetric, Pair
from workbench.errors import UsageError


def distance(pair: Pair) -> float:
    """Return the first Wasserstein distance in the column's own unit: the area between the two functions."""
    if pair.positions is None:
        raise UsageError("The Wasserstein distance needs numbers; categories have no distance.")
    p, q = pair.shares()
    gap = np.abs(np.cumsum(p) - np.cumsum(q))[:-1]
    return float((gap * np.diff(pair.positions)).sum())


def wasserstein(pair: Pair) -> float:
    """Return the distance divided by the reference's standard deviation; its range stands in for a constant one."""
    moved = distance(pair)
    if pair.positions is None or moved == 0:
        return 0.0
    p, _ = pair.shares()
    mean = float((p * pair.positions).sum())
    spread = float(np.sqrt((p * (pair.positions - mean) ** 2).sum()))
    return moved / (spread or float(np.ptp(pair.positions)))


METRIC = DriftMetric("Wasserstein distance", wasserstein, threshold=0.1, unit="standard deviations",
                     applies_to="numbers", reference="Vaserstein 1969")  # fmt: skip
