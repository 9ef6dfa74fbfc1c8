"""How far a window of sampled requests is from the hours before it: for what is kept for days, not for weeks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.deviation import HOUR_NS, Deviation, Scale, onset_between, spread_of, tail_share
from workbench.analysis.medians import by_group

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
MIN_BUCKETS = 6
"""Quiet buckets needed before a spread of them means anything."""


def against_hours(
    times_ns: Ints,
    values: Floats,
    window: tuple[int, int],
    *,
    scale: Scale,
    floor: float,
    every_ns: int = HOUR_NS,
) -> Deviation | None:
    """Return how far the window is from the buckets before it; None where either side has too few.

    *times_ns* and *values* have shape ``(n,)``, one entry a request or a bucket; null says nothing. Buckets
    are counted from the window's begin and take their median; the last bucket before the window is not called
    quiet. A window lasts longer than a bucket and so wanders less: judging it by single buckets is cautious.
    """
    times, raw = np.asarray(times_ns, dtype=np.int64), np.asarray(values, dtype=float)
    held = np.isfinite(raw) & (times < window[1])
    times, raw = times[held], raw[held]
    place = (times - window[0]) // every_ns
    numbers, group = np.unique(place, return_inverse=True)
    medians, _ = by_group(group, raw, len(numbers))
    quiet, inside = medians[numbers < -1], medians[numbers >= 0]
    if len(quiet) < MIN_BUCKETS or not len(inside):
        return None
    usual, now = float(np.median(quiet)), float(np.median(inside))
    smallest = floor * max(abs(usual), 1e-12) if scale == "relative" else floor
    spread = max(spread_of(quiet), smallest)
    p_value = tail_share(now - usual, np.abs(quiet - usual))
    begins = window[0] + numbers * every_ns
    after, onset = onset_between(begins, medians - usual, window)
    return Deviation(now, usual, (now - usual) / spread, p_value, len(quiet), onset, after)
