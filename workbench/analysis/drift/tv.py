"""Total variation distance."""

from __future__ import annotations

import numpy as np

from workbench.analysis.drift import DriftMetric, Pair


def total_variation(pair: Pair) -> float:
    """Return half the sum of differences of shares, the mass that would have to move: 0..1."""
    p, q = pair.coarse().shares()
    return float(np.abs(p - q).sum() / 2)


METRIC = DriftMetric("Total variation distance", total_variation, threshold=0.1, high=1.0, min_rows=200,
                     reference="Levin and Peres 2017, chapter 4")  # fmt: skip
