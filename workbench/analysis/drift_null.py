"""How likely a distance is where nothing changed: exact from counts, widened by the column's own quiet windows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from workbench.analysis.profile_history import Columns, Distances, History, Windows, distances

Floats = NDArray[np.float64]
MOST_QUIET = 40
"""Quiet comparisons looked at; more would narrow the null by little."""
BORROWED = 4
"""Quiet comparisons' worth of the whole table that each column's spread leans on."""
_NODES = 64
_FREE = 2.64
"""Degrees of freedom of the scaled chi-squared that has the mean and variance of the Anderson-Darling statistic."""


@dataclass(frozen=True)
class Spread:
    """Say how much wider than chance each column's quiet comparisons scatter; arrays have shape (columns,).

    1 is what independent rows give; rows that depend on their neighbours give more.
    """

    quiet: int
    """Quiet comparisons that it was learned from."""
    anderson: Floats
    chi2: Floats
    nulls: Floats
    rows: float
    """Standard deviation of the logarithm of the rows of a quiet window about those of its baseline; NaN if unknown."""


def quiet_comparisons(baseline: Windows, length_ns: int) -> list[tuple[list[tuple[int, int]], list[tuple[int, int]]]]:
    """Return (reference, current) windows within the baseline: each piece as long as *length_ns* against the rest."""
    pieces = []
    for start, end in baseline:
        count = max(1, (end - start) // max(length_ns, 1))
        pieces += [(start + k * length_ns, min(start + (k + 1) * length_ns, end)) for k in range(count)]
    if len(pieces) < 2:
        return []
    chosen = np.unique(np.linspace(0, len(pieces) - 1, min(len(pieces), MOST_QUIET)).astype(int)).tolist()
    found = []
    for i in chosen:
        start, end = pieces[i]
        rest = [part for window in baseline for part in _without(window, (start, end))]
        if rest:
            found.append((rest, [(start, end)]))
    return found


def _without(window: tuple[int, int], cut: tuple[int, int]) -> list[tuple[int, int]]:
    parts = [(window[0], min(window[1], cut[0])), (max(window[0], cut[1]), window[1])]
    return [(start, end) for start, end in parts if end > start]


def spread(history: History, baseline: Windows, length_ns: int) -> Spread:
    """Return how the quiet comparisons within a baseline scatter."""
    seen, shares, rows = [], [], []
    for reference, current in quiet_comparisons(baseline, length_ns):
        before, now = history.counts(reference), history.counts(current)
        seen.append(distances(history.columns, before, now))
        shares.append(_null_statistic(history, reference, current))
        rows.append(_row_ratio(history, reference, current))
    if not seen:
        one = np.ones(len(history.columns.names))
        return Spread(0, one, one, one, float("nan"))
    with np.errstate(divide="ignore", invalid="ignore"):
        chi2 = np.array([d.chi2 / d.freedom for d in seen])
    ratios = np.log([r for r in rows if r > 0])
    return Spread(
        len(seen), _widening(np.array([d.anderson for d in seen])), _widening(chi2), _widening(np.array(shares)),
        float(np.sqrt(np.mean(ratios**2))) if len(ratios) > 2 else float("nan"),
    )  # fmt: skip


def _widening(values: Floats) -> Floats:
    """Return the mean of each column's statistics, each 1 by chance, leaning on the table's; at least 1."""
    finite = np.isfinite(values)
    n = finite.sum(axis=0)
    own = np.where(finite, values, 0.0).sum(axis=0)
    means = own[n > 0] / n[n > 0]
    table = max(1.0, float(np.median(means))) if len(means) else 1.0
    return np.asarray(np.maximum(1.0, (own + BORROWED * table) / (n + BORROWED)), dtype=float)


def _row_ratio(history: History, reference: Windows, current: Windows) -> float:
    """Return rows an hour now over rows an hour before; NaN where either has none."""
    before, now = (_rate(history, windows) for windows in (reference, current))
    return now / before if before > 0 else float("nan")


def _rate(history: History, windows: Windows) -> float:
    length = sum(end - start for start, end in windows)
    return float(history.figures(windows, "rows").max(initial=0.0)) / length if length else 0.0


def row_ratio(history: History, reference: Windows, current: Windows) -> float:
    """Return rows per time now as a share of before; NaN where the reference has none."""
    return _row_ratio(history, reference, current)


def _null_statistic(history: History, reference: Windows, current: Windows) -> Floats:
    """Return the squared difference of null shares in units of its chance variance, shape (columns,): 1 on average."""
    n, m = history.figures(reference, "rows"), history.figures(current, "rows")
    a, b = history.figures(reference, "nulls"), history.figures(current, "nulls")
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = (a + b + 0.5) / (n + m + 1)
        return np.asarray((a / n - b / m) ** 2 / (pooled * (1 - pooled) * (1 / n + 1 / m)), dtype=float)


def p_values(found: Distances, columns: Columns, wide: Spread) -> Floats:
    """Return the probability of a distribution lying at least as far off by chance, shape (columns,).

    Numbers are judged by ranks (Anderson-Darling) and by shares of 20 bins, text by shares of levels.
    """
    shares = _chi2_tail(found.chi2, found.freedom, wide.chi2, wide.quiet)
    ranks = _anderson_tail(found.anderson, wide.anderson, wide.quiet)
    both = np.where(columns.numeric, _either(ranks, shares), shares)
    return np.where((found.reference_rows > 0) & (found.current_rows > 0), both, np.nan)


def null_p_values(history: History, reference: Windows, current: Windows, wide: Spread) -> Floats:
    """Return the probability of null shares lying at least as far apart by chance, shape (columns,)."""
    return _chi2_tail(_null_statistic(history, reference, current), np.ones(len(wide.nulls)), wide.nulls, wide.quiet)


def _either(left: Floats, right: Floats) -> Floats:
    """Combine two dependent p-values by the mean of their Cauchy quantiles (Liu and Xie 2020)."""
    with np.errstate(divide="ignore"):
        total = sum(np.where(p < 1e-12, 1 / (np.maximum(p, 1e-300) * np.pi), np.tan((0.5 - p) * np.pi))
                    for p in (left, right))  # fmt: skip
    mean = np.asarray(total, dtype=float) / 2
    with np.errstate(divide="ignore"):
        return np.where(mean > 1e10, 1 / (mean * np.pi), 0.5 - np.arctan(mean) / np.pi)


def _nodes(quiet: int, freedom: float) -> Floats:
    """Return how far off the learned spread may be, as equally likely factors, shape (nodes,)."""
    if quiet == 0:
        return np.ones(1)
    at = (np.arange(_NODES) + 0.5) / _NODES
    nu = freedom * (quiet + BORROWED)
    return np.asarray(stats.chi2.ppf(at, nu) / nu, dtype=float)


def _chi2_tail(statistic: Floats, freedom: Floats, wide: Floats, quiet: int) -> Floats:
    nodes = _nodes(quiet, _FREE)
    with np.errstate(invalid="ignore", divide="ignore"):
        tails = stats.chi2.sf(np.nan_to_num(statistic / wide)[:, None] * nodes, np.maximum(freedom, 1)[:, None])
    return np.where(freedom > 0, tails.mean(axis=1), 1.0)


def _anderson_tail(statistic: Floats, wide: Floats, quiet: int) -> Floats:
    z = np.nan_to_num(statistic / wide)[:, None] * _nodes(quiet, _FREE)
    return np.asarray(anderson_tail(z).mean(axis=1), dtype=float)


def anderson_tail(z: Floats) -> Floats:
    """Return the probability of an Anderson-Darling statistic above *z*, any shape (Marsaglia and Marsaglia 2004).

    Beyond 8, where their series ends, the tail falls like ``exp(-z) / sqrt(z)``.
    """
    z = np.maximum(z, 1e-6)
    small = np.minimum(z, 2.0)
    inner = 2.00012 + (0.247105 - (0.0649821 - (0.0347962 - (0.011672 - 0.00168691 * small) * small) * small) * small) * small
    below = np.exp(-1.2337141 / small) / np.sqrt(small) * inner
    large = np.clip(z, 2.0, 8.0)
    power = 1.0776 - (2.30695 - (0.43424 - (0.082433 - (0.008056 - 0.0003146 * large) * large) * large) * large) * large
    above = -np.expm1(-np.exp(power))
    far = above * np.exp(-(np.maximum(z, 8.0) - 8.0)) * np.sqrt(8.0 / np.maximum(z, 8.0))
    return np.where(z < 2.0, 1.0 - below, np.where(z <= 8.0, above, far))


def benjamini_hochberg(p: Floats) -> Floats:
    """Return q-values, shape (n,): the share of false alarms among all that look at least as unusual. NaN stays NaN."""
    out = np.full(len(p), np.nan)
    known = np.flatnonzero(np.isfinite(p))
    if len(known):
        order = known[np.argsort(p[known], kind="stable")]
        scaled = p[order] * len(known) / np.arange(1, len(known) + 1)
        out[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return out
