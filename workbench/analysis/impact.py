"""Which inputs moved an outcome: the change of its mean, split over features and model versions.

The outcome is fitted once, over quiet and bad times together, as a sum of one effect per
level (category, bin of a number, missing). The difference of the means then splits exactly
into what each column's shift of levels contributes, and a rest. The same split of quiet
windows says how far each contribution wanders by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.deviation import MAD_TO_SIGMA, spread_of

Floats = NDArray[np.float64]
MISSING = "(missing)"
RARE = "(rare)"
BINS = 12
MAX_LEVELS = 24
RIDGE = 2.0
"""Rows' worth of doubt about each level's effect."""
MIN_ROWS = 5
"""Rows that a quiet window needs to count."""
MIN_WINDOWS = 6
"""Quiet windows from which a spread can be told."""


@dataclass(frozen=True)
class Split:
    """Hold what each column contributes to the change of the outcome's mean."""

    change: float
    """Mean inside minus mean in the quiet windows."""
    rest: float
    """Part of it that no column explains."""
    table: pd.DataFrame
    """Per column: contribution, share (of the change), z, p_value, psi, level, level_before, level_now, level_share."""
    rows_now: int
    rows_quiet: int
    z: float
    """The change in spreads of the quiet windows' means."""


def levels(values: pd.Series, teaches: NDArray[np.bool_]) -> pd.Categorical:
    """Return each value's level: its category, or its bin among the quiet values; NaN is a level of its own.

    A number that takes up one value in 50 or more (a default, a zero) is a level of its own. Levels are sorted texts.
    """
    if not pd.api.types.is_numeric_dtype(values):
        text = values.astype("object").where(values.notna(), MISSING).astype(str)
        common = text.value_counts()
        kept = set(common.index[:MAX_LEVELS])
        return pd.Categorical(text.where(text.isin(kept), RARE))
    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    finite = np.isfinite(numbers)
    known = numbers[finite]
    if not len(known):
        return _named(np.zeros(len(numbers), dtype=np.int64), [MISSING])
    rounded = np.round(known, 9)
    repeated, count = np.unique(rounded, return_counts=True)
    spikes = repeated[count >= max(5, len(known) // 200)] if len(repeated) > BINS else repeated[:MAX_LEVELS]
    base = numbers[teaches & finite]
    base = base if len(base) else known
    edges = np.unique(np.quantile(base, np.linspace(0, 1, BINS + 1)[1:-1]))
    far = _far_bins(base)
    place = np.searchsorted(edges, known, side="right")
    place = np.where(known < far[0], -1, np.where(known > far[1], BINS + 1, place))
    names = [MISSING, *(f"bin {p:02d}" for p in range(-1, BINS + 2))]
    codes = np.zeros(len(numbers), dtype=np.int64)
    codes[finite] = place + 2
    if len(spikes):
        near = np.clip(np.searchsorted(spikes, rounded), 0, len(spikes) - 1)
        is_spike = spikes[near] == rounded
        own, which = np.unique(known[is_spike], return_inverse=True)
        codes[np.flatnonzero(finite)[is_spike]] = len(names) + which
        names += [f"= {v:.6g}" for v in own]
    return _named(codes, names)


def _named(codes: NDArray[np.int64], names: Sequence[str]) -> pd.Categorical:
    """Return codes under the sorted texts of those that occur; equal texts are one level."""
    here = np.unique(codes)
    texts = sorted({names[code] for code in here})
    rank = {text: number for number, text in enumerate(texts)}
    place = np.full(len(names), -1, dtype=np.int64)
    place[here] = [rank[names[code]] for code in here]
    return pd.Categorical.from_codes(place[codes], categories=texts)


def _far_bins(base: Floats) -> tuple[float, float]:
    """Return beyond which values are farther out than nearly all quiet ones, so that they get bins of their own."""
    low, high = np.quantile(base, [0.001, 0.999])
    return float(low), float(high)


def split(
    frame: pd.DataFrame, outcome: Floats, now: NDArray[np.bool_], quiet: NDArray[np.int64], columns: Mapping[str, str]
) -> Split:
    """Split the change of an outcome's mean over columns.

    *frame* has one row a decision; *outcome* ``(n,)``, NaN rows are left out; *now* marks
    the bad window; *quiet* numbers the quiet windows from 0, -1 elsewhere; rows of
    neither teach nothing. *columns* maps a column of the frame to the name to report.
    """
    used = np.isfinite(outcome) & (now | (quiet >= 0))
    y, is_now, window = outcome[used], now[used], quiet[used]
    before = ~is_now
    coded = {name: levels(frame.loc[used, column], before) for column, name in columns.items()}
    blocks, names, places = [np.ones((len(y), 1))], [], []
    for name, codes in coded.items():
        block = np.zeros((len(y), len(codes.categories)))
        block[np.arange(len(y)), codes.codes] = 1.0
        blocks.append(block)
        names += [name] * len(codes.categories)
        places += list(codes.categories)
    design = np.hstack(blocks)
    effects = fitted(design, y)[1:]
    shares_now, shares_before = design[is_now, 1:].mean(0), design[before, 1:].mean(0)
    parts = pd.DataFrame(
        {"column": names, "level": places, "before": shares_before, "now": shares_now, "effect": effects}
    )
    centre = (parts["before"] * parts["effect"]).groupby(parts["column"]).transform("sum")
    parts["part"] = (parts["now"] - parts["before"]) * (parts["effect"] - centre)
    change = float(y[is_now].mean() - y[before].mean())
    wander = _quiet_parts(design[:, 1:], window, parts, shares_before)
    table = _summary(parts, change, wander)
    rest = change - float(table["contribution"].sum())
    return Split(change, rest, table, int(is_now.sum()), int(before.sum()), _wander(y, window, change))


def _wander(y: Floats, window: NDArray[np.int64], change: float) -> float:
    """Return a change of the mean in spreads of the quiet windows' means; 0 where there are too few of them."""
    grouped = pd.Series(y[window >= 0]).groupby(window[window >= 0])
    means = grouped.mean()[grouped.size() >= MIN_ROWS].to_numpy()
    if len(means) < MIN_WINDOWS:
        return 0.0
    return change / max(spread_of(means), 1e-6)


def fitted(design: Floats, y: Floats) -> Floats:
    """Return ridge coefficients; the intercept is free."""
    gram = design.T @ design
    penalty = np.full(design.shape[1], RIDGE)
    penalty[0] = 1e-9
    gram[np.diag_indices_from(gram)] += penalty
    return np.asarray(np.linalg.solve(gram, design.T @ y), dtype=np.float64)


def _quiet_parts(design: Floats, window: NDArray[np.int64], parts: pd.DataFrame, usual: Floats) -> pd.DataFrame:
    """Return each column's contribution in each quiet window, ``(windows, columns)``."""
    rows = {}
    centre = (parts["before"] * parts["effect"]).groupby(parts["column"]).transform("sum")
    weight = (parts["effect"] - centre).to_numpy()
    for number in np.unique(window[window >= 0]):
        inside = window == number
        if inside.sum() >= MIN_ROWS:
            rows[number] = (design[inside].mean(0) - usual) * weight
    if not rows:
        return pd.DataFrame(columns=sorted(set(parts["column"])))
    return pd.DataFrame(rows, index=parts["column"]).groupby(level=0).sum().T


def _summary(parts: pd.DataFrame, change: float, wander: pd.DataFrame) -> pd.DataFrame:
    safe = parts.assign(p=parts["before"] + 1e-4, q=parts["now"] + 1e-4)
    parts = parts.assign(psi=(safe["q"] - safe["p"]) * np.log(safe["q"] / safe["p"]))
    grouped = parts.groupby("column", sort=True)
    table = pd.DataFrame({"contribution": grouped["part"].sum(), "psi": grouped["psi"].sum()})
    table["share"] = table["contribution"] / change if change else 0.0
    strongest = parts.assign(size=parts["part"].abs().round(12)).sort_values(
        ["column", "size", "level"], ascending=[True, False, True]
    )
    strongest = strongest.groupby("column").first()
    table["level"], table["level_before"], table["level_now"] = (
        strongest["level"],
        strongest["before"],
        strongest["now"],
    )
    table["z"], table["p_value"] = 0.0, 1.0
    for name in table.index.intersection(wander.columns):
        usual = wander[name].to_numpy()
        spread = max(MAD_TO_SIGMA * float(np.median(np.abs(usual - np.median(usual)))), 1e-6)
        found = float(table.loc[name, "contribution"])
        table.loc[name, "z"] = (found - float(np.median(usual))) / spread
        table.loc[name, "p_value"] = (1 + int((np.abs(usual) >= abs(found)).sum())) / (1 + len(usual))
    return table.sort_values("contribution", key=lambda c: -c.abs().round(12), kind="stable")
