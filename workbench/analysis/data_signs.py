"""Signs of what happened to data: rows multiplied or repeated, units and names changed, seasons, late labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis import impact
from workbench.analysis.deviation import DAY_NS, HOUR_NS, Deviation, deviate, spread_of
from workbench.analysis.drift import Pair
from workbench.analysis.drift_words import FACTORS, Unit, units

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
STEADY = 0.02
"""Largest spread of a ratio of rows that still says: one comes from the other, row by row."""
AT_MOST = 1.05
"""Rows per row upstream from which a data set is put together of several, and says nothing of any one."""
MIN_ROWS = 40
SLOW_LEAST = 0.1
"""Smallest move of the mean rank that is called a season, 0..1."""
SLOW_DAYS = 10
HALF_COME = 0.5
"""Share of the labels of an age that must have had time to come before their arrivals are counted as usual."""
FLAT = 0.15
"""Share of the whole way below which nothing had begun."""


@dataclass(frozen=True)
class Ratio:
    """Rows written downstream per row upstream."""

    upstream: str
    downstream: str
    deviation: Deviation


def ratios(history: pd.DataFrame, edges: pd.DataFrame, window: tuple[int, int], history_start_ns: int) -> list[Ratio]:
    """Return how rows per row upstream deviate on edges where they were steady, by name.

    *history* has entity, start_ns, rows, writes (null: counted, not reported); *edges* has
    upstream and downstream. Writes are paired with the newest one upstream, at most an hour before.
    """
    told = history[history["writes"].notna() & (history["rows"] > 0)]
    told = told.assign(each=told["rows"].astype(float) / told["writes"].astype(float))
    series = {
        str(name): (group["start_ns"].to_numpy(dtype=np.int64), group["each"].to_numpy(dtype=float))
        for name, group in told.sort_values("start_ns", kind="stable").groupby("entity")
    }
    found = []
    pairs = edges[["upstream", "downstream"]].drop_duplicates().sort_values(["upstream", "downstream"])
    for up, down in pairs.itertuples(index=False):
        if up not in series or down not in series or len(series[down][0]) < SLOW_DAYS:
            continue
        times, ratio = _paired(series[down], series[up])
        quiet = ratio[times < window[0]]
        if len(quiet) < SLOW_DAYS or spread_of(quiet) > STEADY * abs(usual := float(np.median(quiet))):
            continue
        if usual > AT_MOST:
            continue
        chosen = (min(window[0], window[1] - 3 * HOUR_NS), window[1])
        deviation = deviate(times, ratio, chosen, history_start_ns, scale="relative", floor=STEADY)
        if deviation is not None:
            found.append(Ratio(up, down, deviation))
    return found


def _paired(down: tuple[Ints, Floats], up: tuple[Ints, Floats]) -> tuple[Ints, Floats]:
    """Return by time how much each value is of the newest upstream, at most an hour older; both sorted by time."""
    newest = np.searchsorted(up[0], down[0], side="right") - 1
    near = (newest >= 0) & (down[0] - up[0][newest] <= HOUR_NS)
    ratio = down[1][near] / up[1][newest[near]]
    known = np.isfinite(ratio)
    return down[0][near][known], ratio[known]


def repeats(
    times_ns: NDArray[np.int64], keys: pd.Series, window: tuple[int, int], history_start_ns: int
) -> Deviation | None:
    """Return how often a key comes that came within the day before, as a share by the hour; None without keys."""
    rows = pd.DataFrame({"time_ns": times_ns, "key": keys.to_numpy()}).dropna().sort_values("time_ns", kind="stable")
    if rows.empty:
        return None
    since = rows["time_ns"] - rows.groupby("key")["time_ns"].shift()
    rows["again"] = (since <= DAY_NS).astype(float)
    return _by_hour(rows, "again", window, history_start_ns, floor=0.005)


def _by_hour(
    rows: pd.DataFrame, name: str, window: tuple[int, int], history_start_ns: int, *, floor: float
) -> Deviation | None:
    hours = rows["time_ns"] - rows["time_ns"] % HOUR_NS
    shares = rows.groupby(hours)[name].agg(["mean", "size"])
    return deviate(
        shares.index.to_numpy(dtype=np.int64),
        shares["mean"].to_numpy(),
        (window[0] - window[0] % HOUR_NS, window[1]),
        history_start_ns,
        scale="absolute",
        floor=floor,
        counts=shares["size"].to_numpy(dtype=float),
    )


def unit_change(before: Floats, now: Floats) -> Unit | None:
    """Return the factor by which a share of the numbers seems multiplied; None where that explains little."""
    # A zero has no unit, and is what serving puts where nothing is known.
    before, now = (values[np.isfinite(values) & (values != 0)] for values in (before, now))
    if min(len(before), len(now)) < MIN_ROWS:
        return None
    pair = Pair.of_numbers(before.tolist(), now.tolist())
    held = units(pair, [by for factor in FACTORS for by in (factor, 1 / factor)])
    best = max((u.explained for u in held), default=0.0)
    # Factors stand in the order of how common they are: 1024 is not told from 1000 by a few hundredths.
    return next((u for u in held if u.explained >= best - 0.03), None)


@dataclass(frozen=True)
class Renamed:
    """One level that vanished, and the new one that took its place."""

    before: str
    now: str
    share_before: float
    share_now: float


def renamed(before: pd.Series, now: pd.Series) -> list[Renamed]:
    """Return levels that vanished and the new ones with an equal share each; empty where shares do not agree.

    *before* and *now* are the values of rows of two windows. A level is gone, or new, where
    chance would leave it out less than once in a thousand.
    """
    p, q = before.dropna().astype(str).value_counts(), now.dropna().astype(str).value_counts()
    n, m = float(p.sum()), float(q.sum())
    if min(n, m) < MIN_ROWS:
        return []
    gone = [str(k) for k, c in p.items() if c / n * m > 7 and q.get(k, 0) <= 0.1 * c / n * m]
    new = [str(k) for k, c in q.items() if c / m * n > 7 and p.get(k, 0) <= 0.1 * c / m * n]
    pairs = []
    for level in sorted(gone, key=lambda k: (-p[k], k)):
        near = [
            k
            for k in new
            if abs(p[level] / n - q[k] / m) <= 4 * np.sqrt(p[level] / n**2 + q[k] / m**2) + 0.1 * q[k] / m
        ]
        if not near:
            continue
        best = min(near, key=lambda k: (not _alike(level, k), round(abs(p[level] / n - q[k] / m), 9), k))
        new.remove(best)
        pairs.append(Renamed(level, best, float(p[level] / n), float(q[best] / m)))
    return pairs


def _alike(left: str, right: str) -> bool:
    """Say whether one name holds the other, but for case and signs."""
    a, b = ("".join(c for c in text.casefold() if c.isalnum()) for text in (left, right))
    return min(len(a), len(b)) >= 2 and (a in b or b in a)


@dataclass(frozen=True)
class Slow:
    """A level that moved over days, not at once."""

    days: int
    """How many days ago it began."""
    day_before: float
    """Share of the whole way gone a day before the window."""
    moved: float
    """The whole way, in mean ranks: 0.5 is as far as a column can go."""
    spreads: float


def slow_move(values: Floats, now: NDArray[np.bool_], quiet: NDArray[np.int64]) -> Slow | None:
    """Return a move that had begun days before the window and grew since; None where it came at once, or is small.

    *quiet* numbers the same hours of earlier days, 0 the day before; -1 elsewhere.
    """
    finite = np.isfinite(values)
    last = int(quiet.max(initial=-1))
    if last < SLOW_DAYS or (finite & now).sum() < MIN_ROWS:
        return None
    base = np.sort(values[finite & (quiet >= 2 * last // 3)])
    if len(base) < MIN_ROWS:
        return None
    rank = (np.searchsorted(base, values, side="left") + np.searchsorted(base, values, side="right")) / 2 / len(base)
    days = [float(rank[finite & (quiet == k)].mean()) for k in range(last + 1) if (finite & (quiet == k)).sum() >= 20]
    here = float(rank[finite & now].mean())
    if len(days) < SLOW_DAYS:
        return None
    old = float(np.median(days[2 * len(days) // 3 :]))
    wander = max(spread_of(np.asarray(days[2 * len(days) // 3 :])), float(np.sqrt(1 / 12 / (finite & now).sum())))
    moved = here - old
    way = (np.asarray(days) - old) / moved if moved else np.zeros(len(days))
    if abs(moved) < SLOW_LEAST or abs(moved) < 4 * wander or not _gradual(way):
        return None
    begun = next((k for k in range(len(way) - 1) if max(way[k], way[k + 1]) < FLAT), len(way))
    return Slow(begun + 1, float(np.mean(way[:2])), moved, abs(moved) / wander)


def _gradual(way: Floats) -> bool:
    """Say whether the way was gone step by step: much of it by the day before, less the longer ago."""
    recent = float(np.mean(way[:2]))
    middle, far = float(np.mean(way[3:6])), float(np.mean(way[7:10]))
    return 0.55 <= recent <= 1.25 and 0.2 <= middle <= 1.1 and recent >= middle - 0.1 >= far - 0.3


@dataclass(frozen=True)
class ScoreShift:
    """Scores of equal inputs before and now, in log-odds."""

    shift: float
    spreads: float
    rows: int


def score_shift(
    frame: pd.DataFrame, score: Floats, now: NDArray[np.bool_], quiet: NDArray[np.int64], columns: Mapping[str, str]
) -> ScoreShift | None:
    """Return by how much equal inputs are scored differently now; None where low, middle and high do not agree.

    An additive model of the log-odds is fitted to quiet rows; only rows all of whose levels were
    common then count, so that inputs never seen before are no sign.
    """
    used = np.isfinite(score) & (score > 0) & (score < 1) & (now | (quiet >= 0))
    odds = np.log(score[used] / (1 - score[used]))
    is_now, window = now[used], quiet[used]
    blocks, common = [np.ones((len(odds), 1))], np.ones(len(odds), bool)
    for column in columns:
        codes = impact.levels(frame.loc[used, column], ~is_now)
        block = np.zeros((len(odds), len(codes.categories)))
        block[np.arange(len(odds)), codes.codes] = 1.0
        seen = block[~is_now].sum(0) >= 20
        common &= seen[codes.codes]
        blocks.append(block)
    design = np.hstack(blocks)
    teaches = ~is_now
    if min((is_now & common).sum(), teaches.sum()) < MIN_ROWS:
        return None
    said = design @ impact.fitted(design[teaches], odds[teaches])
    rest = odds - said
    means = pd.Series(rest[teaches]).groupby(window[teaches]).mean().to_numpy()
    spread = max(spread_of(means), 0.01)
    mine = is_now & common
    shift = float(rest[mine].mean()) - float(np.median(means))
    thirds = np.array_split(np.argsort(said[mine], kind="stable"), 3)
    parts = [float(rest[mine][part].mean()) for part in thirds]
    agree = all(np.sign(p) == np.sign(shift) and abs(p) >= 0.3 * abs(shift) for p in parts)
    return ScoreShift(shift, abs(shift) / spread, int(mine.sum())) if agree else None


@dataclass(frozen=True)
class Arrivals:
    """Labels by the hour of their arrival."""

    deviation: Deviation
    behind: float
    """Share missing of the labels that decisions one to ten days old would usually have by now, 0..1."""


def arrivals(
    decided_ns: NDArray[np.int64], arrived_ns: NDArray[np.int64], end_ns: int, history_start_ns: int
) -> Arrivals | None:
    """Return whether labels arrived as usual over the last day; None with less than ten days of labels.

    *decided_ns* and *arrived_ns* belong to labelled decisions. Labels come in the rhythm of their
    senders, so whole days are compared. Early counts are too low, since no decision is older than the
    history: they are divided by the share of labels that come within the time since it began.
    """
    if len(arrived_ns) < 100 or int(arrived_ns.min()) > end_ns - SLOW_DAYS * DAY_NS:
        return None
    # Only the labels of the first decisions had time to come: those of later ones would say that all come early.
    first = decided_ns < history_start_ns + max((end_ns - history_start_ns) // 3, DAY_NS)
    waits = np.sort((arrived_ns - decided_ns)[first])
    if not len(waits):
        return None
    hours = np.arange(history_start_ns - history_start_ns % (6 * HOUR_NS), end_ns, 6 * HOUR_NS)
    counts = np.histogram(arrived_ns, np.append(hours, end_ns))[0].astype(float)
    if hours.size and end_ns - hours[-1] < 6 * HOUR_NS:
        hours, counts = hours[:-1], counts[:-1]
    come = np.searchsorted(waits, hours + 3 * HOUR_NS - history_start_ns) / len(waits)
    settled = come >= HALF_COME
    if not settled.any():
        return None
    hours, counts = hours[settled], counts[settled] / come[settled]
    deviation = deviate(hours, counts, (end_ns - DAY_NS, end_ns), int(hours[0]), scale="relative", floor=0.05)
    if deviation is None:
        return None
    whole = min(12, max(4, int((end_ns - history_start_ns) // DAY_NS) - 9))
    late = [_held(decided_ns, arrived_ns, end_ns - k * DAY_NS) for k in range(3, whole)]
    usual = float(np.median(late))
    return Arrivals(deviation, max(0.0, 1 - _held(decided_ns, arrived_ns, end_ns) / usual) if usual else 0.0)


def _held(decided_ns: NDArray[np.int64], arrived_ns: NDArray[np.int64], moment_ns: int) -> float:
    """Return how many labels were known at a moment of decisions then one to ten days old."""
    old = (decided_ns < moment_ns - DAY_NS) & (decided_ns >= moment_ns - 10 * DAY_NS)
    return float((old & (arrived_ns <= moment_ns)).sum())
