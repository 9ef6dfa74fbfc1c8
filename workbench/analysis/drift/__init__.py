"""Drift metrics: one a file, each scoring two distributions of one column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from workbench.errors import UsageError

Counts = NDArray[np.float64]


@dataclass(frozen=True)
class Pair:
    """Hold how often each value of a column was seen in a reference and in a current window.

    *reference* and *current* have shape (k,) and count rows; *positions* has shape (k,)
    and rises, for numbers; it is None for categories, whose names are *levels*.
    """

    reference: Counts
    current: Counts
    positions: NDArray[np.float64] | None = None
    levels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.reference.shape != self.current.shape:
            raise UsageError(f"Both windows count the same bins; shapes {self.reference.shape}, {self.current.shape}.")

    @property
    def rows(self) -> tuple[float, float]:
        """Rows of the reference and of the current window."""
        return float(self.reference.sum()), float(self.current.sum())

    def shares(self) -> tuple[Counts, Counts]:
        """Return shares of each bin, shape (k,); a window without rows is an error."""
        before, now = self.rows
        if before <= 0 or now <= 0:
            raise UsageError(f"A window without rows has no distribution: reference {before:g}, current {now:g} rows.")
        return self.reference / before, self.current / now

    def coarse(self, bins: int = 10) -> Pair:
        """Return numbers counted in *bins* bins of equal reference counts; categories as they are.

        What lies outside the reference's range falls into the outermost bins.
        """
        if self.positions is None or len(self.reference) <= bins:
            return self
        below = np.cumsum(self.reference) - self.reference
        number = np.minimum((below / max(self.reference.sum(), 1e-12) * bins).astype(int), bins - 1)
        # Bins rise with their values, so that each of the coarse ones is one stretch.
        first = np.flatnonzero(np.append(True, number[1:] != number[:-1]))
        return Pair(np.add.reduceat(self.reference, first), np.add.reduceat(self.current, first))

    @classmethod
    def of_numbers(cls, reference: Sequence[float], current: Sequence[float]) -> Pair:
        """Count two samples of finite numbers on their exact values, shapes (n,) and (m,)."""
        both = np.concatenate([np.asarray(reference, float), np.asarray(current, float)])
        positions, index = np.unique(both, return_inverse=True)
        split = len(reference)
        counts = (np.bincount(part, minlength=len(positions)) for part in (index[:split], index[split:]))
        before, now = (count.astype(float) for count in counts)
        return cls(before, now, positions)


@dataclass(frozen=True)
class DriftMetric:
    """Describe one measure of how far two distributions lie apart."""

    title: str
    score: Callable[[Pair], float]
    threshold: float
    """Rule of practice; a decision also weighs sample size and the column's own history."""
    drifts_when: Literal["above", "below"] = "above"
    low: float = 0.0
    high: float = float("inf")
    unit: str = ""
    min_rows: int = 50
    """Rows in the smaller window below which the score says little."""
    applies_to: Literal["numbers", "categories", "both"] = "both"
    reference: str = ""
    """Where it was defined."""
