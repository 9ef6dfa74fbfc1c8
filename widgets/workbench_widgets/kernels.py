"""Kernels of one device: each by itself where few are in view, the busy share of every pixel where many are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

MOST_SPANS = 2_000
"""Kernels that are drawn one by one; of more the share of time that the device is busy."""
MOST_ROWS = 4
"""Streams that have a row of their own; the rest share the last."""


class Kernels:
    """Hold n kernels: begins and ends (ns), names and streams, all of shape (n,)."""

    def __init__(self, starts: ArrayLike, ends: ArrayLike, names: Sequence[str], codes: ArrayLike | None = None,
                 streams: ArrayLike | None = None) -> None:  # fmt: skip
        """Sort by begin; *codes* are places in *names*, by default kernel i has the i-th name."""
        begins = np.ascontiguousarray(starts, dtype=np.int64)
        order = np.argsort(begins, kind="stable")
        self.starts, self.ends = begins[order], np.ascontiguousarray(ends, dtype=np.int64)[order]
        self.names = [str(name) for name in names]
        place = np.arange(len(begins)) if codes is None else np.asarray(codes, dtype=np.int64)
        self.codes = place[order]
        lanes = np.zeros(len(begins), np.int64) if streams is None else np.asarray(streams, dtype=np.int64)
        kinds, row, n = np.unique(lanes, return_inverse=True, return_counts=True)
        rank = np.empty(len(kinds), np.int64)
        rank[np.argsort(-n, kind="stable")] = np.arange(len(kinds))
        self.rows = np.minimum(rank[row], MOST_ROWS - 1)[order] if len(begins) else lanes
        self.height = min(len(kinds), MOST_ROWS)
        self._reach = np.maximum.accumulate(self.ends) if len(begins) else self.ends
        self._busy_starts, self._busy_ends = _union(self.starts, self._reach)
        self._before = np.concatenate(([0], np.cumsum(self._busy_ends - self._busy_starts)))

    def seen(self, start: int, end: int) -> NDArray[np.int64]:
        """Return the places of the kernels that touch [start, end), in order of begin."""
        first = int(np.searchsorted(self._reach, start, side="right"))
        places = np.arange(first, int(np.searchsorted(self.starts, end)))
        return places[self.ends[places] > start]

    def busy_ns(self, times: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how long the device was busy before each time, exactly, shape of *times*."""
        place = np.searchsorted(self._busy_starts, times, side="right")
        last = np.maximum(place - 1, 0)
        if not len(self._busy_starts):
            return np.zeros(len(times), np.int64)
        open_ = np.minimum(np.maximum(times - self._busy_starts[last], 0), (self._busy_ends - self._busy_starts)[last])
        return np.asarray(np.where(place > 0, self._before[last] + open_, 0), dtype=np.int64)

    def draw(self, start: int, end: int, zero: int, width: int) -> tuple[dict[str, Any], list[NDArray[np.float64]]]:
        """Return what a view from *start* to *end* (ns) shows, and its numbers: times in ms from *zero* (ns).

        Spans are begin, end, place in names and row, n of each; shares are one number (0..1) a pixel of *width*.
        """
        places = self.seen(start, end)
        if len(places) <= MOST_SPANS:
            used, codes = np.unique(self.codes[places], return_inverse=True)
            times = [(side[places] - zero) / 1e6 for side in (self.starts, self.ends)]
            numbers = [*times, codes.astype(float), self.rows[places].astype(float)]
            return {"how": "spans", "n": len(places), "rows": self.height,
                    "names": [self.names[c] for c in used.tolist()]}, numbers  # fmt: skip
        edges = start + np.arange(width + 1, dtype=np.int64) * (end - start) // width
        share = np.diff(self.busy_ns(edges)) / np.maximum(np.diff(edges), 1)
        return {"how": "share", "n": width, "rows": self.height, "of": len(places), "names": []}, [share]


def _union(starts: NDArray[np.int64], reach: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return begins and ends of the stretches in which at least one kernel runs."""
    if not len(starts):
        return starts, reach
    first = np.concatenate(([True], starts[1:] > reach[:-1]))
    last = np.concatenate((first[1:], [True]))
    return starts[first], reach[last]
