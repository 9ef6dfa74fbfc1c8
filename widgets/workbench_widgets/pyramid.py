"""Extremes of a long series by blocks of many sizes: a view of millions of points loses no spike or gap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench_widgets.timeline import thin

BLOCK = 64
STEP = 8


class Pyramid:
    """Hold where the lowest and highest value of every block stand, for blocks of 64, 512, 4,096 ... points.

    *times* (ns, sorted) and *values* (NaN is unknown) have shape (n,).
    """

    def __init__(self, times: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        """Find the extremes once, level by level."""
        self.times, self.values = times, values
        missing = np.isnan(values)
        self._gaps = np.flatnonzero(missing & ~np.concatenate(([False], missing[:-1])))
        low = high = np.arange(len(values) // BLOCK * BLOCK, dtype=np.int64)
        self._levels: list[tuple[int, NDArray[np.int64], NDArray[np.int64]]] = []
        size, by = BLOCK, BLOCK
        while len(low) >= by:
            low, high = self._extreme(low, by, np.inf), self._extreme(high, by, -np.inf)
            self._levels.append((size, low, high))
            size, by = size * STEP, STEP

    def places(self, first: int, last: int, most: int) -> NDArray[np.int64]:
        """Return the places within [first, last) to draw, in order: at most *most* known ones, and as many gaps."""
        fit = [level for level in self._levels if (last - first) // level[0] >= 2 * most]
        if not fit:
            return first + thin(self.times[first:last], self.values[first:last], most).astype(np.int64)
        size, low, high = fit[-1]
        begin, end = -(-first // size), last // size
        gaps = self._gaps[np.searchsorted(self._gaps, first) : np.searchsorted(self._gaps, last)]
        if len(gaps) > most:
            gaps = gaps[np.linspace(0, len(gaps) - 1, most).astype(np.intp)]
        both = np.stack((np.minimum(low, high)[begin:end], np.maximum(low, high)[begin:end]), axis=1).ravel()
        chosen = np.concatenate((np.arange(first, begin * size), both, np.arange(end * size, last)))
        if len(gaps):
            chosen = np.union1d(chosen, gaps)
        kept: NDArray[np.int64] = chosen[thin(self.times[chosen], self.values[chosen], most)]
        return kept

    def _extreme(self, places: NDArray[np.int64], by: int, unknown: float) -> NDArray[np.int64]:
        """Return for each *by* neighbouring places the one with the lowest value (highest, where *unknown* is low)."""
        rows = places[: len(places) // by * by].reshape(-1, by)
        values = self.values[rows]
        values[np.isnan(values)] = unknown
        best = values.argmin(axis=1) if unknown > 0 else values.argmax(axis=1)
        found: NDArray[np.int64] = rows[np.arange(len(rows)), best]
        return found
