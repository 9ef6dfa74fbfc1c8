"""The drift bench's generated tables drawn as counts: rows of an hour are independent, so their counts are multinomial.

What `drift_tables.history` makes row by row has, hour by hour, exactly this distribution (a test holds both to it),
and a million rows a window then cost no more than a thousand.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from benchmarks import drift_tables as made
from workbench.analysis.profile_history import History
from workbench.analysis.profiles import Floats, Ints, Profile, positions, teach
from workbench.model.grid import LEVELS, Grid
from workbench.model.window import HOUR_NS

TAUGHT = 50_000
"""Rows that teach a grid."""
SIDE_BINS = 4_000
"""Bins looked at on either side of the median: 31 octaves."""


@dataclass(frozen=True)
class Mixture:
    """How an hour's rows are made: parts of the rows, whose latent is normal, and a factor that they are taken times.

    Arrays have shape (parts, hours).
    """

    weight: Floats
    mean: Floats
    deviation: Floats
    factor: Floats


def mixture(off: Floats, now: np.ndarray, plant: made.Plant | None, *, text: bool) -> Mixture:
    """Return the mixture of each hour, whose mean lies *off*; the plant changes the hours that are *now*."""
    size, effect = (plant.size, plant.effect) if plant else (0.0, "")
    mean, deviation = off + size * now * (effect == "shift"), np.ones(len(off))
    if effect == "scale":
        mean, deviation = np.where(now, mean * (1 + size), mean), np.where(now, 1 + size, 1.0)
    some = now * size / 4 * (effect == "tail" or (effect in {"unit", "levels"} and not text))
    other = mean + 4.0 * (effect == "tail")
    factor = 1.0 if effect == "tail" else 100.0
    return Mixture(np.array([1 - some, some]), np.array([mean, other]), np.array([deviation, deviation]),
                   np.array([np.ones(len(off)), np.full(len(off), factor)]))  # fmt: skip


def shares(column: int, grid: Grid, mixed: Mixture) -> tuple[Ints, Floats]:
    """Return bins, rising, and the share of the rows that each hour has in them, shape (hours, bins)."""
    if column % 4 == 1:
        return _of_integers(grid, mixed)
    steps = ((np.arange(SIDE_BINS + 2) + grid.base) << grid.shift).view(np.float64) - grid.scale
    edges = np.concatenate([grid.center - steps[:0:-1], grid.center + steps[1:]])
    with np.errstate(divide="ignore"):
        latents = [np.log(np.maximum(edges / f, 0.0)) if column % 4 == 0 else edges / f for f in mixed.factor[:, 0]]
    reach = float(np.abs(mixed.mean).max() + 9 * mixed.deviation.max())
    near = np.flatnonzero(np.any([np.abs(latent) <= reach for latent in latents], axis=0))
    first, last = max(int(near[0]) - 1, 0), int(near[-1]) + 2
    below = np.zeros((mixed.mean.shape[1], len(edges[first:last])))
    for weight, mean, deviation, latent in zip(mixed.weight, mixed.mean, mixed.deviation, latents, strict=True):
        if weight.any():
            below += weight[:, None] * ndtr((latent[None, first:last] - mean[:, None]) / deviation[:, None])
    found = np.diff(below, axis=1)
    bins = np.arange(-SIDE_BINS, SIDE_BINS + 1)[first : last - 1]
    held = found.max(axis=0) > 1e-13
    return bins[held], found[:, held]


def _of_integers(grid: Grid, mixed: Mixture) -> tuple[Ints, Floats]:
    values = np.arange(-60, 61)
    found: dict[int, Floats] = {}
    for weight, mean, deviation, factor in zip(mixed.weight, mixed.mean, mixed.deviation, mixed.factor, strict=True):
        edges = (np.append(values - 0.5, values[-1] + 0.5) / 3)[None, :]
        part = weight[:, None] * np.diff(ndtr((edges - mean[:, None]) / deviation[:, None]), axis=1)
        for place, value in enumerate(values.tolist()):
            number = grid.bin_of(value * float(factor[0]))
            found[number] = found.get(number, np.zeros(len(mean))) + part[:, place]
    bins = np.array(sorted(found))
    return bins, np.array([found[b] for b in bins.tolist()]).T


def level_shares(mixed: Mixture, now: np.ndarray, plant: made.Plant | None) -> Floats:
    """Return the share of each of nine levels in each hour, shape (hours, 9)."""
    cuts = np.array([-np.inf, *made.CUTS, np.inf])[None, :]
    found = np.zeros((len(now), 9))
    for weight, mean, deviation in zip(mixed.weight, mixed.mean, mixed.deviation, strict=True):
        found[:, :8] += weight[:, None] * np.diff(ndtr((cuts - mean[:, None]) / deviation[:, None]), axis=1)
    if plant is not None and plant.effect in {"levels", "unit"}:
        gone = np.where(now, found[:, 6] * min(2 * plant.size, 1.0), 0.0)
        found[:, 6] -= gone
        found[:, 8] += gone
    return found


def missing_share(column: int, now: np.ndarray, plant: made.Plant | None) -> Floats:
    """Return the share of nulls in each hour, shape (hours,)."""
    base = 0.02 if column % 3 == 0 else 0.0
    more = plant.size / 4 if plant is not None and plant.effect == "nulls" else 0.0
    return 1 - (1 - base) * (1 - more * now)


def history(
    kind: made.Kind, rows: int, seed: int, plant: made.Plant | None = None, only: int | None = None
) -> tuple[History, list[tuple[int, int]]]:
    """Return what `drift_tables.history` does, drawn as counts, without the thin hours between the windows."""
    rng = np.random.default_rng([seed, rows, made.KINDS.index(kind), 1])
    hours = np.flatnonzero(np.arange(made.DAYS * 24) % 24 >= 24 - made.WINDOW_HOURS)
    off = made.driver(kind, made.DAYS * 24, rng)[hours]
    now = hours >= made.DAYS * 24 - made.WINDOW_HOURS
    per = max(rows // made.WINDOW_HOURS, 1)
    found = [_profile(c, hours, off[:, c], now, per, plant if plant and plant.column == c else None, rng)
             for c in (range(made.COLUMNS) if only is None else (only,))]  # fmt: skip
    end = made.DAYS * 24 * HOUR_NS
    return History(found), [(end - made.WINDOW_HOURS * HOUR_NS, end)]


def _profile(
    column: int, hours: Ints, off: Floats, now: np.ndarray, per: int, plant: made.Plant | None,
    rng: np.random.Generator,
) -> Profile:  # fmt: skip
    text = made.is_text(column)
    mixed = mixture(off, now, plant, text=text)
    grid, bins = LEVELS, np.arange(9)
    if text:
        share = level_shares(mixed, now, plant)
    else:
        latent = rng.normal(size=TAUGHT) + rng.choice(off[~now], TAUGHT)
        grid = teach(np.exp(latent) if column % 4 == 0 else np.round(latent * 3) if column % 4 == 1 else latent)
        bins, share = shares(column, grid, mixed)
    gone = missing_share(column, now, plant)
    every = np.column_stack([gone, (1 - gone)[:, None] * share / share.sum(axis=1, keepdims=True)])
    counts = rng.multinomial(per, every)
    bucket, place = np.nonzero(counts[:, 1:])
    seen = counts[:, 1:][bucket, place]
    none, zero = np.full(len(hours), np.nan), np.zeros(len(hours), np.int64)
    sums = [none, none]
    if not text:
        away = (positions(grid, bins) - grid.center)[place] * seen
        sums = [np.bincount(bucket, w, len(hours)) for w in (away, away**2 / np.maximum(seen, 1))]
    return Profile(
        f"c{column:02d}", grid, hours * HOUR_NS, (hours + 1) * HOUR_NS, np.full(len(hours), per), counts[:, 0], zero,
        sums[0], sums[1], none, none, np.bincount(bucket, minlength=len(hours)), bucket, bins[place], seen,
        tuple(f"level {i}" for i in range(9)) if text else (),
    )  # fmt: skip


def effect(kind: made.Kind, rows: int, seed: int, plant: made.Plant) -> float:
    """Return how far the plant moves its column: KS of numbers, total variation of text, difference of null shares."""
    off = made.driver(kind, made.DAYS * 24, np.random.default_rng([seed, rows, made.KINDS.index(kind), 1]))
    last, now = off[-made.WINDOW_HOURS :, plant.column], np.ones(made.WINDOW_HOURS, bool)
    if plant.effect == "nulls":
        return float(abs(np.subtract(*(missing_share(plant.column, now, p).mean() for p in (plant, None)))))
    text = made.is_text(plant.column)
    sides = [mixture(last, now, p, text=text) for p in (plant, None)]
    if text:
        one, two = (level_shares(m, now, p).mean(axis=0) for m, p in zip(sides, (plant, None), strict=True))
        return float(np.abs(one - two).sum() / 2)
    grid = Grid("numbers", 0.0, 1.0, 12) if plant.column % 4 == 1 else Grid("numbers", 0.0, 0.125)
    parts = [dict(zip(*(v.tolist() for v in (b, s.mean(axis=0))), strict=True))
             for b, s in (shares(plant.column, grid, m) for m in sides)]  # fmt: skip
    bins = sorted(set(parts[0]) | set(parts[1]))
    steps = [parts[0].get(b, 0.0) - parts[1].get(b, 0.0) for b in bins]
    return float(np.abs(np.cumsum(steps)).max())
