"""The interval of a change: as wide as the scatter of the window's mean and of the level it is compared with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.deviation import (
    DAY_NS,
    SCALE_FLOOR,
    Floats,
    Ints,
    Scale,
    expected,
    quiet_starts,
    spread_of,
)

LEAST_QUIET = 8
"""Quiet windows below which no interval is given."""
MEDIAN_COST = float(np.pi / 2)
"""Variance of a median against that of a mean, of normal values."""


@dataclass(frozen=True)
class ChangeInterval:
    """Hold how much a window's mean changed; in the signal's unit, or as a share of what is usual."""

    low: float
    middle: float
    high: float
    quiet: int
    """Quiet windows that the scatter was taken from."""
    independent: float
    """How many independent ones they are worth, since neighbours resemble each other."""


def change_interval(
    times_ns: Ints, values: Floats, window: tuple[int, int], history_start_ns: int, *, scale: Scale
) -> ChangeInterval | None:
    """Return the 95 % interval of the change inside *window*; None with fewer than `LEAST_QUIET` quiet windows.

    *times_ns* are sorted begins of samples, shapes ``(n,)``; NaN is unknown. Each quiet window is measured against
    levels learnt without its own days, as the window itself is: its distance so holds the scatter of a window's mean
    and that of the levels. The scatter of the centre of all quiet windows is added, by how many of them are
    independent. Half the interval is a quantile of Student's t with as many degrees of freedom.
    """
    from scipy.stats import t

    held = np.isfinite(values) & (times_ns >= history_start_ns)
    times, known = times_ns[held], values[held]
    inside = (times >= window[0]) & (times < window[1])
    if not inside.any():
        return None
    now = _distance(known, inside, expected(times, known, window[0]), scale)
    quiet = _quiet(times, known, window, history_start_ns, scale)
    if len(quiet) < LEAST_QUIET or not np.isfinite(now):
        return None
    independent = _independent(quiet)
    scatter = spread_of(quiet) * np.sqrt(1.0 + MEDIAN_COST / independent)
    middle = now - float(np.median(quiet))
    half = float(t.ppf(0.975, max(independent - 1.0, 1.0)) * scatter)
    return ChangeInterval(middle - half, middle, middle + half, len(quiet), independent)


def _quiet(times: Ints, values: Floats, window: tuple[int, int], history_start_ns: int, scale: Scale) -> Floats:
    """Return the distances of the quiet windows, oldest first, each from levels that its own days did not teach."""
    length = window[1] - window[0]
    starts = quiet_starts(*window, history_start_ns)[::-1]
    found: list[float] = []
    levels: dict[tuple[int, int], Floats] = {}
    for start in starts:
        own = (times >= start) & (times < start + length)
        if not own.any():
            continue
        days = (int(start // DAY_NS), int((start + length - 1) // DAY_NS))
        if days not in levels:
            day = times // DAY_NS
            taught = np.where((day >= days[0]) & (day <= days[1]), np.nan, values)
            levels[days] = expected(times, taught, window[0])
        found.append(_distance(values, own, levels[days], scale))
    distances = np.asarray(found, dtype=float)
    known: Floats = distances[np.isfinite(distances)]
    return known


def _distance(values: Floats, own: NDArray[np.bool_], usual: Floats, scale: Scale) -> float:
    """Return the mean distance of some samples from what is usual; NaN where nothing is."""
    residual = values[own] - usual[own]
    if scale == "relative":
        floor = SCALE_FLOOR * max(float(np.median(np.abs(values))), 1e-12)
        residual = residual / np.maximum(np.abs(usual[own]), floor)
    known = residual[np.isfinite(residual)]
    return float(known.mean()) if len(known) else float("nan")


def _independent(quiet: Floats) -> float:
    """Return how many independent values a row of resembling ones is worth, by its correlation with the next."""
    centred = quiet - quiet.mean()
    total = float((centred**2).sum())
    near = float((centred[1:] * centred[:-1]).sum()) / total if total > 0 else 0.0
    near = min(max(near, 0.0), 0.9)
    return max(len(quiet) * (1.0 - near) / (1.0 + near), 2.0)
