"""How far a signal is from what it usually is at this hour, judged by its own quiet windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.medians import by_group

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Scale = Literal["relative", "absolute"]
"""relative: residuals are shares of what is expected (rows, seconds); absolute: differences (rates, scores)."""

HOUR_NS = 3_600_000_000_000
DAY_NS = 24 * HOUR_NS
SLOTS = 12
SLOT_NS = DAY_NS // SLOTS
"""Hours of the day are told apart by twos."""
MIN_OF_KIND = 5
"""Samples of weekdays, or of weekends, in a slot from which they are told apart."""
MAD_TO_SIGMA = 1.4826
SCALE_FLOOR = 0.001
"""Smallest spread as a share of the median: a near-constant signal must not explode."""
QUIET_GAP_NS = 6 * HOUR_NS
"""What lies so shortly before the window is not called quiet: the harm may have begun before anybody noticed."""
MIN_QUIET = 8
"""Quiet windows needed before an empirical p-value means anything."""


@dataclass(frozen=True)
class Deviation:
    """Compare a window of one signal with its quiet windows."""

    now: float
    """Mean inside the window, in the signal's unit."""
    usual: float
    """Mean of what is expected at the same hours."""
    z: float
    """Difference in spreads of quiet windows of the same length; signed."""
    p_value: float
    """Share of quiet windows at least as far off, in ``1 / (quiet + 1)`` steps; 1 with too little history."""
    quiet: int
    """How many quiet windows there were."""
    onset_ns: int | None
    """First sample after the change; None where none stands out."""
    onset_after_ns: int | None
    """Sample before it: the change lies between the two."""

    @property
    def strength(self) -> float:
        """Return 0..1: how unusual."""
        return strength(self.z, self.p_value, self.quiet)

    @property
    def change(self) -> float:
        """Return the difference, in the signal's unit."""
        return self.now - self.usual

    @property
    def relative(self) -> float:
        """Return the difference as a share of what is usual; infinite where that is 0."""
        return self.change / self.usual if self.usual else float(np.sign(self.change)) * float("inf")

    def figures(self) -> dict[str, float | int | str | None]:
        """Return what a finding tells of it; z is cut at a million, so that it stays a JSON number."""
        return {
            "now": self.now,
            "usual": self.usual,
            "z": float(np.clip(self.z, -1e6, 1e6)),
            "p_value": self.p_value,
            "quiet_windows": self.quiet,
            "onset_after_ns": self.onset_after_ns,
        }


def quiet_starts(start_ns: int, end_ns: int, history_start_ns: int) -> Ints:
    """Return the begins of windows as long as the given one, side by side, an hour apart at least, newest first."""
    length = end_ns - start_ns
    step = max(length, HOUR_NS)
    return np.arange(start_ns - QUIET_GAP_NS - step, history_start_ns - 1, -step, dtype=np.int64)


