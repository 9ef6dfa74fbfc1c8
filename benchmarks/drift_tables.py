"""Generated tables for the drift bench, with planted and no drifts: autocorrelated and weekly ones among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from workbench.analysis.profile_history import History
from workbench.analysis.profiles import count_levels, count_numbers, teach
from workbench.model.grid import LEVELS
from workbench.model.window import HOUR_NS

DAYS = 29
WINDOW_HOURS = 6
COLUMNS = 12
KINDS = ("independent", "autocorrelated", "weekly", "daily")
EFFECTS = ("shift", "scale", "nulls", "levels", "tail", "unit")
CUTS = (-1.2, -0.6, -0.2, 0.2, 0.6, 1.2, 1.8)
"""Where a latent becomes the next level of a text."""
Kind = Literal["independent", "autocorrelated", "weekly", "daily"]


@dataclass(frozen=True)
class Plant:
    """One planted effect: column, what, and how large (0: none)."""

    column: int
    effect: str
    size: float


def is_text(column: int) -> bool:
    return column % 4 == 3


def driver(kind: Kind, hours: int, rng: np.random.Generator) -> np.ndarray:
    """Return how far each hour's mean lies off, in standard deviations of a row, shape (hours, COLUMNS)."""
    at = np.arange(hours)[:, None]
    phase = rng.uniform(0, 2 * np.pi, COLUMNS)
    if kind == "independent":
        return np.zeros((hours, COLUMNS))
    if kind == "autocorrelated":
        noise = rng.normal(size=(hours, COLUMNS))
        out = np.zeros_like(noise)
        for i in range(1, hours):
            out[i] = 0.8 * out[i - 1] + noise[i]
        return 0.15 * out
    period = 24 if kind == "daily" else 168
    return 0.5 * np.sin(2 * np.pi * at / period + phase)


def history(
    kind: Kind, rows: int, seed: int, plant: Plant | None = None, only: int | None = None
) -> tuple[History, list[tuple[int, int]]]:
    """Return a table of DAYS days whose last window of six hours holds *rows* rows, and may hold a plant."""
    rng = np.random.default_rng([seed, rows, KINDS.index(kind)])
    hours = DAYS * 24
    # Baseline windows are the same hours of each day; the rest of the day stays thin, so that a run stays short.
    per = max(rows // WINDOW_HOURS, 1)
    sizes = np.where(np.arange(hours) % 24 >= 24 - WINDOW_HOURS, per, 1)
    starts = np.arange(hours) * HOUR_NS
    off, n = driver(kind, hours, rng), int(sizes.sum())
    now = np.repeat(np.arange(hours) >= hours - WINDOW_HOURS, sizes)
    found = []
    place = {"starts": starts, "ends": starts + HOUR_NS, "sizes": sizes}
    for column in range(COLUMNS) if only is None else (only,):
        latent = rng.normal(size=n) + np.repeat(off[:, column], sizes)
        mine = plant if plant is not None and plant.column == column else None
        values, missing = planted(latent, column, now, mine, rng)
        name = f"c{column:02d}"
        if is_text(column):
            codes = np.where(missing, -1, values.astype(np.int64))
            found.append(count_levels(name, codes, [f"level {i}" for i in range(9)], LEVELS, **place))
        else:
            values[missing] = np.nan
            found.append(count_numbers(name, values, teach(values[: n // 2]), **place))
    end = hours * HOUR_NS
    return History(found), [(end - WINDOW_HOURS * HOUR_NS, end)]


def planted(
    latent: np.ndarray, column: int, now: np.ndarray, plant: Plant | None, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return values of a column made from standard normals, and which are null; the plant changes rows *now*."""
    missing = rng.random(len(latent)) < (0.02 if column % 3 == 0 else 0.0)
    size, effect = (plant.size, plant.effect) if plant else (0.0, "")
    if effect == "shift":
        latent = np.where(now, latent + size, latent)
    elif effect == "scale":
        latent = np.where(now, latent * (1 + size), latent)
    elif effect == "tail":
        latent = np.where(now & (rng.random(len(latent)) < size / 4), latent + 4, latent)
    elif effect == "nulls":
        missing |= now & (rng.random(len(latent)) < size / 4)
    if is_text(column):
        levels = np.digitize(latent, CUTS).astype(float)
        if effect in {"levels", "unit"}:
            levels[now & (levels == 6) & (rng.random(len(latent)) < min(2 * size, 1.0))] = 8
        return levels, missing
    values = np.exp(latent) if column % 4 == 0 else np.round(latent * 3) if column % 4 == 1 else latent
    if effect in {"unit", "levels"}:
        values = np.where(now & (rng.random(len(latent)) < size / 4), values * 100, values)
    return values, missing
