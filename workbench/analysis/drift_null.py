"""How likely a distance is where nothing changed: exact from counts, widened by the column's own quiet windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from workbench.analysis import drift_far
from workbench.analysis.drift_far import Wandering
from workbench.analysis.profile_history import Columns, Distances, History, Windows, distances

Floats = NDArray[np.float64]
MOST_QUIET = 40
"""Quiet comparisons looked at; more would narrow the null by little."""
BORROWED = 4
"""Quiet comparisons' worth of the whole table that each column's spread leans on."""
BY_CHANCE = 1.25
"""Widening up to which rows count as independent: so much is seen by chance among that few quiet windows."""
MOST_LIKELY = 0.99
"""Largest p-value that a test adds to what the others say."""
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
    far: Wandering
    rows: float
    """Standard deviation of the logarithm of the rows of a quiet window about those of its baseline; NaN if unknown."""


Comparison = tuple[list[tuple[int, int]], list[tuple[int, int]]]


def quiet_comparisons(groups: Sequence[Windows], length_ns: int) -> list[Comparison]:
    """Return (reference, current) windows: within each group, each piece as long as *length_ns* against the rest."""
    every = [pair for group in groups for pair in _left_out(group, length_ns)]
    if len(every) <= MOST_QUIET:
        return every
    return [every[i] for i in np.linspace(0, len(every) - 1, MOST_QUIET).astype(int).tolist()]


def _left_out(windows: Windows, length_ns: int) -> list[Comparison]:
    pieces = []
    for start, end in windows:
        count = max(1, (end - start) // max(length_ns, 1))
        pieces += [(start + k * length_ns, min(start + (k + 1) * length_ns, end)) for k in range(count)]
    if len(pieces) > MOST_QUIET:
        pieces = [pieces[i] for i in np.linspace(0, len(pieces) - 1, MOST_QUIET).astype(int).tolist()]
    found = [([part for window in windows for part in _without(window, piece)], [piece]) for piece in pieces]
    return [(rest, piece) for rest, piece in found if rest]


def _without(window: tuple[int, int], cut: tuple[int, int]) -> list[tuple[int, int]]:
    parts = [(window[0], min(window[1], cut[0])), (max(window[0], cut[1]), window[1])]
    return [(start, end) for start, end in parts if end > start]


def spread(history: History, groups: Sequence[Windows], length_ns: int) -> Spread:
    """Return how the quiet comparisons within groups of windows scatter."""
    seen, shares, rows = [], [], []
    for reference, current in quiet_comparisons(groups, length_ns):
        before, now = history.counts(reference), history.counts(current)
        seen.append(distances(history.columns, before, now))
        shares.append(_null_statistic(history, reference, current))
        rows.append(_row_ratio(history, reference, current))
    if not seen:
        one = np.ones(len(history.columns.names))
        steady = Wandering(np.ones((2, len(one))), np.zeros((2, len(one))))
        return Spread(0, one, one, one, steady, float("nan"))
    with np.errstate(divide="ignore", invalid="ignore"):
        chi2 = np.array([d.chi2 / d.freedom for d in seen])
    ratios = np.log([r for r in rows if r > 0])
    return Spread(
        len(seen), _widening(np.array([d.anderson for d in seen])), _widening(chi2), _widening(np.array(shares)),
        drift_far.learn(seen, by_chance=BY_CHANCE, borrowed=BORROWED),
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

    Numbers are judged by ranks (Anderson-Darling), by shares of 20 bins and by what lies far out at either end,
    text by its levels.
    """
    shares = _chi2_tail(found.chi2, found.freedom, wide.chi2, wide.quiet)
    ranks = _anderson_tail(found.anderson, wide.anderson, wide.quiet)
    far = drift_far.p_values(found, wide.far, max(wide.quiet, 1))
    both = np.where(columns.numeric, _either(ranks, shares, *far), shares)
    return np.where((found.reference_rows > 0) & (found.current_rows > 0), both, np.nan)


def null_p_values(history: History, reference: Windows, current: Windows, wide: Spread) -> Floats:
    """Return the probability of null shares lying at least as far apart by chance, shape (columns,)."""
    return _chi2_tail(_null_statistic(history, reference, current), np.ones(len(wide.nulls)), wide.nulls, wide.quiet)


def _either(*several: Floats) -> Floats:
    """Combine dependent p-values by the mean of their Cauchy quantiles (Liu and Xie 2020); NaN says nothing."""
    p = np.array(several)
    # A p-value of 1 has a quantile without bound, which would outvote whatever the others found.
    near_one = np.minimum(p, MOST_LIKELY)
    with np.errstate(divide="ignore"):
        quantiles = np.where(p < 1e-12, 1 / (np.maximum(p, 1e-300) * np.pi), np.tan((0.5 - near_one) * np.pi))
    said = np.isfinite(p)
    mean = np.where(said, quantiles, 0.0).sum(axis=0) / np.maximum(said.sum(axis=0), 1)
    with np.errstate(divide="ignore"):
        return np.asarray(np.where(mean > 1e10, 1 / (mean * np.pi), 0.5 - np.arctan(mean) / np.pi), dtype=float)


def _chi2_tail(statistic: Floats, freedom: Floats, wide: Floats, quiet: int) -> Floats:
    """Return the tail of ``statistic / freedom``, which quiet windows have at *wide* on average."""
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.nan_to_num(statistic / np.maximum(freedom, 1))
    return np.where(freedom > 0, _tail(ratio, np.maximum(freedom, 1), wide, quiet), 1.0)


def _anderson_tail(statistic: Floats, wide: Floats, quiet: int) -> Floats:
    ratio = np.nan_to_num(statistic)
    return np.where(wide <= BY_CHANCE, np.maximum(anderson_tail(ratio), anderson_tail(ratio / wide)),
                    _tail(ratio, np.full(len(ratio), _FREE), wide, quiet))  # fmt: skip


def _tail(ratio: Floats, freedom: Floats, wide: Floats, quiet: int) -> Floats:
    """Return the tail of a statistic of mean 1 by chance, widened by what the column's level wanders by itself.

    Chance has *freedom* degrees of freedom and the wandering of a level has one; the widening itself is
    known only as well as so many quiet windows tell: hence the F distribution.
    """
    free = 2 * wide**2 / (2 / freedom + 2 * (wide - 1) ** 2)
    by_history = stats.f.sf(ratio / wide, free, np.maximum(free, 1.0) * (quiet + BORROWED))
    by_chance = stats.chi2.sf(ratio / wide * freedom, freedom)
    return np.asarray(np.where((wide <= BY_CHANCE) | (quiet == 0), by_chance, by_history), dtype=float)


def anderson_tail(z: Floats) -> Floats:
    """Return the probability of an Anderson-Darling statistic above *z*, any shape (Marsaglia and Marsaglia 2004).

    Beyond 8, where their series ends, the tail falls like ``exp(-z) / sqrt(z)``.
    """
    z = np.maximum(z, 1e-6)
    small = np.minimum(z, 2.0)
    inner = (
        2.00012
        + (0.247105 - (0.0649821 - (0.0347962 - (0.011672 - 0.00168691 * small) * small) * small) * small) * small
    )
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
