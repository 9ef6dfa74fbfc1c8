"""L-infinity distance."""

from __future__ import annotations

import numpy as np

from workbench.analysis.drift import DriftMetric, Pair


def l_infinity(pair: Pair) -> float:
    """Return the largest difference of any decile's or level's share: 0..1."""
    p, q = pair.coarse().shares()
    return float(np.abs(p - q).max())


METRIC = DriftMetric("L-infinity distance", l_infinity, threshold=0.1, high=1.0, reference="largest share difference")
