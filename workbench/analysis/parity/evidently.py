"""Evidently 0.7's drift scores, recomputed from their definitions without importing it.

Infinite values count as missing and missing values are dropped, so that nulls are never scored.
Numbers with more than 20 distinct values are binned by Sturges' rule over the *combined* range.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import spatial, stats

from workbench.errors import UnknownNameError

Floats = NDArray[np.float64]


def score(metric: str, reference: pd.Series, current: pd.Series) -> float:
    """Return the score of one column, shapes (n,) and (m,); p-values for ks and chisquare."""
    if metric not in _SCORES:
        raise UnknownNameError("Evidently score", metric, _SCORES)
    return _SCORES[metric](_clean(reference), _clean(current))


def _clean(values: pd.Series) -> pd.Series:
    if pd.api.types.is_numeric_dtype(values):
        values = values.astype(float).replace([np.inf, -np.inf], np.nan)
    return values.dropna()


def _counts(reference: pd.Series, current: pd.Series) -> tuple[Floats, Floats]:
    both = pd.concat([reference, current])
    if pd.api.types.is_numeric_dtype(both) and both.nunique() > 20:
        return _binned(reference, current)
    keys = sorted(both.unique())
    before, now = (part.value_counts().reindex(keys, fill_value=0).to_numpy(float) for part in (reference, current))
    return before, now


def _binned(reference: pd.Series, current: pd.Series) -> tuple[Floats, Floats]:
    edges = np.histogram_bin_edges(pd.concat([reference, current]), bins="sturges")
    before, now = (np.histogram(part, edges)[0].astype(float) for part in (reference, current))
    return before, now


def _shares(reference: pd.Series, current: pd.Series) -> tuple[Floats, Floats]:
    before, now = _counts(reference, current)
    return before / len(reference), now / len(current)


def _filled(shares: Floats) -> Floats:
    # Evidently fills empty bins without renormalising.
    smallest = float(shares[shares > 0].min())
    return np.where(shares == 0, smallest / 1e6 if smallest <= 1e-4 else 1e-4, shares)


def _psi(reference: pd.Series, current: pd.Series) -> float:
    p, q = (_filled(s) for s in _shares(reference, current))
    return float(((p - q) * np.log(p / q)).sum())


def _kl_div(reference: pd.Series, current: pd.Series) -> float:
    p, q = (_filled(s) for s in _shares(reference, current))
    return float(stats.entropy(p, q))


def _jensenshannon(reference: pd.Series, current: pd.Series) -> float:
    p, q = _shares(reference, current)
    return float(spatial.distance.jensenshannon(p, q))


def _hellinger(reference: pd.Series, current: pd.Series) -> float:
    if not pd.api.types.is_numeric_dtype(reference):
        return _hellinger_of(*_shares(reference, current))
    # The one score that bins every number, on edges of the *distinct* values.
    edges = np.histogram_bin_edges(pd.concat([reference, current]).unique(), bins="sturges")
    p, q = (np.histogram(part, edges)[0] / len(part) for part in (reference, current))
    return _hellinger_of(p, q)


def _hellinger_of(p: Floats, q: Floats) -> float:
    return float(np.sqrt(max(1.0 - float(np.sqrt(p * q).sum()), 0.0)))


def _wasserstein(reference: pd.Series, current: pd.Series) -> float:
    return float(stats.wasserstein_distance(reference, current) / max(float(np.std(reference)), 0.001))


def _ks(reference: pd.Series, current: pd.Series) -> float:
    return float(stats.ks_2samp(reference, current).pvalue)


def _chisquare(reference: pd.Series, current: pd.Series) -> float:
    before, now = _counts(reference, current)
    expected = before * len(current) / len(reference)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(expected > 0, (now - expected) ** 2 / expected, np.where(now > 0, np.inf, 0.0)).sum()
    return float(stats.chi2.sf(found, len(before) - 1))


_SCORES: dict[str, Callable[[pd.Series, pd.Series], float]] = {
    "psi": _psi,
    "kl_div": _kl_div,
    "jensenshannon": _jensenshannon,
    "hellinger": _hellinger,
    "wasserstein": _wasserstein,
    "ks": _ks,
    "chisquare": _chisquare,
}
