"""Population stability index."""

from __future__ import annotations

import numpy as np

from workbench.analysis.drift import DriftMetric, Pair


def psi(pair: Pair) -> float:
    """Return the population stability index over ten reference deciles or the levels, in nats.

    Grows with sampling noise, about ``(bins - 1) * (1 / n + 1 / m)`` without any drift.
    """
    coarse = pair.coarse()
    # An empty bin would make the index infinite; half a row stands in for it.
    before, now = np.maximum(coarse.reference, 0.5), np.maximum(coarse.current, 0.5)
    p, q = before / before.sum(), now / now.sum()
    return float(((p - q) * np.log(p / q)).sum())


METRIC = DriftMetric("Population stability index", psi, threshold=0.3, unit="nats", min_rows=200,
                     reference="Siddiqi 2006")  # fmt: skip
