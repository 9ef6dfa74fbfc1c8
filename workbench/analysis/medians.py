"""Medians of many groups at once: one sort instead of one median a group."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def by_group(group: NDArray[np.int64], values: Floats, groups: int) -> tuple[Floats, NDArray[np.int64]]:
    """Return the median of each group, as `numpy.median` gives it, and how many values it has.

    *group* ``(n,)`` numbers the group of each of *values* ``(n,)``, none of them NaN, from 0 to *groups* - 1. Both
    answers have shape ``(groups,)``; the median of no values is NaN.
    """
    ordered = values[np.lexsort((values, group))]
    size = np.bincount(group, minlength=groups)
    first = np.cumsum(size) - size
    held = size > 0
    medians = np.full(groups, np.nan)
    low, high = ((first + (size - less) // 2)[held] for less in (1, 0))
    medians[held] = (ordered[low] + ordered[high]) / 2
    return medians, size
