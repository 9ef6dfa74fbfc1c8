"""NannyML 0.13's univariate drift scores, recomputed from their definitions without importing it.

Jensen-Shannon and Hellinger use Doane's bins of the reference plus one bin for all mass outside them;
Kolmogorov-Smirnov and Wasserstein are exact below 10,000 reference rows and binned from there on.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import spatial, stats

from workbench.errors import UnknownNameError

Floats = NDArray[np.float64]
EXACT_BELOW = 10_000
"""Reference rows from which the continuous scores are computed on 10,000 equal-width bins."""


def score(metric: str, reference: pd.Series, current: pd.Series) -> float:
    """Return the score of one column, shapes (n,) and (m,)."""
    if metric not in _SCORES:
        raise UnknownNameError("NannyML score", metric, _SCORES)
    return _SCORES[metric](_clean(reference), _clean(current))


def _clean(values: pd.Series) -> pd.Series:
    if pd.api.types.is_numeric_dtype(values):
        values = values.astype(float).replace([np.inf, -np.inf], np.nan)
    return values.dropna()


def _shares(reference: pd.Series, current: pd.Series) -> tuple[Floats, Floats]:
    if not pd.api.types.is_numeric_dtype(reference):
        return _of_levels(reference, current)
    if reference.nunique() <= len(reference) * 0.1 and reference.nunique() <= 50:
        return _of_levels(reference, current)
    edges = np.histogram_bin_edges(reference, bins="doane")
    p = np.histogram(reference, edges)[0] / len(reference)
    q = np.histogram(current, edges)[0] / len(current)
    if q.sum() < 1:
        p, q = np.append(p, 0.0), np.append(q, 1.0 - q.sum())
    return p, q


def _of_levels(reference: pd.Series, current: pd.Series) -> tuple[Floats, Floats]:
    keys = sorted(set(reference) | set(current))
    p = reference.value_counts().reindex(keys, fill_value=0).to_numpy(float) / len(reference)
    q = current.value_counts().reindex(keys, fill_value=0).to_numpy(float) / len(current)
    return p, q


def _jensen_shannon(reference: pd.Series, current: pd.Series) -> float:
    return float(spatial.distance.jensenshannon(*_shares(reference, current), base=2))


def _hellinger(reference: pd.Series, current: pd.Series) -> float:
    p, q = _shares(reference, current)
    return float(np.sqrt(((np.sqrt(p) - np.sqrt(q)) ** 2).sum()) / np.sqrt(2))


def _l_infinity(reference: pd.Series, current: pd.Series) -> float:
    p, q = _of_levels(reference, current)
    return float(np.abs(p - q).max())


def _chi2(reference: pd.Series, current: pd.Series) -> float:
    keys = sorted(set(reference) | set(current))
    table = [part.value_counts().reindex(keys, fill_value=0).to_numpy() for part in (reference, current)]
    return float(stats.chi2_contingency(table).statistic)


def _kolmogorov_smirnov(reference: pd.Series, current: pd.Series) -> float:
    if len(reference) < EXACT_BELOW:
        return float(stats.ks_2samp(reference, current).statistic)
    before, now, _ = _fine(reference, current)
    return float(np.abs(np.cumsum(before) - np.cumsum(now)).max())


def _wasserstein(reference: pd.Series, current: pd.Series) -> float:
    if len(reference) < EXACT_BELOW:
        return float(stats.wasserstein_distance(reference, current))
    before, now, edges = _fine(reference, current)
    return float((np.abs(np.cumsum(before) - np.cumsum(now)) * np.diff(edges)).sum())


def _fine(reference: pd.Series, current: pd.Series) -> tuple[Floats, Floats, Floats]:
    edges = np.histogram_bin_edges(reference, bins=EXACT_BELOW)
    return (
        np.histogram(reference, edges)[0] / len(reference),
        np.histogram(current, edges)[0] / len(current),
        edges,
    )


_SCORES: dict[str, Callable[[pd.Series, pd.Series], float]] = {
    "jensen_shannon": _jensen_shannon,
    "hellinger": _hellinger,
    "l_infinity": _l_infinity,
    "chi2": _chi2,
    "kolmogorov_smirnov": _kolmogorov_smirnov,
    "wasserstein": _wasserstein,
}
