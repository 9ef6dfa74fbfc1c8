"""Rows per bin of all columns in any stretch of buckets: read from what each bucket holds, or from running totals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Whole = NDArray[np.integer[Any]]
ROWS_AT_ONCE = 32
"""Buckets whose counts are filled in and added up together."""
MOST_KEPT = 64_000_000
"""Bytes of stretches that are kept, so that the windows of a baseline are read once."""


@dataclass(frozen=True)
class Entries:
    """What one column's buckets hold, shape (entries,), by bucket and then by bin, both rising."""

    bucket: Whole
    bin: Whole
    """Place among the bins of all columns."""
    count: Whole


def entries(bucket: Ints, places: Ints, count: Ints) -> Entries:
    """Return entries in their order; they mostly stand in it."""
    later = bucket[1:] > bucket[:-1]
    if not (later | ((bucket[1:] == bucket[:-1]) & (places[1:] > places[:-1]))).all():
        order = np.lexsort((places, bucket))
        bucket, places, count = bucket[order], places[order], count[order]
    return Entries(bucket.astype(np.int32), places.astype(np.int32), count)


class Counts:
    """Answer how many rows each bin has in stretches of buckets.

    A few stretches are read from their entries. Once as much was read as there is, one row of running totals a bucket
    is made: any stretch is then two look-ups, whatever its length.
    """

    def __init__(self, held: Sequence[Entries], buckets: int, bins: int) -> None:
        """Take the entries of each column."""
        self.held, self._buckets, self._bins = tuple(held), buckets, bins
        edges = np.arange(buckets + 1)
        self._cuts = [one.bucket.searchsorted(edges).tolist() for one in held]
        self._all, self._read = sum(len(one.bucket) for one in held), 0
        self._kept: dict[tuple[int, int], Floats] = {}
        self._totals: NDArray[np.unsignedinteger[Any]] | None = None

    def add_up(self) -> None:
        """Make the running totals now, for whoever is about to ask much."""
        if self._totals is None:
            peak = sum(int(one.count.sum()) for one in self.held)
            self._totals = np.zeros((self._buckets + 1, self._bins), np.uint32 if peak < 2**32 else np.uint64)
            self._kept = {}
            for low in range(0, self._buckets, ROWS_AT_ONCE):
                self._block(self._totals, low, min(low + ROWS_AT_ONCE, self._buckets))

    def _block(self, totals: NDArray[np.unsignedinteger[Any]], low: int, high: int) -> None:
        """Fill in the counts of some buckets: those of all columns stay in the processor's cache."""
        for one, cut in zip(self.held, self._cuts, strict=True):
            part = slice(cut[low], cut[high])
            totals[one.bucket[part] + 1, one.bin[part]] = one.count[part]
        for row in range(low + 1, high + 1):
            np.add(totals[row], totals[row - 1], out=totals[row])

    def of(self, stretches: Sequence[tuple[int, int]]) -> Floats:
        """Return rows per bin in disjoint stretches, each from a bucket to before another, shape (bins,)."""
        asked = [(first, after) for first, after in stretches if after > first]
        if self._totals is None:
            self._read += sum(cut[after] - cut[first] for first, after in asked if (first, after) not in self._kept
                              for cut in self._cuts)  # fmt: skip
            if self._read > self._all:
                self.add_up()
        if self._totals is not None:
            total = np.zeros(self._bins, np.int64)
            for first, after in asked:
                total += self._totals[after]
                total -= self._totals[first]
            return total.astype(float)
        found = np.zeros(self._bins)
        for stretch in asked:
            found += self._stretch(*stretch)
        return found

    def _stretch(self, first: int, after: int) -> Floats:
        known = self._kept.get((first, after))
        if known is not None:
            return known
        parts = [(one.bin[c[first] : c[after]], one.count[c[first] : c[after]])
                 for one, c in zip(self.held, self._cuts, strict=True)]  # fmt: skip
        places, counts = (np.concatenate([part[side] for part in parts]) for side in (0, 1))
        # Sums of whole numbers are exact in floats, far beyond the rows of any table.
        found = np.asarray(np.bincount(places, counts, self._bins), dtype=float)
        if (len(self._kept) + 1) * found.nbytes <= MOST_KEPT:
            self._kept[first, after] = found
        return found


