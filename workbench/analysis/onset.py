"""Onset: when did a signal leave its usual level, and how sure is that moment?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.errors import CouldNotRunError

DROP = 1.92
"""Log-likelihood given up at the ends of the 95 % interval (half the 95 % point of chi-squared, 1 degree)."""
MIN_GAIN = 6.0
"""A change must raise the log-likelihood by this much, or the level is taken to be constant."""
MIN_AFTER = 2
SCALE_FLOOR = 0.001
"""Smallest noise as a share of the level: a near-constant signal must not explode."""


@dataclass(frozen=True)
class Onset:
    """Name the moment of a change of level, with its 95 % interval, in the unit of the times given."""

    time: int
    earliest: int
    latest: int
    level_before: float
    level_after: float
    gain: float
    """Log-likelihood gained over no change."""


def onset(times: NDArray[np.int64], values: NDArray[np.float64]) -> Onset | None:
    """Return the most likely single change of level of a series, or None where none stands out.

    *times* (rising) and *values* have shape (n,); missing values are left out. A Gaussian level
    with one change is fitted by maximum likelihood; the noise is the median absolute successive difference,
    which a change of level hardly touches. The interval holds every moment whose likelihood
    is within ``DROP`` of the best (Hinkley 1970).
    """
    known = np.isfinite(values)
    times, values = times[known], values[known].astype(float)
    n = len(values)
    if n < 2 * MIN_AFTER + 1:
        raise CouldNotRunError(f"An onset needs at least {2 * MIN_AFTER + 1} samples; there are {n}.")
    level = abs(float(np.median(values)))
    noise = 1.4826 * float(np.median(np.abs(np.diff(values)))) / np.sqrt(2)
    noise = max(noise, SCALE_FLOOR * level, 1e-12)
    cut = np.arange(MIN_AFTER, n - MIN_AFTER + 1)
    sums = np.cumsum(values)
    before, after = sums[cut - 1] / cut, (sums[-1] - sums[cut - 1]) / (n - cut)
    gain = cut * (n - cut) / n * (before - after) ** 2 / (2 * noise**2)
    best = int(np.argmax(gain))
    if gain[best] < MIN_GAIN + np.log(n):
        return None
    near = cut[gain >= gain[best] - DROP]
    first, last = int(near.min()), int(near.max())
    return Onset(
        int(times[cut[best]]),
        int(times[first]),
        int(times[min(last, n - 1)]),
        float(before[best]),
        float(after[best]),
        float(gain[best]),
    )


def first_deviating(onsets: dict[str, Onset]) -> str | None:
    """Return the signal that changed first; ties by name. Order in time is evidence, not proof."""
    return min(onsets, key=lambda name: (onsets[name].time, name)) if onsets else None
