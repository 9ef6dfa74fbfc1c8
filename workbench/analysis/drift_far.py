"""Rows beyond the reference's outermost ones, judged below and above apart: counts whose rate may wander by a factor.

A level that wanders a little moves what lies far out by a factor, and both ends at once hardly at all: squared
differences of counts then fall off far slower than chance says. Counts with variance ``mu + phi mu^2`` scatter evenly
after Anscombe's transform (1948), whose *phi* the column's own quiet windows tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from workbench.analysis.profile_history import Distances

Floats = NDArray[np.float64]
_LEAST, _MOST = 1e-8, 1e4
"""Squared coefficients of variation looked at: from what no count shows to rates of which nothing is known."""
_HALVINGS = 24


@dataclass(frozen=True)
class Wandering:
    """Say how the rows far out scatter among quiet windows; arrays have shape (2, columns), below and above."""

    squares: Floats
    """Mean square of the transformed difference where rates are taken as steady: 1 by chance, never less."""
    phi: Floats
    """Squared coefficient of variation of the rate; 0 where chance explains the squares."""


def statistic(found: Distances, phi: Floats) -> Floats:
    """Return the squared difference of rows far out, shape (2, columns): 1 on average where nothing changed.

    NaN where either window is empty, in text, and where neither window has a row out there.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = found.current_rows / found.reference_rows
        expected = found.far_before * scale
        both = found.far_before + found.far_now
        square = (_even(found.far_now, phi) - _even(expected, phi)) ** 2 / (1 + scale)
    return np.where((both > 0) & np.isfinite(square), square, np.nan)


def _even(counts: Floats, phi: Floats) -> Floats:
    """Return counts so that their standard deviation is 1 whatever their mean; twice the root where *phi* is 0."""
    root = np.sqrt(np.maximum(phi, _LEAST))
    return np.asarray(2 * np.arcsinh(root * np.sqrt(counts + 0.375)) / root, dtype=float)


def learn(quiet: Sequence[Distances], *, by_chance: float, borrowed: float) -> Wandering:
    """Return how rows far out scatter among quiet comparisons, at least one, each column leaning on the table's."""
    shape = quiet[0].far_now.shape
    squares, n = _mean(quiet, np.zeros(shape))
    shrunk = np.maximum(1.0, _leaning(squares, n, borrowed, least=1.0))
    low, high = np.full(shape, np.log(_LEAST)), np.full(shape, np.log(_MOST))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        wide = _mean(quiet, np.exp(middle))[0] > 1
        low, high = np.where(wide, middle, low), np.where(wide, high, middle)
    own = np.where(squares > 1, np.exp(low), np.where(n > 0, 0.0, np.nan))
    return Wandering(shrunk, np.where(shrunk <= by_chance, 0.0, _leaning(own, n, borrowed, least=0.0)))


def _mean(quiet: Sequence[Distances], phi: Floats) -> tuple[Floats, Floats]:
    total, n = np.zeros(phi.shape), np.zeros(phi.shape)
    for found in quiet:
        square = statistic(found, phi)
        total += np.nan_to_num(square)
        n += np.isfinite(square)
    with np.errstate(invalid="ignore"):
        return total / n, n


def _leaning(values: Floats, n: Floats, borrowed: float, *, least: float) -> Floats:
    known = values[n > 0]
    table = max(least, float(np.median(known))) if len(known) else least
    return np.asarray((np.nan_to_num(values) * n + borrowed * table) / (n + borrowed), dtype=float)


def p_values(found: Distances, learned: Wandering, freedom: float) -> Floats:
    """Return the probability of rows far out differing as much by chance, shape (2, columns); NaN where none are.

    *freedom* is how many quiet windows tell how a rate wanders: Student's t where it does.
    """
    square = statistic(found, learned.phi)
    by_history, by_chance = stats.f.sf(square, 1, freedom), stats.chi2.sf(square / learned.squares, 1)
    return np.asarray(np.where(learned.phi > 0, by_history, by_chance), dtype=float)
