"""Extremes of a long series by blocks of many sizes: a view of millions of points loses no spike or gap."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tsdownsample import MinMaxDownsampler

BLOCK = 64
STEP = 8
_SAMPLER = MinMaxDownsampler()  # type: ignore[no-untyped-call]


def thin(times: NDArray[np.int64], values: NDArray[np.float64], most: int) -> NDArray[np.intp]:
    """Return the places to draw, in order: the extremes of each stretch, and where unknown values begin.

    Both of shape (n,), times sorted (ns); at most *most* known points, and as many gaps.
    """
    known = np.flatnonzero(~np.isnan(values))
    gaps = np.flatnonzero(np.isnan(values) & ~np.isnan(np.concatenate(([0.0], values[:-1]))))
    even = max(4, most // 2 * 2)
    if len(known) > even:
        kept = _SAMPLER.downsample(times[known], np.ascontiguousarray(values[known]), n_out=even)
        known = known[np.unique(kept.astype(np.intp))]
    if len(gaps) > even:
        gaps = gaps[np.linspace(0, len(gaps) - 1, even).astype(np.intp)]
    return np.sort(np.concatenate((known, gaps)))


class _Level(NamedTuple):
    """Blocks of one size: where the lowest and highest value of each stand, and both in order, with time and value."""

    size: int
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    places: NDArray[np.int64]
    times: NDArray[np.int64]
    values: NDArray[np.float64]


class Pyramid:
    """Hold where the lowest and highest value of every block stand, for blocks of 64, 512, 4,096 ... points.

    *times* (ns, sorted) and *values* (NaN is unknown) have shape (n,).
    """

    def __init__(self, times: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        """Find the extremes once, level by level."""
        self.times, self.values = times, values
        missing = np.isnan(values)
        self._some_missing = bool(missing.any())
        self._gaps = np.flatnonzero(missing & ~np.concatenate(([False], missing[:-1])))
        low = high = np.arange(len(values) // BLOCK * BLOCK, dtype=np.int64)
        self._levels: list[_Level] = []
        size, by = BLOCK, BLOCK
        while len(low) >= by:
            low, high = self._extreme(low, by, np.inf), self._extreme(high, by, -np.inf)
            both = np.stack((np.minimum(low, high), np.maximum(low, high)), axis=1).ravel()
            self._levels.append(_Level(size, low, high, both, times[both], values[both]))
            size, by = size * STEP, STEP

    def places(self, first: int, last: int, most: int) -> NDArray[np.int64]:
        """Return the places within [first, last) to draw, in order: at most *most* known ones, and as many gaps."""
        fit = [level for level in self._levels if (last - first) // level.size >= 2 * most]
        if not fit:
            return first + thin(self.times[first:last], self.values[first:last], most).astype(np.int64)
        level = fit[-1]
        begin, end = -(-first // level.size), last // level.size
        gaps = self._gaps[np.searchsorted(self._gaps, first) : np.searchsorted(self._gaps, last)]
        if len(gaps) > most:
            gaps = gaps[np.linspace(0, len(gaps) - 1, most).astype(np.intp)]
        inner, before, after = (
            slice(2 * begin, 2 * end),
            slice(first, begin * level.size),
            slice(end * level.size, last),
        )
        edges = np.arange(before.start, before.stop), np.arange(after.start, after.stop)
        chosen = np.concatenate((edges[0], level.places[inner], edges[1]))
        if len(gaps):
            chosen = np.union1d(chosen, gaps)
            times, values = self.times[chosen], self.values[chosen]
        else:
            # Picking them from the whole series would wait for memory at each.
            times = np.concatenate((self.times[before], level.times[inner], self.times[after]))
            values = np.concatenate((self.values[before], level.values[inner], self.values[after]))
        kept: NDArray[np.int64] = chosen[thin(times, values, most)]
        return kept

    def bins(self, edges: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
        """Return the lowest and the highest value of each bin, exactly, and the bins in which unknown values begin.

        *edges* (ns, sorted) has shape (n + 1,), the answers (n,); NaN where a bin holds no known value.
        """
        at = np.searchsorted(self.times, edges)
        low, high = (self._reduced(at, side) for side in (0, 1))
        gaps = self._gaps[np.searchsorted(self._gaps, at[0]) : np.searchsorted(self._gaps, at[-1])]
        broken = np.unique(np.searchsorted(at, gaps, side="right") - 1)
        return np.where(np.isfinite(low), low, np.nan), np.where(np.isfinite(high), high, np.nan), broken

    @cached_property
    def _sides(self) -> tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...]:
        """Return values and extremes of the smallest blocks, for the lowest and for the highest; unknown loses."""
        found = []
        none = np.zeros(0, np.int64)
        least, greatest = (self._levels[0].low, self._levels[0].high) if self._levels else (none, none)
        for places, unknown in ((least, np.inf), (greatest, -np.inf)):
            whole = np.where(np.isnan(self.values), unknown, self.values) if self._some_missing else self.values
            found.append((whole, np.concatenate((whole[places], [unknown]))))
        return tuple(found)

    def _reduced(self, at: NDArray[np.intp], side: int) -> NDArray[np.float64]:
        """Return the extreme of each stretch of places [at[i], at[i + 1]): whole blocks, and single values around."""
        (whole, blocks), unknown = self._sides[side], (np.inf, -np.inf)[side]
        best = (np.minimum, np.maximum)[side]
        first, last = at[:-1], at[1:]
        if at[-1] - at[0] <= BLOCK * len(first):
            held = np.concatenate((whole[at[0] : at[-1]], [unknown]))
            return np.where(last > first, best.reduceat(held, first - at[0]), unknown)
        begin, end = -(-first // BLOCK), last // BLOCK
        both = np.stack((begin, np.maximum(begin, end)), axis=1).ravel()
        inner = best.reduceat(blocks, np.minimum(both, len(blocks) - 1))[::2]
        found: NDArray[np.float64] = np.where(end > begin, inner, unknown)
        tail = np.where(end >= begin, np.maximum(end * BLOCK, first), last)
        for start, stop in ((first, np.minimum(begin * BLOCK, last)), (tail, last)):
            places = start[:, None] + np.arange(BLOCK)
            near = np.where(places < stop[:, None], whole[np.minimum(places, len(whole) - 1)], unknown)
            found = best(found, best.reduce(near, axis=1))
        return found

    def _extreme(self, places: NDArray[np.int64], by: int, unknown: float) -> NDArray[np.int64]:
        """Return for each *by* neighbouring places the one with the lowest value (highest, where *unknown* is low)."""
        rows = places[: len(places) // by * by].reshape(-1, by)
        values = self.values[rows]
        values[np.isnan(values)] = unknown
        best = values.argmin(axis=1) if unknown > 0 else values.argmax(axis=1)
        found: NDArray[np.int64] = rows[np.arange(len(rows)), best]
        return found
