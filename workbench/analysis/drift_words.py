"""What changed in one column, in words: new, vanished and renamed levels, units, shifted clocks, nulls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.drift import Pair
from workbench.analysis.drift.ks import kolmogorov_smirnov

Floats = NDArray[np.float64]
FACTORS = (10.0, 100.0, 1000.0, 60.0, 3600.0, 1024.0, 1e6, 1e9)
"""Factors by which units differ: cents, thousands, minutes, hours, kibi, micro and nano."""
GONE = 0.02
"""Share of the reference below which a level may come and go by chance."""


@dataclass(frozen=True)
class Change:
    """One thing that changed, with the share of the divergence it explains (0..1)."""

    kind: str
    """unit, shift, new_level, vanished_level, renamed_level or nulls."""
    statement: str
    explained: float


def describe(column: str, pair: Pair, *, null_before: float = 0.0, null_now: float = 0.0) -> list[Change]:
    """Return what changed in a column, the best explanation first; empty where nothing simple explains it."""
    found = _levels(column, pair) if pair.positions is None else _numbers(column, pair)
    if null_now - null_before >= 0.01:
        text = f"{_percent(null_now)} of {column} is missing, {_percent(null_before)} before"
        found.append(Change("nulls", text, min(1.0, null_now - null_before)))
    return sorted(found, key=lambda change: -change.explained)


def _numbers(column: str, pair: Pair) -> list[Change]:
    total = kolmogorov_smirnov(pair) if min(pair.rows) > 0 else 0.0
    if total < 0.05 or pair.positions is None:
        return []
    words = {by: word for factor in FACTORS for by, word in ((factor, f"x{factor:g}"), (1 / factor, f"/{factor:g}"))}
    found = [_unit(column, change, words[change.factor]) for change in units(pair, tuple(words))]
    shifted = _clock(column, pair, total)
    return [*sorted(found, key=lambda c: -c.explained)[:1], *shifted]


@dataclass(frozen=True)
class Unit:
    """A factor by which a share of the numbers seems multiplied, and how much of the distance that explains."""

    factor: float
    share: float
    explained: float


def units(pair: Pair, factors: Sequence[float]) -> list[Unit]:
    """Return the factors by which moving some share of the reference gives the current window."""
    if min(pair.rows) <= 0 or pair.positions is None:
        return []
    p, q = pair.shares()
    below_p, below_q = np.cumsum(p), np.cumsum(q)
    total = float(np.abs(below_p - below_q).max())
    if total < 0.05:
        return []
    positions, found = np.asarray(pair.positions), []
    for by in factors:
        came = positions / by * (1 + 1e-9)
        moved = np.append(below_p, 0.0)[positions.searchsorted(came, side="right") - 1]
        step = moved - below_p
        share = min(max(float((step * (below_q - below_p)).sum() / max(float((step**2).sum()), 1e-12)), 0.0), 1.0)
        rest = float(np.abs(below_q - below_p - share * step).max())
        explained = 1 - rest / total
        if explained >= 0.8 and share >= 0.02:
            found.append(Unit(by, share, explained))
    return found


def _unit(column: str, found: Unit, word: str) -> Change:
    """Return a change of unit in words."""
    part = "all" if found.share > 0.95 else _percent(found.share)
    text = f"{part} of {column} looks multiplied: {word} of what it was (a change of unit)"
    return Change("unit", text, found.explained)


def _clock(column: str, pair: Pair, total: float) -> list[Change]:
    """Return a shift by whole hours, for times in s, ms or hours of day."""
    positions = np.asarray(pair.positions)
    p, q = pair.shares()
    median = _quantile(positions, p, 0.5)
    units = {"s": 3600.0} if 1e8 < median < 1e10 else {"ms": 3.6e6} if 1e11 < median < 1e13 else {}
    if positions.min() >= 0 and positions.max() < 24 and np.ptp(positions) >= 12:
        return _hours_of_day(column, positions, p, q)
    found = []
    for size in units.values():
        for hours in range(-14, 15):
            at = np.interp(positions - hours * size, positions, np.cumsum(p), left=0.0, right=1.0)
            explained = 1 - float(np.abs(np.cumsum(q) - at).max()) / total
            if hours and explained >= 0.8:
                found.append(Change("shift", f"{column} is shifted by {hours:+d} h (a time zone?)", explained))
    return sorted(found, key=lambda c: -c.explained)[:1]


def _hours_of_day(column: str, positions: Floats, p: Floats, q: Floats) -> list[Change]:
    before, now = (np.bincount(positions.astype(int), share, 24) for share in (p, q))
    far = [float(np.abs(np.roll(before, k) - now).sum()) for k in range(24)]
    best = int(np.argmin(far))
    explained = 1 - far[best] / max(far[0], 1e-12)
    if best == 0 or explained < 0.6:
        return []
    hours = best if best <= 12 else best - 24
    return [Change("shift", f"{column} is shifted by {hours:+d} h (a time zone?)", explained)]


def _quantile(positions: Floats, shares: Floats, at: float) -> float:
    return float(positions[min(int(np.searchsorted(np.cumsum(shares), at)), len(positions) - 1)])


def _levels(column: str, pair: Pair) -> list[Change]:
    if min(pair.rows) <= 0:
        return []
    p, q = pair.shares()
    total = float(np.abs(p - q).sum() / 2)
    if total < 0.005:
        return []
    n, m = pair.rows
    # A level that chance leaves out of so many rows less than once in a thousand is new, or gone.
    new = list(np.flatnonzero((pair.reference == 0) & (q * n > 7)).tolist())
    gone = list(np.flatnonzero((pair.current == 0) & (p * m > 7)).tolist())
    found = []
    for i in list(gone):
        twin = next(
            (j for j in new if abs(p[i] - q[j]) <= 4 * np.sqrt(p[i] / n + q[j] / m) and _alike(pair, i, j)), None
        )
        twin = (
            twin
            if twin is not None
            else next(
                (j for j in new if abs(p[i] - q[j]) <= 3 * np.sqrt(p[i] / n + q[j] / m) and len(new) == len(gone) == 1),
                None,
            )
        )
        if twin is not None:
            new.remove(twin)
            gone.remove(i)
            text = f"{column}: '{pair.levels[i]}' became '{pair.levels[twin]}' ({_percent(q[twin])} of rows)"
            found.append(Change("renamed_level", text, min(1.0, float(p[i] + q[twin]) / 2 / total)))
    for i in new:
        text = f"{column}: new level '{pair.levels[i]}' in {_percent(q[i])} of rows"
        found.append(Change("new_level", text, min(1.0, float(q[i]) / total)))
    for i in gone:
        text = f"{column}: '{pair.levels[i]}' vanished, {_percent(p[i])} of rows before"
        found.append(Change("vanished_level", text, min(1.0, float(p[i]) / total)))
    return found


def _alike(pair: Pair, i: int, j: int) -> bool:
    """Say whether two names differ only in case, spaces, punctuation or an ending."""
    left, right = ("".join(c for c in pair.levels[k].casefold() if c.isalnum()) for k in (i, j))
    return left == right or (min(len(left), len(right)) >= 4 and (left.startswith(right) or right.startswith(left)))


def _percent(share: float) -> str:
    return f"{share * 100:.2g} %" if share < 0.1 else f"{share * 100:.0f} %"
