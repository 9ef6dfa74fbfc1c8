"""Hellinger distance."""

from __future__ import annotations

import numpy as np

from workbench.analysis.drift import DriftMetric, Pair


def hellinger(pair: Pair) -> float:
    """Return the Hellinger distance over deciles or levels: 0..1."""
    p, q = pair.coarse().shares()
    return float(np.sqrt(((np.sqrt(p) - np.sqrt(q)) ** 2).sum() / 2))


METRIC = DriftMetric("Hellinger distance", hellinger, threshold=0.1, high=1.0, min_rows=200,
                     reference="Hellinger 1909")  # fmt: skip
