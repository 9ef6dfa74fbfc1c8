"""Trends and capacity: where a figure goes, with an interval from its own past errors, and when it meets a limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from workbench.errors import UsageError

Floats = npt.NDArray[np.float64]
AT_LEAST = 10
"""Values that a forecast needs."""


@dataclass(frozen=True)
class Exhaustion:
    """Say when a trend reaches a limit: steps ahead of the last value; None is not within the horizon."""

    expected: int | None
    earliest: int | None
    latest: int | None


@dataclass(frozen=True)
class RunsOut:
    """Say when a figure meets its limit, ns UTC; None is not within the horizon; *coverage* is of past intervals."""

    expected_ns: int | None
    earliest_ns: int | None
    latest_ns: int | None
    growth_per_day: float
    coverage: float | None
    """Share of past forecasts whose interval held the truth; None where too few could be made."""
    forecasts: int


def runs_out(times_ns: Sequence[int], values: Sequence[float], limit: float, *, every_ns: int, horizon_ns: int,
             level: float = 0.9) -> RunsOut:  # fmt: skip
    """Return when memory, a queue or a budget reaches *limit* at this growth.

    Samples (any rhythm, NaN is unknown) are first reduced to the greatest of each *every_ns*: it is the peak that
    runs out. Choose a whole day where the figure has a daily rhythm. The same forecast, made from each earlier
    moment, says how often its interval held the truth.
    """
    moments, known = np.asarray(times_ns, dtype=np.int64), np.asarray(values, dtype=float)
    held = np.isfinite(known)
    if not held.any():
        raise UsageError("A forecast needs known values; all are unknown.")
    place = moments[held] // every_ns
    place -= int(place.min())
    peaks = np.full(int(place.max()) + 1, -np.inf)
    np.maximum.at(peaks, place, known[held])
    seen = np.flatnonzero(np.isfinite(peaks))
    if len(seen) < AT_LEAST:
        raise UsageError(f"A forecast needs {AT_LEAST} intervals with values; got {len(seen)}: take shorter ones.")
    whole = np.interp(np.arange(len(peaks)), seen, peaks[seen])
    steps = max(1, int(horizon_ns // every_ns))
    found = exhaustion(whole.tolist(), limit, steps, level=level)
    growth, _ = _trend(whole)
    coverage, _, made = backtest(whole.tolist(), min(steps, max(1, len(whole) // 4)), level=level)
    last = (int(moments[held].max()) // every_ns + 1) * every_ns

    def at(step: int | None) -> int | None:
        return None if step is None else last + (step - 1) * every_ns

    per_day = growth * 86_400e9 / every_ns
    return RunsOut(at(found.expected), at(found.earliest), at(found.latest), per_day, coverage if made else None, made)


def forecast(values: Sequence[float], ahead: int, *, level: float = 0.9) -> tuple[Floats, Floats, Floats]:
    """Return expected, low and high for the next *ahead* steps: robust trend (Theil-Sen) and its own past errors.

    The interval's width at h steps comes from errors of forecasts h steps ahead made inside the history;
    where too few were made, the widest known grows with the square root of h.
    """
    seen = np.asarray(values, dtype=float)
    slope, level_now = _trend(seen)
    steps = np.arange(1, ahead + 1)
    expected: Floats = np.asarray(level_now + slope * steps, dtype=np.float64)
    widths = _past_errors(seen, ahead, level)
    return expected, expected - widths, expected + widths


def backtest(
    values: Sequence[float], ahead: int, *, at_least: int = 20, level: float = 0.9
) -> tuple[float, float, int]:
    """Return coverage of the interval, mean absolute error and the number of forecasts made from each earlier day."""
    seen = np.asarray(values, dtype=float)
    inside, errors = [], []
    for end in range(at_least, len(seen) - ahead + 1):
        expected, low, high = forecast(seen[:end].tolist(), ahead, level=level)
        truth = seen[end + ahead - 1]
        inside.append(low[-1] <= truth <= high[-1])
        errors.append(abs(expected[-1] - truth))
    if not errors:
        return float("nan"), float("nan"), 0
    return float(np.mean(inside)), float(np.mean(errors)), len(errors)


def exhaustion(values: Sequence[float], limit: float, horizon: int, *, level: float = 0.9) -> Exhaustion:
    """Return after how many steps memory, a queue or a budget reaches *limit* at this growth."""
    expected, low, high = forecast(values, horizon, level=level)

    def first(line: Floats) -> int | None:
        over = np.flatnonzero(line >= limit)
        return int(over[0]) + 1 if len(over) else None

    return Exhaustion(first(expected), first(high), first(low))


def _trend(seen: Floats) -> tuple[float, float]:
    """Return a step's growth and the level at the last step."""
    if len(seen) < 3:
        return 0.0, float(seen[-1])
    slope, intercept, _, _ = stats.theilslopes(seen, np.arange(len(seen)))
    return float(slope), float(intercept + slope * (len(seen) - 1))


def _past_errors(seen: Floats, ahead: int, level: float) -> Floats:
    found: dict[int, list[float]] = {h: [] for h in range(1, ahead + 1)}
    step = max(1, (len(seen) - 10) // 30)
    for end in range(10, len(seen), step):
        slope, now = _trend(seen[:end])
        for h in range(1, min(ahead, len(seen) - end) + 1):
            found[h].append(abs(now + slope * h - seen[end + h - 1]))
    spread = float(np.std(np.diff(seen))) if len(seen) > 1 else 0.0
    widths, known, at = np.empty(ahead), spread * 1.645, 1
    for h in range(1, ahead + 1):
        if len(found[h]) >= 5:
            known, at = max(known, float(np.quantile(found[h], level, method="higher"))), h
        widths[h - 1] = known * float(np.sqrt(h / at))
    return widths
