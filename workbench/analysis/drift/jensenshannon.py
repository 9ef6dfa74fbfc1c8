"""Jensen-Shannon distance."""

from __future__ import annotations

import numpy as np

from workbench.analysis.drift import DriftMetric, Pair


def jensen_shannon(pair: Pair) -> float:
    """Return the square root of the Jensen-Shannon divergence to base 2, over deciles or levels: 0..1."""
    p, q = pair.coarse().shares()
    middle = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        left = np.where(p > 0, p * np.log2(p / middle), 0.0).sum()
        right = np.where(q > 0, q * np.log2(q / middle), 0.0).sum()
    return float(np.sqrt(max((left + right) / 2, 0.0)))


METRIC = DriftMetric("Jensen-Shannon distance", jensen_shannon, threshold=0.1, high=1.0, min_rows=200,
                     reference="Endres and Schindelin 2003")  # fmt: skip
