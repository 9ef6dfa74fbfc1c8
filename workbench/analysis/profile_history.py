"""The history of a table: any windows of it, all columns at once, by prefix sums where much is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.drift import Pair
from workbench.analysis.profile_counts import Counts, entries, largest_gaps
from workbench.analysis.profiles import Profile, positions
from workbench.errors import UsageError
from workbench.model.grid import Grid

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Windows = Sequence[tuple[int, int]]
WIDEST = 1 << 20
"""Range of bins up to which a table of all of them is made."""
ADDITIVE = ("rows", "nulls", "infinite", "sum", "sumsq")


@dataclass(frozen=True)
class Columns:
    """Say where each column's bins stand in rows of all columns' bins; arrays have shape (columns,)."""

    names: tuple[str, ...]
    grids: tuple[str, ...]
    numeric: NDArray[np.bool_]
    first: Ints
    last: Ints
    position: Floats
    """Middle of each bin, of all columns after each other, shape (bins,); NaN for text."""
    levels: tuple[tuple[str, ...], ...]

    @cached_property
    def centers(self) -> Floats:
        """Return what each column's sums are taken about, shape (columns,); NaN for text."""
        return np.array([Grid.parse(text).center if numeric else np.nan
                         for text, numeric in zip(self.grids, self.numeric.tolist(), strict=True)])  # fmt: skip

    @cached_property
    def steps(self) -> Floats:
        """Return how far each bin's middle lies below the next one's, shape (bins,); 0 for a column's last and text."""
        found = np.append(np.diff(self.position), 0.0)
        found[self.last[self.last > self.first] - 1] = 0.0
        return np.asarray(np.nan_to_num(found), dtype=float)

    @cached_property
    def owner(self) -> Ints:
        """Return the column that each bin belongs to, shape (bins,)."""
        return np.repeat(np.arange(len(self.names)), self.last - self.first)


class History:
    """Hold the profiles of one table, ready to be asked for any windows.

    Bins of all columns stand side by side, so that two windows of all columns are compared in a few passes over one
    array.
    """

    def __init__(self, profiles: Sequence[Profile]) -> None:
        """Take profiles of distinct columns; of a column with several grids the one with the newest bucket counts."""
        chosen = _newest_grid(profiles)
        if not chosen:
            raise UsageError("There is no profile; run `workbench profile TABLE --time COLUMN --every 1h` first.")
        self.starts: Ints = np.unique(np.concatenate([p.starts for p in chosen]))
        ends = np.zeros(len(self.starts), np.int64)
        for p in chosen:
            np.maximum.at(ends, np.searchsorted(self.starts, p.starts), p.ends)
        self.ends = ends
        parts = [_layout(p) for p in chosen]
        widths = np.array([len(bins) for bins, _ in parts])
        last = np.cumsum(widths)
        self.columns = Columns(
            tuple(p.column for p in chosen), tuple(p.grid.id for p in chosen),
            np.array([p.grid.kind == "numbers" for p in chosen]), last - widths, last,
            np.concatenate([position for _, position in parts]), tuple(p.levels for p in chosen),
        )  # fmt: skip
        self._figures = {name: np.zeros((len(self.starts) + 1, len(chosen))) for name in ADDITIVE}
        held = []
        for number, (p, (bins, _)) in enumerate(zip(chosen, parts, strict=True)):
            place = np.searchsorted(self.starts, p.starts)
            column = self.columns.first[number] + _places(bins, p.entry_bin)
            held.append(entries(place[p.entry_bucket], column, p.entry_count))
            for name, figures in self._figures.items():
                figures[1 + place, number] = getattr(p, name)
        self._counts = Counts(held, len(self.starts), int(last[-1]))
        for figures in self._figures.values():
            np.cumsum(figures, axis=0, out=figures)

    def whole(self, windows: Windows) -> list[tuple[int, int]]:
        """Return the places (first, after last) of the buckets that lie wholly within each window."""
        if not windows:
            return []
        first = self.starts.searchsorted([start for start, _ in windows]).tolist()
        after = self.ends.searchsorted([end for _, end in windows], side="right").tolist()
        return list(zip(first, after, strict=True))

    def counts(self, windows: Windows) -> Floats:
        """Return rows per bin of all columns in the union of disjoint windows, shape (bins,)."""
        return self._counts.of(self.whole(windows))

    def largest_gaps(self, baseline: Windows, cuts: Ints) -> Floats:
        """Return how far each stretch of buckets, from a cut to before the next, lies from a baseline.

        That is KS of numbers and the largest share difference of text, shape (stretches, columns); NaN without rows.
        """
        return largest_gaps(self._counts.held, self.columns.first, self.columns.numeric, self.counts(baseline), cuts)

    def add_up(self) -> History:
        """Return itself, ready to be asked much: the first questions then take no longer than the later ones."""
        self._counts.add_up()
        return self

    def figures(self, windows: Windows, name: str) -> Floats:
        """Return an additive figure (rows, nulls, infinite, sum, sumsq) of each column, shape (columns,)."""
        held, total = self._figures[name], np.zeros(len(self.columns.names))
        for first, after in self.whole(windows):
            if after > first:
                total += held[after] - held[first]
        return total

    def rows_by_bucket(self) -> Ints:
        """Return rows of the table in each bucket, shape (buckets,)."""
        rows: Ints = np.diff(self._figures["rows"], axis=0).max(axis=1).astype(np.int64)
        return rows

    def by_bucket(self, name: str) -> Floats:
        """Return an additive figure in each bucket, shape (buckets, columns)."""
        return np.diff(self._figures[name], axis=0)

    def pair(self, column: str, reference: Windows, current: Windows) -> Pair:
        """Return one column's counts in two sets of windows."""
        return self.pairs(reference, current)[column]

    def pairs(self, reference: Windows, current: Windows) -> dict[str, Pair]:
        """Return every column's counts in two sets of windows; the running totals are read once for all of them."""
        return self.pairs_of(self.counts(reference), self.counts(current))

    def pairs_of(self, before: Floats, now: Floats) -> dict[str, Pair]:
        """Return every column's part of two arrays of counts that `counts` gave."""
        c, found = self.columns, {}
        cuts = zip(c.names, c.numeric.tolist(), c.first.tolist(), c.last.tolist(), c.levels, strict=True)
        for name, numeric, first, last, levels in cuts:
            positions, own = (c.position[first:last], ()) if numeric else (None, levels)
            found[name] = Pair(before[first:last], now[first:last], positions, own)
        return found


