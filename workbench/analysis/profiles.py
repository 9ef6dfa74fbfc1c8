"""Profiles: what a column held in each bucket of time, as counts on a fixed grid that add up."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import UsageError
from workbench.model.grid import LEVELS, MOST_LEVELS, Grid

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
CHUNK = 16_384
"""Values worked on at a time: they stay in the processor's cache."""
BLOCK = 65_536
"""Values sorted at a time."""
_EXPONENT_BITS = 12
TABLE = "*"
"""Stands for the whole table where a column is named."""


@dataclass(frozen=True)
class Profile:
    """Hold one column's additive statistics, bucket by bucket; arrays have shape (b,), entries shape (e,).

    Bucket *entry_bucket*, a place in *starts*, saw bin *entry_bin* *entry_count* times; for text the bin is a
    place in *levels*. *min* and *max* are NaN where there was no finite value.
    """

    column: str
    grid: Grid
    starts: Ints
    ends: Ints
    rows: Ints
    nulls: Ints
    infinite: Ints
    sum: Floats
    sumsq: Floats
    min: Floats
    max: Floats
    distinct: Ints
    entry_bucket: Ints
    entry_bin: Ints
    entry_count: Ints
    levels: tuple[str, ...] = ()
    segment: str = ""


def positions(grid: Grid, bins: Ints) -> Floats:
    """Return the middles of bins of numbers, shape (k,), in the column's unit."""
    size = np.abs(bins) + grid.base
    low = (size << grid.shift).view(np.float64)
    high = ((size + 1) << grid.shift).view(np.float64)
    middle = np.where((bins == 0) | ((grid.bits > 7) & (high - low <= 1.0)), low, low / 2 + high / 2)
    return np.asarray(grid.center + np.sign(bins) * (middle - grid.scale), dtype=float)


