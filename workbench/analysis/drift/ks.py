"""Kolmogorov-Smirnov distance."""

from __future__ import annotations

import numpy as np

from workbench.analysis.drift import DriftMetric, Pair


def kolmogorov_smirnov(pair: Pair) -> float:
    """Return the largest difference of the two distribution functions: 0..1. Numbers only."""
    p, q = pair.shares()
    return float(np.abs(np.cumsum(p) - np.cumsum(q)).max())


METRIC = DriftMetric("Kolmogorov-Smirnov distance", kolmogorov_smirnov, threshold=0.1, high=1.0,
                     applies_to="numbers", reference="Smirnov 1948")  # fmt: skip