def _newest_grid(profiles: Sequence[Profile]) -> list[Profile]:
    newest: dict[str, Profile] = {}
    for p in profiles:
        if not p.segment and len(p.starts):
            held = newest.get(p.column)
            if held is None or (int(p.starts[-1]), p.grid.id) > (int(held.starts[-1]), held.grid.id):
                newest[p.column] = p
    return [newest[name] for name in sorted(newest)]


def _layout(profile: Profile) -> tuple[Ints, Floats]:
    """Return the bins that a column ever used, rising, and their positions."""
    if profile.grid.kind == "numbers":
        bins = _used(profile.entry_bin)
        return bins, positions(profile.grid, bins)
    return np.arange(len(profile.levels)), np.full(len(profile.levels), np.nan)


def _used(bins: Ints) -> Ints:
    """Return each bin once, rising: marked in a table where their range is small, which sorting is slower than."""
    if not len(bins):
        return bins
    low, high = int(bins.min()), int(bins.max())
    if high - low >= WIDEST:
        return np.unique(bins)
    seen = np.zeros(high - low + 1, bool)
    seen[bins - low] = True
    return np.flatnonzero(seen) + low


def _places(bins: Ints, wanted: Ints) -> Ints:
    """Return where each wanted bin stands among *bins*, which rise and hold it."""
    if not len(bins) or int(bins[-1]) - int(bins[0]) >= WIDEST:
        return np.searchsorted(bins, wanted)
    table = np.zeros(int(bins[-1] - bins[0]) + 1, np.int64)
    table[bins - bins[0]] = np.arange(len(bins))
    return np.asarray(table[wanted - bins[0]], dtype=np.int64)


@dataclass(frozen=True)
class Distances:
    """Hold how far two sets of counts lie apart, column by column; arrays have shape (columns,)."""

    reference_rows: Floats
    """Rows with a value."""
    current_rows: Floats
    ks: Floats
    """Largest difference of the distribution functions; of text the largest difference of a share."""
    tv: Floats
    """Half the sum of differences of shares: of text its levels, of numbers about 20 bins."""
    w1: Floats
    """Wasserstein distance in the column's unit; NaN for text."""
    anderson: Floats
    """Two-sample Anderson-Darling statistic: 1 on average where nothing changed; NaN for text."""
    chi2: Floats
    """Pearson's statistic over levels, or about 20 bins of equal rows."""
    freedom: Floats
    far_before: Floats
    """Rows of the reference beyond its outermost 0.1 %, shape (2, columns), below and above; NaN for text."""
    far_now: Floats
    """Rows of the current window there."""


OUTERMOST = 0.001
"""Share of the reference's rows at either end beyond which values count as far out."""
BINS = 20


