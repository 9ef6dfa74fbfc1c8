"""What the workbench decides on a generated table, and the power of the exact test that is told where to look."""

from __future__ import annotations

from typing import Literal

import numpy as np

from benchmarks import drift_counts, drift_tables
from benchmarks.drift_tables import Kind, Plant, is_text
from workbench.analysis.drift_baseline import WEEK_NS, same_hours, usual
from workbench.analysis.drift_decision import Decision, decide
from workbench.analysis.profile_history import History, distances
from workbench.model.window import DAY_NS

BY_COUNTS = 20_000
"""Rows of a window from which tables are drawn as counts instead of row by row."""
DRAWS = 40
FIRST_DRAWS = 10


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


def critical(kind: Kind, rows: int, plant: Plant, seed: int) -> float:
    """Return the value that the test of the planted column exceeds in 5 % of quiet tables of this kind.

    Taken from such tables, it is exact for dependent rows too. Columns that are `like` each other share it.
    """
    return float(np.quantile([_statistic(kind, rows, seed + i, None, plant) for i in range(DRAWS)], 0.95))


def like(plant: Plant) -> tuple[str, int]:
    """Return what the quiet distribution of the planted column's test depends on, beside kind and rows."""
    return ("nulls", int(plant.column % 3 == 0)) if plant.effect == "nulls" else ("values", plant.column % 4)


def power(kind: Kind, rows: int, plant: Plant, seed: int, beyond: float) -> float:
    """Return how often the two-sample test of the planted column alone lies *beyond* its critical value.

    Kolmogorov-Smirnov for numbers, chi-squared for text, the difference of shares for nulls. A test that misses any
    of the first few draws has no power of .99: it is known from these alone.
    """
    found: list[bool] = []
    for number in range(DRAWS):
        if number == FIRST_DRAWS and not all(found):
            break
        found.append(_statistic(kind, rows, seed + number, plant, plant) > beyond)
    return float(np.mean(found))


def _statistic(kind: Kind, rows: int, seed: int, plant: Plant | None, about: Plant) -> float:
    made, current = table(kind, rows, seed, plant, about.column)
    before = same_hours(made, current[0], step_ns=WEEK_NS if kind == "weekly" else DAY_NS)
    if about.effect == "nulls":
        shares = [float(made.figures(w, "nulls")[0] / made.figures(w, "rows")[0]) for w in (before, current)]
        return abs(shares[1] - shares[0])
    found = distances(made.columns, made.counts(before), made.counts(current))
    return float(found.chi2[0] if is_text(about.column) else found.ks[0])
