"""What the workbench decides on a generated table, and the power of the exact test that is told where to look."""

from __future__ import annotations

from typing import Literal

import numpy as np

from benchmarks import drift_counts, drift_tables
from benchmarks.drift_tables import Kind, Plant, is_text
from workbench.analysis.drift_baseline import usual
from workbench.analysis.drift_decision import Decision, decide
from workbench.analysis.profile_history import History, distances

BY_COUNTS = 20_000
"""Rows of a window from which tables are drawn as counts instead of row by row."""
DRAWS = 40


def table(
    kind: Kind, rows: int, seed: int, plant: Plant | None = None, only: int | None = None, *,
    by: Literal["rows", "either"] = "either",
) -> tuple[History, list[tuple[int, int]]]:  # fmt: skip
    """Return a generated table and its last window, made *by* rows or, where there are many, drawn as counts."""
    way = drift_counts.history if rows >= BY_COUNTS and by == "either" else drift_tables.history
    return way(kind, rows, seed, plant, only)


def decided(
    kind: Kind, rows: int, seed: int, plant: Plant | None = None, *, by: Literal["rows", "either"] = "either"
) -> Decision:
    """Return the workbench's decision on one generated table."""
    made, current = table(kind, rows, seed, plant, by=by)
    known = usual(made, current[0])
    return decide(made, known.windows, current, learned=known.learned)


def power(kind: Kind, rows: int, plant: Plant, seed: int) -> float:
    """Return how often the two-sample test of the planted column alone rejects at 5 %.

    Kolmogorov-Smirnov for numbers, chi-squared for text, the difference of shares for nulls. Its critical value
    comes from quiet tables of the same kind, so that it is exact for dependent rows too.
    """
    quiet, planted = ([_statistic(kind, rows, first + i, p, plant) for i in range(DRAWS)]
                      for first, p in ((seed, None), (seed + 10_000, plant)))  # fmt: skip
    return float((np.array(planted) > np.quantile(quiet, 0.95)).mean())


def _statistic(kind: Kind, rows: int, seed: int, plant: Plant | None, about: Plant) -> float:
    made, current = table(kind, rows, seed, plant, about.column)
    before = usual(made, current[0]).windows
    if about.effect == "nulls":
        shares = [float(made.figures(w, "nulls")[0] / made.figures(w, "rows")[0]) for w in (before, current)]
        return abs(shares[1] - shares[0])
    found = distances(made.columns, made.counts(before), made.counts(current))
    return float(found.chi2[0] if is_text(about.column) else found.ks[0])