def expected(times_ns: Ints, values: Floats, before_ns: int) -> Floats:
    """Return the median of the history at the same hour of day, weekends apart where there are enough.

    Shapes ``(n,)``; only samples before *before_ns* teach. NaN where nothing does.
    """
    slot = (times_ns % DAY_NS) // SLOT_NS
    # 1970-01-01 was a Thursday.
    weekend = ((times_ns // DAY_NS + 3) % 7) >= 5
    teaches = (times_ns < before_ns) & np.isfinite(values)
    if not teaches.any():
        return np.full(len(values), np.nan)
    taught, kind = values[teaches], 2 * slot + weekend
    of_slot, _ = by_group(slot[teaches], taught, SLOTS)
    of_kind, size = by_group(kind[teaches], taught, 2 * SLOTS)
    usual = np.where(np.isnan(of_slot), np.median(taught), of_slot)
    return np.where(size >= MIN_OF_KIND, of_kind, np.repeat(usual, 2))[kind]


def deviate(
    times_ns: Sequence[int] | Ints,
    values: Sequence[float] | Floats,
    window: tuple[int, int],
    history_start_ns: int,
    *,
    scale: Scale,
    floor: float,
    counts: Floats | None = None,
    onset_by_ns: int | None = None,
) -> Deviation | None:
    """Return how far the window is from its quiet windows; None where it or the history has no sample.

    *times_ns* are sorted begins of samples, *values* may hold NaN (unknown). *floor* is the
    smallest spread believed, in the unit of *scale*. *counts* says from how many rows each
    sample, then a share, was counted: samples weigh by it, and a window of few rows is
    allowed to wander as far as chance takes it. The onset is looked for up to *onset_by_ns*.
    """
    times, raw = np.asarray(times_ns, dtype=np.int64), np.asarray(values, dtype=float)
    weight = np.ones(len(raw)) if counts is None else np.asarray(counts, dtype=float)
    held = np.isfinite(raw) & (times >= history_start_ns) & (weight > 0)
    times, raw, weight = times[held], raw[held], weight[held]
    inside = (times >= window[0]) & (times < window[1])
    if not inside.any() or not (times < window[0]).any():
        return None
    usual = expected(times, raw, window[0])
    residual = raw - usual
    if scale == "relative":
        floor_of = SCALE_FLOOR * max(float(np.median(np.abs(raw[times < window[0]]))), 1e-12)
        residual = residual / np.maximum(np.abs(usual), floor_of)
    now = float(np.average(residual[inside], weights=weight[inside]))
    quiet = _means(times, residual, weight, quiet_starts(*window, history_start_ns), window[1] - window[0])
    quiet = quiet[np.isfinite(quiet)]
    rows = float(weight[inside].sum()) if counts is not None else 0.0
    spread = max(spread_of(quiet), floor, chance(float(np.average(raw[~inside], weights=weight[~inside])), rows))
    centre = float(np.median(quiet)) if len(quiet) else 0.0
    p_value = tail_share(now - centre, np.abs(quiet - centre)) if len(quiet) >= MIN_QUIET else 1.0
    after, onset = onset_between(times, residual - centre, window, by_ns=onset_by_ns)
    level, normal = (float(np.average(v[inside], weights=weight[inside])) for v in (raw, usual))
    return Deviation(level, normal, (now - centre) / spread, p_value, len(quiet), onset, after)


def spread_of(quiet: Floats) -> float:
    """Return the spread of quiet values: by the median deviation, or by the middle 90 % where most are equal."""
    if not len(quiet):
        return 0.0
    ordered = np.sort(quiet)
    low, high = _between(ordered, 0.05), _between(ordered, 0.95)
    around = np.sort(np.abs(quiet - _middle(ordered)))
    return max(MAD_TO_SIGMA * _middle(around), (high - low) / 3.29)


def _middle(ordered: Floats) -> float:
    """Return the median of sorted values."""
    return float(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def _between(ordered: Floats, share: float) -> float:
    """Return a quantile of sorted values, linear between neighbours as `numpy.quantile`; much faster for few."""
    place = (len(ordered) - 1) * share
    first = int(place)
    low, high, beyond = float(ordered[first]), float(ordered[min(first + 1, len(ordered) - 1)]), place - first
    return low + (high - low) * beyond if beyond < 0.5 else high - (high - low) * (1 - beyond)


def chance(share: float, rows: float) -> float:
    """Return the standard error of a share counted from so many rows; 0 where rows are not counted."""
    if rows <= 0:
        return 0.0
    p = min(max(share, 1.0 / (rows + 2)), 1 - 1.0 / (rows + 2))
    return float(np.sqrt(p * (1 - p) / rows))


def _means(times: Ints, values: Floats, weight: Floats, starts: Ints, length: int) -> Floats:
    """Return the weighted mean of the samples in each window; NaN where there is none."""
    total, mass = (np.concatenate([[0.0], np.cumsum(v)]) for v in (values * weight, weight))
    low, high = np.searchsorted(times, starts), np.searchsorted(times, starts + length)
    held = mass[high] - mass[low]
    return np.where(held > 0, (total[high] - total[low]) / np.maximum(held, 1e-12), np.nan)


def onset_between(
    times_ns: Ints, residual: Floats, window: tuple[int, int], *, lead_ns: int = 12 * HOUR_NS, by_ns: int | None = None
) -> tuple[int | None, int | None]:
    """Return ``(last sample before, first sample after)`` the change that fits the window best.

    Two levels are fitted to the samples from *lead_ns* before the window to its end; the
    split with the least squared error is the change; it is not looked for after *by_ns*,
    when somebody had already noticed.
    """
    part = (times_ns >= window[0] - lead_ns) & (times_ns < window[1])
    times, values = times_ns[part], residual[part]
    n = len(values)
    if n < 3:
        return None, (int(times[-1]) if n else None)
    left = np.cumsum(values)[:-1]
    count = np.arange(1, n)
    right = values.sum() - left
    gain = left**2 / count + right**2 / (n - count)
    if by_ns is not None and (times[1:] <= by_ns).any():
        gain = np.where(times[1:] <= by_ns, gain, -1.0)
    split = int(np.argmax(np.round(gain, 12))) + 1
    return int(times[split - 1]), int(times[split])


def tail_share(distance: float, quiet_distances: Floats) -> float:
    """Return the share of quiet windows at least as far off; never 0, since the window itself counts as one."""
    return float((1 + (quiet_distances >= abs(distance)).sum()) / (1 + len(quiet_distances)))


def strength(z: float, p_value: float, quiet: int = 0) -> float:
    """Return 0..1: how unusual, from the quiet windows, refined by the distance where all are nearer.

    An empirical p-value cannot fall below ``1 / (quiet + 1)``; beyond that the distance tells, and
    counts as the tail of a heavy distribution (Student's t with three degrees of freedom). Where
    any of the *quiet* windows was as far off, the p-value stands.
    """
    from scipy.stats import t

    tail = float(2 * t.sf(abs(z), 3))
    beyond = p_value <= 0.1 if quiet == 0 else p_value * (quiet + 1) < 1.5
    return float(min(1.0, max(0.0, 1.0 - (tail if beyond else max(tail, p_value)))))
