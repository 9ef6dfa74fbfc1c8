"""Chi-squared test of homogeneity, as effect size."""

from __future__ import annotations

import numpy as np

from workbench.analysis.drift import DriftMetric, Pair


def statistic(pair: Pair) -> tuple[float, int]:
    """Return Pearson's chi-squared of the two by k table of counts, and its degrees of freedom."""
    coarse = pair.coarse()
    table = np.vstack([coarse.reference, coarse.current])
    table = table[:, table.sum(axis=0) > 0]
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    return float(((table - expected) ** 2 / expected).sum()), table.shape[1] - 1


def cramers_v(pair: Pair) -> float:
    """Return Cramer's V of window by bin: the chi-squared statistic as a share of its maximum, 0..1."""
    found, freedom = statistic(pair)
    return float(np.sqrt(found / sum(pair.rows))) if freedom > 0 else 0.0


METRIC = DriftMetric("Chi-squared (Cramer's V)", cramers_v, threshold=0.1, high=1.0, reference="Cramer 1946")