def teach(values: Floats) -> Grid:
    """Return the grid that a baseline's values teach, shape (n,); NaN and infinities are left out."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return Grid("numbers", 0.0, 1.0)
    low, quarter, median, three_quarters, high = np.percentile(
        finite, (0, 25, 50, 75, 100), method="inverted_cdf"
    ).tolist()
    integers = bool((finite == np.rint(finite)).all())
    distinct = len(np.unique(finite)) if integers else len(finite)
    return Grid.of_numbers(
        low=low,
        quarter=quarter,
        median=median,
        three_quarters=three_quarters,
        high=high,
        distinct=distinct,
        integers=integers,
    )


def count_numbers(
    column: str, values: Floats, grid: Grid, *, starts: Ints, ends: Ints, sizes: Ints | None = None, segment: str = ""
) -> Profile:
    """Count numbers on a grid; NaN is null.

    *values* have shape (n,) and stand bucket after bucket: bucket i holds the next ``sizes[i]`` of them.
    """
    values = np.ascontiguousarray(values, dtype=np.float64)
    sizes = np.array([len(values)]) if sizes is None else np.asarray(sizes)
    if len(sizes) != len(starts) or int(sizes.sum()) != len(values):
        raise UsageError(f"{len(starts)} buckets cannot hold {len(values)} values in sizes summing to {sizes.sum()}.")
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    figures = np.zeros((4, len(sizes)))
    figures[2:] = np.nan
    small = _EXPONENT_BITS + grid.bits + len(sizes).bit_length() <= 32
    parts = [
        _block(values, grid, offsets, low, high, begin, end, figures, np.uint32 if small else np.uint64)
        for low, high, begin, end in _blocks(offsets)
    ]
    held = np.concatenate([code for code, _ in parts]) if parts else np.zeros(0, np.int64)
    counts = np.concatenate([n for _, n in parts]) if parts else np.zeros(0, np.int64)
    if len(held) > 1 and not (held[1:] > held[:-1]).all():
        order = np.argsort(held)
        held, counts = _each_once(held[order], counts[order])
    width = _EXPONENT_BITS + grid.bits
    half = 1 << (width - 1)
    bucket, code = held >> width, held & (2 * half - 1)
    bins = np.where(code >= half, code - half - grid.base, code - half + 1 + grid.base)
    nulls, infinite = np.zeros(len(sizes), np.int64), np.zeros(len(sizes), np.int64)
    if len(bins) and max(-int(bins.min()), int(bins.max())) >= grid.limit:
        far = np.abs(bins)
        nulls, infinite = (
            np.bincount(bucket[at], counts[at], len(sizes)).astype(np.int64)
            for at in (far > grid.limit, far == grid.limit)
        )
        finite = far < grid.limit
        bucket, counts, bins = bucket[finite], counts[finite], bins[finite]
    distinct = np.bincount(bucket, minlength=len(sizes)).astype(np.int64)
    return Profile(
        column, grid, np.asarray(starts), np.asarray(ends), sizes.astype(np.int64), nulls, infinite,
        figures[0], figures[1], figures[2], figures[3], distinct, bucket, bins, counts, (), segment,
    )  # fmt: skip


def _blocks(offsets: Ints) -> list[tuple[int, int, int, int]]:
    """Return (first bucket, after last, first value, after last): some whole buckets, or a part of one.

    Blocks keep every array so small that it is worked on in the cache and its memory is used again.
    """
    found, first = [], 0
    last = len(offsets) - 1
    while first < last:
        after = max(int(np.searchsorted(offsets, offsets[first] + BLOCK, side="right")) - 1, first + 1)
        begin, end = int(offsets[first]), int(offsets[after])
        if end - begin <= BLOCK:
            found.append((first, after, begin, end))
        else:
            found += [(first, after, at, min(at + BLOCK, end)) for at in range(begin, end, BLOCK)]
        first = after
    return [block for block in found if block[3] > block[2]]


def _block(
    values: Floats, grid: Grid, offsets: Ints, low: int, high: int, begin: int, end: int, figures: Floats, kind: Any
) -> tuple[Ints, Ints]:
    """Return bucket and bin in one integer, rising, with rows of each, for one block; add up its figures."""
    part = values[begin:end]
    z = np.empty(len(part))
    codes = _codes(part, grid, z, kind)
    if high - low > 1:
        width = kind(_EXPONENT_BITS + grid.bits)
        codes |= np.repeat(np.arange(low, high).astype(kind) << width, np.diff(offsets[low : high + 1]))
        _add_buckets(figures[:, low:high], z, part, offsets[low : high + 1] - begin)
    else:
        codes |= kind(low << (_EXPONENT_BITS + grid.bits))
        _add(figures[:, low], z, part)
    codes.sort()
    first = np.flatnonzero(np.append(True, codes[1:] != codes[:-1]))
    return codes[first].astype(np.int64), np.diff(np.append(first, len(codes)))


def _codes(values: Floats, grid: Grid, differences: Floats, kind: Any) -> NDArray[Any]:
    """Return the bin of each value as an integer that rises with it, shape (n,), and fill z, shape (n,)."""
    width = _EXPONENT_BITS + grid.bits
    codes = np.empty(len(values), kind)
    room, wide = np.empty(min(CHUNK, len(values))), np.empty(min(CHUNK, len(values)), np.uint64)
    shift, sign = np.uint64(grid.shift), np.uint64(width - 1)
    half, below = kind(1 << (width - 1)), kind((1 << (width - 1)) - 1)
    above_zero, below_zero = kind(int(half) + grid.base), kind(int(half) - 1 - grid.base)
    with np.errstate(over="ignore", invalid="ignore"):
        for begin in range(0, len(values), CHUNK):
            part = values[begin : begin + CHUNK]
            z = np.subtract(part, grid.center, out=differences[begin : begin + CHUNK])
            y = np.abs(z, out=room[: len(part)])
            y += grid.scale
            np.copysign(y, z, out=y)
            some = codes[begin : begin + CHUNK]
            some[:] = np.right_shift(y.view(np.uint64), shift, out=wide[: len(part)])
            # Order of codes becomes order of values: the size of negative ones counts backwards.
            some ^= (np.uint64(0) - (wide[: len(part)] >> sign)).astype(kind) & below
            some ^= half
            # The middle bin has no sign.
            np.putmask(some, some == below_zero, above_zero)
    return codes


def _add(figures: Floats, z: Floats, values: Floats) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        total = float(z.sum())
        if not np.isfinite(total):
            z, values = z[np.isfinite(z)], values[np.isfinite(z)]
            total = float(z.sum())
        if len(z):
            figures[0] += total
            # A dot product would wake threads, which costs more than it saves.
            figures[1] += float(np.square(z).sum())
            figures[2] = np.fmin(figures[2], float(values.min()))
            figures[3] = np.fmax(figures[3], float(values.max()))


def _add_buckets(figures: Floats, z: Floats, values: Floats, offsets: Ints) -> None:
    held = np.flatnonzero(np.diff(offsets))
    first = offsets[held]
    with np.errstate(over="ignore", invalid="ignore"):
        sums = np.add.reduceat(z, first)
        if np.isfinite(sums.sum()):
            squares = np.add.reduceat(z * z, first)
            figures[:, held] = sums, squares, np.minimum.reduceat(values, first), np.maximum.reduceat(values, first)
            return
        finite = np.isfinite(z)
        some = np.add.reduceat(finite, first) > 0
        z, values = np.where(finite, z, 0.0), np.where(finite, values, np.nan)
        figures[:, held[some]] = np.array(
            [
                np.add.reduceat(z, first),
                np.add.reduceat(z * z, first),
                np.fmin.reduceat(values, first),
                np.fmax.reduceat(values, first),
            ]
        )[:, some]


def _ordered(bucket: Ints, bins: Ints, counts: Ints) -> tuple[Ints, Ints, Ints]:
    """Return entries by bucket and bin, each bin once."""
    if not len(bins):
        return bucket, bins, counts
    order = np.lexsort((bins, bucket))
    bucket, bins, counts = bucket[order], bins[order], counts[order]
    first = np.flatnonzero(np.append(True, (bucket[1:] != bucket[:-1]) | (bins[1:] != bins[:-1])))
    return bucket[first], bins[first], np.add.reduceat(counts, first)


def _each_once(codes: Ints, counts: Ints) -> tuple[Ints, Ints]:
    """Return rising codes, each once, with the sum of their counts."""
    first = np.flatnonzero(np.append(True, codes[1:] != codes[:-1]))
    return codes[first], np.add.reduceat(counts, first)


def digest_level(level: str) -> str:
    """Return the digest that a level is counted by where there are too many of them."""
    return "#" + hashlib.md5(level.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()[:4]


def teach_text(distinct: int) -> Grid:
    """Return how text with so many distinct levels in its baseline is counted."""
    return LEVELS if distinct <= MOST_LEVELS else Grid("hashed")


def count_levels(
    column: str,
    codes: Ints,
    levels: Sequence[str],
    grid: Grid,
    *,
    starts: Ints,
    ends: Ints,
    sizes: Ints | None = None,
    segment: str = "",
) -> Profile:
    """Count text: *codes* of shape (n,) are places in *levels*, -1 for null; bucket after bucket."""
    codes = np.asarray(codes, dtype=np.int64)
    sizes = np.array([len(codes)]) if sizes is None else np.asarray(sizes)
    bucket = np.repeat(np.arange(len(sizes)), sizes)
    names = tuple(levels)
    if grid.kind == "hashed":
        place: dict[str, int] = {}
        found_at = [place.setdefault(digest_level(level), len(place)) for level in names]
        codes = np.array([*found_at, -1])[codes]
        names = tuple(place)
    held = codes >= 0
    size = max(len(names), 1)
    joint = bucket[held] * size + codes[held]
    if len(sizes) * size <= max(4 * len(codes), 1 << 16):
        dense = np.bincount(joint, minlength=len(sizes) * size)
        found = np.flatnonzero(dense)
        counts = dense[found]
    else:
        found, counts = np.unique(joint, return_counts=True)
    where = found // size
    b = len(sizes)
    nulls = np.bincount(bucket[~held], minlength=b)
    none = np.full(b, np.nan)
    return Profile(
        column, grid, np.asarray(starts), np.asarray(ends), sizes.astype(np.int64), nulls,
        np.zeros(b, np.int64), none, none, none, none, np.bincount(where, minlength=b), where, found % size,
        counts, names, segment,
    )  # fmt: skip


def merge(parts: Iterable[Profile]) -> Profile:
    """Add up profiles of one column, segment and grid; the order of *parts* does not matter.

    Buckets with equal begins become one. `UsageError` where grids or columns differ: their counts mean other things.
    """
    held = list(parts)
    if not held:
        raise UsageError("There is no profile to merge.")
    for part in held[1:]:
        if (part.column, part.grid, part.segment) != (held[0].column, held[0].grid, held[0].segment):
            raise UsageError(
                f"Counts of {held[0].column} on {held[0].grid.id} and of {part.column} on {part.grid.id} "
                "cannot be added; profile one of them anew."
            )
    starts, place = np.unique(np.concatenate([p.starts for p in held]), return_inverse=True)
    ends = np.zeros(len(starts), np.int64)
    np.maximum.at(ends, place, np.concatenate([p.ends for p in held]))
    names = sorted({level for p in held for level in p.levels})
    lookup = {level: at for at, level in enumerate(names)}
    offsets = np.cumsum([0] + [len(p.starts) for p in held])
    bucket = np.concatenate([place[o + p.entry_bucket] for o, p in zip(offsets, held, strict=False)])
    bins = np.concatenate(
        [np.array([lookup[level] for level in p.levels])[p.entry_bin] if p.levels else p.entry_bin for p in held]
    )
    bucket, bins, counts = _ordered(bucket, bins, np.concatenate([p.entry_count for p in held]))
    rows, nulls, infinite, total, squares = (
        _total([getattr(p, name) for p in held], place, len(starts))
        for name in ("rows", "nulls", "infinite", "sum", "sumsq")
    )
    low, high = np.full(len(starts), np.nan), np.full(len(starts), np.nan)
    np.fmin.at(low, place, np.concatenate([p.min for p in held]))
    np.fmax.at(high, place, np.concatenate([p.max for p in held]))
    distinct = np.bincount(bucket, minlength=len(starts))
    return replace(
        held[0],
        starts=starts,
        ends=ends,
        min=low,
        max=high,
        distinct=distinct,
        entry_bucket=bucket,
        entry_bin=bins,
        entry_count=counts,
        levels=tuple(names),
        rows=rows,
        nulls=nulls,
        infinite=infinite,
        sum=total,
        sumsq=squares,
    )


def _total(parts: list[NDArray[Any]], place: Ints, size: int) -> NDArray[Any]:
    values = np.concatenate(parts)
    out = np.zeros(size, values.dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        np.add.at(out, place, values)
    return out
