"""Try to break a lead: are those that it does not touch well, and did the same thing happen before without harm?

Both tests can refute: a slice is not the cause where the rest moved as much without it, nor where it was
as large on earlier days on which nothing followed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.deviation import spread_of

MIN_ROWS = 20
"""Untouched decisions that each side of the comparison needs."""
MIN_WINDOWS = 6
"""Quiet windows from which a spread can be told."""
WELL_Z = 3.0
"""Spreads of its quiet windows within which the untouched part counts as well."""
GONE, STAYS = 0.35, 0.8
"""Share of the change that may remain without the slice; and from which the slice explains nothing."""
HALFWAY = 0.5
"""How much of the way from usual to now an earlier window must have gone to count as the same thing."""


@dataclass(frozen=True)
class Untouched:
    """How the outcome moved among those that the lead does not touch."""

    rows_now: int
    change: float
    """Their mean inside the bad window minus their mean in the quiet windows."""
    remaining: float
    """That change as a share of the whole change."""
    z: float
    """That change in spreads of their quiet windows' means."""

    @property
    def refutes(self) -> bool:
        """Say whether the untouched moved as much as all, beyond chance."""
        return self.remaining >= STAYS and abs(self.z) >= WELL_Z

    @property
    def supports(self) -> bool:
        """Say whether nothing of note is left without the touched."""
        return abs(self.remaining) <= GONE


@dataclass(frozen=True)
class Before:
    """What followed when the same thing happened on earlier days."""

    windows: int
    """Quiet windows that had gone half the way or more."""
    harmed: int
    """Those of them in which the outcome left its usual range in the same direction."""

    @property
    def refutes(self) -> bool:
        """Say whether it happened twice or more and harmed nobody."""
        return self.windows >= 2 and self.harmed == 0

    @property
    def supports(self) -> bool:
        """Say whether harm followed each time."""
        return self.windows >= 1 and self.harmed == self.windows


def untouched(
    outcome: NDArray[np.float64], now: NDArray[np.bool_], quiet: NDArray[np.int64], touched: NDArray[np.bool_]
) -> Untouched | None:
    """Compare those that a lead does not touch inside the bad window with the quiet windows.

    *outcome* ``(n,)``, NaN rows are left out; *now* marks the bad window, *quiet* numbers the quiet
    windows from 0, -1 elsewhere; *touched* marks the rows of the slice. None where too few are
    untouched, or nothing changed, to say anything.
    """
    known = np.isfinite(outcome)
    calm = known & (quiet >= 0)
    here, there = known & now & ~touched, calm & ~touched
    if here.sum() < MIN_ROWS or there.sum() < MIN_ROWS:
        return None
    whole = float(outcome[known & now].mean() - outcome[calm].mean())
    means = _window_means(outcome[there], quiet[there])
    if not whole or len(means) < MIN_WINDOWS:
        return None
    change = float(outcome[here].mean() - outcome[there].mean())
    noise = float(np.sqrt(np.var(outcome[there]) / here.sum()))
    return Untouched(int(here.sum()), change, change / whole, change / max(spread_of(means), noise, 1e-9))


def before(
    outcome: NDArray[np.float64], now: NDArray[np.bool_], quiet: NDArray[np.int64], touched: NDArray[np.bool_]
) -> Before | None:
    """Look for quiet windows in which the slice was as large as now, or half the way there, and at what followed.

    Arguments as in `untouched`. None where the slice did not grow, or there are too few windows.
    """
    known = np.isfinite(outcome)
    calm = known & (quiet >= 0)
    if not (known & now).any() or not calm.any():
        return None
    shares, means = _window_means(touched[calm].astype(float), quiet[calm]), _window_means(outcome[calm], quiet[calm])
    if len(shares) < MIN_WINDOWS:
        return None
    usual, here = float(np.median(shares)), float(touched[known & now].mean())
    if here <= usual:
        return None
    same = shares >= usual + HALFWAY * (here - usual)
    whole = float(outcome[known & now].mean() - np.median(means))
    ordinary = means[~same] if (~same).sum() >= MIN_WINDOWS else means  # occurrences must not widen what is usual
    beyond = (means - np.median(ordinary)) * np.sign(whole) / max(spread_of(ordinary), 1e-9) >= WELL_Z
    return Before(int(same.sum()), int((same & beyond).sum()))


def _window_means(values: NDArray[np.float64], window: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean of each window that has enough rows, in order of its number."""
    size = np.bincount(window)
    total = np.bincount(window, values)
    enough = size >= max(MIN_ROWS // 4, 1)
    means: NDArray[np.float64] = total[enough] / size[enough]
    return means