def distances(columns: Columns, before: Floats, now: Floats) -> Distances:
    """Compare two arrays of counts of shape (bins,), all columns at once."""
    first = columns.first
    held = columns.last > first
    owner = columns.owner
    n, m = (_sums(counts, first, held) for counts in (before, now))
    # Nothing out of nothing is a share of 0, as it is out of one row.
    p, q = (counts / np.maximum(rows, 1.0)[owner] for counts, rows in ((before, n), (now, m)))
    below_p, below_q = _running(p, first, owner), _running(q, first, owner)
    gap = np.abs(below_p - below_q)
    numeric = columns.numeric[owner]
    apart = np.where(numeric, gap, np.abs(p - q))
    ks = _largest(apart, first, held)
    w1 = np.where(columns.numeric, _sums(np.where(numeric, gap * columns.steps, 0.0), first, held), np.nan)
    anderson = _anderson(columns, before + now, below_p, below_q, n, m, owner, held)
    tv, chi2, freedom = _coarse(columns, before, now, n, m, owner)
    far_before, far_now = _far_out(columns, before, now, below_p, n, owner, held)
    return Distances(n, m, ks, tv, w1, anderson, chi2, freedom, far_before, far_now)


def _far_out(
    columns: Columns, before: Floats, now: Floats, below: Floats, n: Floats, owner: Ints, held: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = below <= OUTERMOST, below - before / n[owner] >= 1 - OUTERMOST
    rows = [[np.where(columns.numeric, _sums(np.where(end, counts, 0.0), columns.first, held), np.nan) for end in ends]
            for counts in (before, now)]  # fmt: skip
    return np.array(rows[0]), np.array(rows[1])


def _sums(values: Floats, first: Ints, held: NDArray[np.bool_]) -> Floats:
    out = np.zeros(len(first))
    if held.any():
        out[held] = np.add.reduceat(values, first[held])
    return out


def _largest(values: Floats, first: Ints, held: NDArray[np.bool_]) -> Floats:
    out = np.zeros(len(first))
    if held.any():
        out[held] = np.maximum.reduceat(values, first[held])
    return out


def _running(values: Floats, first: Ints, owner: Ints) -> Floats:
    total = np.cumsum(values)
    start = np.concatenate([[0.0], total])[first]
    return np.asarray(total - start[owner], dtype=float)


def _anderson(
    columns: Columns, both: Floats, below_p: Floats, below_q: Floats, n: Floats, m: Floats, owner: Ints,
    held: NDArray[np.bool_],
) -> Floats:  # fmt: skip
    total = (n + m)[owner]
    with np.errstate(divide="ignore", invalid="ignore"):
        under = (n[owner] * below_p + m[owner] * below_q) / total
        # Middle of each bin's ranks: ties share their rank, as in Scholz and Stephens' discrete version.
        share = both / total
        middle = under - share / 2
        terms = share * (below_p - below_q) ** 2 / (middle * (1 - middle))
    terms[~np.isfinite(terms)] = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        found = n * m / (n + m) * _sums(terms, columns.first, held)
    return np.where(columns.numeric, found, np.nan)


def _coarse(
    columns: Columns, before: Floats, now: Floats, n: Floats, m: Floats, owner: Ints
) -> tuple[Floats, Floats, Floats]:
    """Return total variation, chi-squared and its degrees of freedom over levels, or about 20 bins of equal rows."""
    both = before + now
    with np.errstate(divide="ignore", invalid="ignore"):
        rank = np.nan_to_num((_running(both, columns.first, owner) - both / 2) / (n + m)[owner])
    numeric = columns.numeric[owner]
    group = np.where(
        numeric, np.minimum((rank * BINS).astype(np.int64), BINS - 1), np.arange(len(owner)) - columns.first[owner]
    )
    # Levels expected less than five times in either window are one group: chi-squared is blind below that.
    with np.errstate(divide="ignore", invalid="ignore"):
        scarce = ~numeric & (both * (np.minimum(n, m) / (n + m))[owner] < 5)
    widths = np.where(columns.numeric, BINS, columns.last - columns.first) + 1
    offset = np.cumsum(widths) - widths
    group = np.where(scarce, widths[owner] - 1, group) + offset[owner]
    size = int(widths.sum())
    a, b = np.bincount(group, before, size), np.bincount(group, now, size)
    of = np.repeat(np.arange(len(widths)), widths)
    with np.errstate(divide="ignore", invalid="ignore"):
        p, q = a / n[of], b / m[of]
        pooled = (a + b) / (n + m)[of]
        terms = (p - q) ** 2 / pooled
    terms[~np.isfinite(terms)] = 0.0
    chi2 = np.add.reduceat(terms, offset) * np.nan_to_num(n * m / np.maximum(n + m, 1))
    freedom = np.add.reduceat((a + b > 0).astype(float), offset) - 1
    tv = np.add.reduceat(np.nan_to_num(np.abs(p - q)), offset) / 2
    return tv, chi2, np.maximum(freedom, 0.0)
