"""Turn the columns of a frame into conditions: ``region = c``, ``amount in [10, 20)``, ``coupon is null``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MAX_LEVELS = 40
"""Levels of a column kept as conditions of their own, by count; the others never stand out alone."""
BINS = 8
"""Quantile bins of a numeric column with more distinct values than ``MAX_DISTINCT``."""
MAX_DISTINCT = 20
PROBE, EDGE_ROWS = 4_096, 65_536
"""Rows that tell whether a number has many values, and where its quantiles lie."""
MAX_ID_SHARE = 0.5
"""A text column with more distinct values than this share of its rows is an identifier, not an attribute."""


@dataclass(frozen=True)
class Level:
    """One condition on one column, and the rows that meet it."""

    column: str
    words: str
    rows: NDArray[np.bool_]
    """Shape (n,)."""


def levels(frame: pd.DataFrame, by: Sequence[str], min_rows: int) -> Iterator[Level]:
    """Yield every condition met by at least *min_rows* rows of *frame* and not by all of them."""
    for name in by:
        for level in _of_column(frame[name], name):
            met = int(level.rows.sum())
            if min_rows <= met < len(frame):
                yield level


def _of_column(values: pd.Series, name: str) -> Iterator[Level]:
    empty = values.isna().to_numpy(dtype=bool)
    if empty.any():
        yield Level(name, f"{name} is null", empty)
    numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    if numeric and _many(values):
        yield from _bins(values.to_numpy(dtype=float, na_value=np.nan), name)
        return
    codes, uniques = pd.factorize(values)
    if len(uniques) > max(MAX_LEVELS, MAX_ID_SHARE * len(values)):
        return
    counts = np.bincount(codes[codes >= 0], minlength=len(uniques))
    for code in np.argsort(-counts, kind="stable")[:MAX_LEVELS]:
        yield Level(name, f"{name} = {_shown(uniques[code])}", codes == code)


def _many(values: pd.Series) -> bool:
    """Say whether a column has more distinct values than levels are made of; a few thousand rows mostly tell."""
    told = int(values.iloc[_spread(len(values), PROBE)].nunique())
    return told > MAX_DISTINCT or int(values.nunique()) > MAX_DISTINCT


def _spread(rows: int, most: int) -> NDArray[np.intp]:
    """Return at most so many places, evenly spaced: deterministic, and stratified where rows are ordered."""
    return np.linspace(0, rows - 1, min(rows, most)).astype(np.intp)


def _bins(numbers: NDArray[np.float64], name: str) -> Iterator[Level]:
    known = numbers[np.isfinite(numbers)]
    # Where a bin ends need not be exact; what falls into it is counted over all rows.
    told = np.sort(known[_spread(len(known), EDGE_ROWS)])
    told[0], told[-1] = known.min(), known.max()
    edges = np.unique(np.quantile(told, np.linspace(0, 1, BINS + 1)))
    for position, (low, high) in enumerate(pairwise(edges)):
        last = position == len(edges) - 2
        inside = (numbers >= low) & ((numbers <= high) if last else (numbers < high))
        bracket = "]" if last else ")"
        yield Level(name, f"{name} in [{low:.4g}, {high:.4g}{bracket}", inside)
    # Faults often show at one end of a scale; the outer fifth and hundredth catch what equal bins dilute.
    for share in (0.8, 0.95, 0.99):
        high, low = np.quantile(told, (share, 1 - share))
        yield Level(name, f"{name} >= {high:.4g}", numbers >= high)
        yield Level(name, f"{name} <= {low:.4g}", numbers <= low)


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
