"""Scan statistics over attribute combinations: in which slice do the bad ones concentrate?"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.errors import CouldNotRunError, UsageError

PENALTY = 0.1
"""Share of its score that a combination loses per condition beyond the first: the simpler slice is preferred."""


def scan_slices(
    now: pd.DataFrame,
    before: pd.DataFrame,
    *,
    attributes: Sequence[str],
    bad: str = "bad",
    total: str = "total",
    max_order: int = 3,
) -> pd.DataFrame:
    """Rank attribute combinations by how far their bad count exceeds the usual rate, inside against outside.

    *now* and *before* hold one row per attribute combination and moment with the
    columns *bad* and *total* (counts). Returns the columns slice (``a=1&b=2``, names in
    order), order, bad, total, expected, score; best first, ties by fewer conditions, then
    by name. The score is Kulldorff's Poisson log-likelihood ratio (1997) under the
    overall rate of *before*, less ``PENALTY`` per further condition.
    """
    missing = {bad, total, *attributes} - (set(now.columns) & set(before.columns))
    if missing:
        raise UsageError(f"Both frames need the columns {sorted(missing)}.")
    if float(before[total].sum()) <= 0:
        raise CouldNotRunError("There is nothing counted before the incident to take the usual rate from.")
    rate = float(before[bad].sum()) / float(before[total].sum())
    parts = [
        _of_order(now, list(names), bad, total, rate)
        for order in range(1, min(max_order, len(attributes)) + 1)
        for names in itertools.combinations(sorted(attributes), order)
    ]
    found = pd.concat(parts, ignore_index=True)
    all_bad, all_expected = float(now[bad].sum()), rate * float(now[total].sum())
    bads, expected = found["bad"].to_numpy(float), found["expected"].to_numpy(float)
    ratio = _log_likelihood_ratio(bads, expected, all_bad, all_expected)
    found["score"] = np.round(ratio * (1 - PENALTY * (found["order"].to_numpy() - 1)), 9)
    return found.sort_values(["score", "order", "slice"], ascending=[False, True, True], ignore_index=True)


def _of_order(now: pd.DataFrame, names: list[str], bad: str, total: str, rate: float) -> pd.DataFrame:
    counts = now.groupby(names, observed=True)[[bad, total]].sum().reset_index()
    text = counts[names[0]].map(lambda v: f"{names[0]}={v}")
    for name in names[1:]:
        text = text + counts[name].map(lambda v, name=name: f"&{name}={v}")
    return pd.DataFrame({
        "slice": text, "order": len(names), "bad": counts[bad], "total": counts[total],
        "expected": counts[total] * rate,
    })  # fmt: skip


def _log_likelihood_ratio(
    bad: NDArray[np.float64], expected: NDArray[np.float64], all_bad: float, all_expected: float
) -> NDArray[np.float64]:
    """Return the gain of a higher rate inside than outside; 0 where the inside is no worse. Shapes (n,)."""
    outside_bad = np.maximum(all_bad - bad, 0.0)
    outside_expected = np.maximum(all_expected - expected, 1e-9)
    inside_expected = np.maximum(expected, 1e-9)
    gain = _x_log(bad, bad / inside_expected) + _x_log(outside_bad, outside_bad / outside_expected)
    gain -= _x_log(np.full_like(bad, all_bad), np.full_like(bad, all_bad / max(all_expected, 1e-9)))
    worse = (bad > expected) & (bad / inside_expected > outside_bad / outside_expected)
    return np.where(worse, gain, 0.0)


def _x_log(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    return x * np.log(np.where(x > 0, y, 1.0))
