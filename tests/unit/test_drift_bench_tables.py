"""The drift bench's tables drawn as counts are what rows are: a million rows cost no more than a thousand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from benchmarks import drift_counts, drift_tables
from benchmarks.drift_tables import Plant
from workbench.analysis.drift import Pair
from workbench.model.window import DAY_NS

CASES = [(0, "shift"), (1, "scale"), (2, "tail"), (3, "levels"), (0, "nulls"), (0, "unit"), (1, "unit"), (7, "shift")]


def _groups(one: Pair, other: Pair) -> np.ndarray:
    """Return both windows' rows in some thirty groups of values or levels, shape (2, groups)."""
    if one.positions is None or other.positions is None:
        return np.array([one.reference, other.reference])
    edges = np.unique(np.quantile(np.repeat(one.positions, one.reference.astype(int)), np.linspace(0, 1, 30)))
    # Bins of two grids are not cut alike: groups of whole numbers end between them.
    edges = np.concatenate([[-np.inf], edges + (0.5 if (edges == np.rint(edges)).all() else 0.003), [np.inf]])
    return np.array([np.histogram(p.positions, edges, weights=p.reference)[0] for p in (one, other)])


@pytest.mark.parametrize(("column", "effect"), CASES)
def test_counts_are_drawn_from_what_rows_are_drawn_from(column: int, effect: str) -> None:
    """24,000 rows now and a day before, by rows and by counts: chi-squared over 30 groups has p > 0.0005, nulls too."""
    plant = Plant(column, effect, 0.4)
    rows, windows = drift_tables.history("independent", 24_000, 1, plant, column)
    counts, _ = drift_counts.history("independent", 24_000, 2, plant, column)
    for back in (0, DAY_NS):
        window = [(start - back, end - back) for start, end in windows]
        table = _groups(*(h.pair(h.columns.names[0], window, window) for h in (rows, counts)))
        table = table[:, table.sum(axis=0) > 10]
        assert stats.chi2_contingency(table)[1] > 0.0005
        missing = [float(h.figures(window, "nulls")[0]) for h in (rows, counts)]
        assert abs(missing[0] - missing[1]) <= 5 * np.sqrt(sum(missing) + 1)


def test_an_effect_is_how_far_the_distribution_moves() -> None:
    """A shift of s deviations moves a normal by 2 Phi(s/2) - 1; size 0.4 of nulls are a tenth of the rows."""
    found = drift_counts.effect("independent", 1000, 1, Plant(2, "shift", 0.3))
    assert found == pytest.approx(2 * stats.norm.cdf(0.15) - 1, abs=0.002)
    assert drift_counts.effect("independent", 1000, 1, Plant(1, "nulls", 0.4)) == pytest.approx(0.1)