def largest_gaps(
    held: Sequence[Entries], first: Ints, numeric: NDArray[np.bool_], before: Floats, cuts: Ints
) -> Floats:
    """Return how far each stretch of buckets lies from counts *before*, shape (stretches, columns).

    That is KS for numbers and the largest difference of a share for text; NaN where either has no row. *first* is each
    column's first bin, *before* has shape (bins,), and stretch i goes from bucket ``cuts[i]`` to before ``cuts[i+1]``.
    """
    found = np.full((len(cuts) - 1, len(held)), np.nan)
    lasts = np.append(first[1:], len(before))
    for number, (one, low, high) in enumerate(zip(held, first.tolist(), lasts.tolist(), strict=True)):
        own = before[low:high]
        if not len(one.bucket) or not own.sum() > 0:
            continue
        of, places, counts = _by_stretch(one, cuts, low, high - low)
        begin = np.flatnonzero(np.diff(of, prepend=-1))
        gaps = _numbers if numeric[number] else _levels
        found[of[begin], number] = gaps(own / own.sum(), places, counts, begin)
    return found


def _by_stretch(one: Entries, cuts: Ints, low: int, wide: int) -> tuple[Whole, Whole, Floats]:
    """Return stretch, place within the column, and rows of each bin that a stretch has, in this order."""
    places = one.bin - low
    if cuts[0] == 0 and bool((np.diff(cuts) == 1).all()):
        return one.bucket, places, one.count.astype(float)
    of = cuts.searchsorted(one.bucket, side="right") - 1
    key = of * wide + places
    order = np.argsort(key, kind="stable")
    begin = np.flatnonzero(np.diff(key[order], prepend=-1))
    return of[order][begin], places[order][begin], np.add.reduceat(one.count[order].astype(float), begin)


def _numbers(share: Floats, places: Whole, counts: Floats, begin: Ints) -> Floats:
    """Return KS of each stretch: between its bins its distribution stands still, so that the gap is beside one."""
    below = np.concatenate([[0.0], np.cumsum(share)])
    running = np.concatenate([[0.0], np.cumsum(counts)])
    each = np.diff(begin, append=len(counts))
    base, rows = np.repeat(running[begin], each), np.repeat(np.add.reduceat(counts, begin), each)
    gap = np.maximum(np.abs((running[1:] - base) / rows - below[places + 1]),
                     np.abs((running[:-1] - base) / rows - below[places]))  # fmt: skip
    return np.asarray(np.maximum.reduceat(gap, begin), dtype=float)


def _levels(share: Floats, places: Whole, counts: Floats, begin: Ints) -> Floats:
    """Return the largest difference of a share in each stretch; a level that it lacks differs by all of its share."""
    each = np.diff(begin, append=len(counts))
    parts = counts / np.repeat(np.add.reduceat(counts, begin), each)
    apart = np.maximum.reduceat(np.abs(parts - share[places]), begin)
    order = np.argsort(-share, kind="stable")
    rank = np.empty(len(share), np.int64)
    rank[order] = np.arange(len(share))
    return np.asarray(np.maximum(apart, _commonest_lacking(share[order], rank[places], begin, each)), dtype=float)


def _commonest_lacking(falling: Floats, ranks: Ints, begin: Ints, each: Ints) -> Floats:
    """Return the share of the commonest level that each stretch lacks: the first rank that is not among its own."""
    stretch = np.repeat(np.arange(len(begin)), each)
    order = np.lexsort((ranks, stretch))
    place = np.arange(len(ranks)) - np.repeat(begin, each)
    has = ranks[order] == place
    first = np.minimum.reduceat(np.where(has, np.repeat(each, each), place), begin)
    return np.append(falling, 0.0)[first]
