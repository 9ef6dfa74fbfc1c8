"""From metrics to excess volumes: how much worse than usual, times how much it was used."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from workbench.analysis.attribution import Series
from workbench.errors import CouldNotRunError, UnknownNameError, UsageError

Direction = Literal["up is worse", "down is worse"]
_DOWN = ("availab", "success", "approval", "throughput", "rows", "hit_rate", "accuracy", "confidence", "uptime")
SCALE_FLOOR = 0.001
"""Smallest scale of a signal as a share of its median: near-constant signals must not explode."""


def direction(metric: str) -> Direction:
    """Return which way a metric gets worse, by the words in its name; up unless it counts good things."""
    return "down is worse" if any(word in metric.lower() for word in _DOWN) else "up is worse"


def wide(metrics: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Return one metric as a table of shape (times, entities), from columns time, entity, metric, value."""
    missing = {"time", "entity", "metric", "value"} - set(metrics.columns)
    if missing:
        raise UsageError(f"Metrics need the columns time, entity, metric, value; missing: {sorted(missing)}.")
    rows = metrics[metrics["metric"] == metric]
    if rows.empty:
        raise UnknownNameError("metric", metric, metrics["metric"].astype(str).unique())
    rows = rows[rows["value"].notna()]
    when, times = pd.factorize(rows["time"], sort=True)
    who, entities = pd.factorize(rows["entity"], sort=True)
    cell, shape = when * len(entities) + who, (len(times), len(entities))
    count = np.bincount(cell, minlength=shape[0] * shape[1])
    total = np.bincount(cell, rows["value"].to_numpy(dtype=float), minlength=len(count))
    mean = np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
    index, columns = pd.Index(times, name="time"), pd.Index(entities, name="entity")
    return pd.DataFrame(mean.reshape(shape), index=index, columns=columns)


def deviations(values: pd.DataFrame, in_baseline: np.ndarray, metric: str) -> pd.DataFrame:
    """Return how much worse than the baseline median each value is, >= 0, in the metric's own unit.

    Percentages of good outcomes (0..100) become shares of bad ones. Missing stays missing.
    An entity without a value in the baseline is compared with perfect: 0 of what is bad.
    """
    if not in_baseline.any():
        raise CouldNotRunError("The baseline holds no sample of the metric; choose an earlier or longer one.")
    worse = values
    if direction(metric) == "down is worse":
        best = 100.0 if float(np.nanmax(values.to_numpy())) > 1.0 else 1.0
        worse = (best - values) / best
    usual = worse[in_baseline].median().fillna(0.0)
    return (worse - usual).clip(lower=0.0)


def volumes(worse: pd.DataFrame, used: pd.DataFrame | None) -> dict[str, Series]:
    """Return excess volumes: deviation times use (requests, rows) at each time; unknown counts as none."""
    weighted = worse if used is None else worse * used.reindex(index=worse.index, columns=worse.columns)
    filled = weighted.fillna(0.0)
    return {str(entity): filled[entity].to_numpy(dtype=float) for entity in filled}


def unseen(used: pd.DataFrame, in_baseline: np.ndarray) -> set[str]:
    """Return entities that were never used in the baseline: they are new, so their callers changed."""
    before = used[in_baseline].fillna(0.0).sum()
    return {str(entity) for entity in used.columns if before[entity] == 0}
