"""Methods published for slices of counted sessions: RobustSpot and Adtributor, by their papers' definitions.

RobustSpot (Sun et al., IEEE TSC 2022): forecast each finest cell, keep those with high influence degree and ability
to contribute, weigh them, mine association rules among their most frequent levels, look again without the first, merge.
Adtributor (Bhagwan et al., NSDI 2014): one attribute, its levels by surprise until they explain enough.
An answer that joins several slices is listed slice by slice.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MINUTES = 4
"""Minutes before the alert whose mean is the forecast."""
AMPLIFIED, CONFIDENCE, ANSWERS = 100, 0.8, 5
INFLUENCE, SENSITIVITY, DEGREE = 0.5, 6.0, 7
COVERED = 0.9
TWO_LEVELS = "p2p"
"""The attribute whose two levels together RobustSpot takes for no condition at all."""
EXPLAINS, EACH, MOST = 0.67, 0.1, 3
"""Adtributor's thresholds: share explained by the answer, by each of its levels, and attributes named."""

Floats = NDArray[np.float64]
Slice = tuple[tuple[str, str], ...]


def named(part: Slice) -> str:
    """Write a slice as ``a=1&b=2``, attributes in order."""
    return "&".join(f"{name}={level}" for name, level in sorted(part))


def _listed(answers: Iterable[Sequence[Slice]]) -> list[str]:
    return list(dict.fromkeys(named(part) for answer in answers for part in answer))


def forecast(counts: pd.DataFrame, minute: int, attributes: list[str]) -> pd.DataFrame:
    """Return the cells of *minute* with value, cnt, rate, and their means of the minutes before as *_was*, or 0."""
    rated = counts.assign(rate=counts["value"] / counts["cnt"].where(counts["cnt"] > 0))
    past = rated[rated["min"].isin([minute - 60 * step for step in range(1, MINUTES + 1)])]
    usual = past.groupby(attributes)[["value", "cnt", "rate"]].mean().add_suffix("_was").reset_index()
    now = rated[rated["min"] == minute].drop(columns="min")
    return now.merge(usual, on=attributes, how="left").fillna(0.0)


def robustspot(counts: pd.DataFrame, minute: int) -> list[str]:
    """Return RobustSpot's ranking of slices."""
    attributes = sorted(set(counts.columns) - {"min", "value", "cnt"})
    cells = forecast(counts, minute, attributes)
    kept, first = _mine(cells, attributes)
    answers: list[list[Slice]] = []
    for place in range(3):
        if place >= len(first):
            continue
        left = cells[~_inside(cells, first[place])]
        second = _mine(left, attributes)[1]
        third = _mine(left[~_inside(left, second[0])], attributes)[1] if second else []
        answers += _joined([first[place : place + 1], second[:1], third])
    answers = [_merged(answer, cells) for answer in [*answers, *([part] for part in first)]]
    unlike = [list(a) for a in dict.fromkeys(tuple(sorted(set(answer))) for answer in answers)]
    delta = [_support(answer, cells) - _support(answer, kept) for answer in unlike]
    order = np.argsort(np.round(delta, 12), kind="stable")[:ANSWERS]
    return _listed(unlike[i] for i in order)


def _mine(cells: pd.DataFrame, attributes: list[str]) -> tuple[pd.DataFrame, list[Slice]]:
    """Return the anomalous cells and the five slices whose share rises most from all cells to these."""
    influence, ability = influence_degree(cells), contribution_ability(cells)
    chosen = (influence > _threshold(influence)) & (ability > 0)
    kept = cells[chosen]
    times = np.floor(influence[chosen] * ability[chosen] * AMPLIFIED)
    if not times.sum():
        return kept, []
    items = []
    for name in attributes:
        weights: Counter[str] = Counter()
        for level, weight in zip(kept[name], times, strict=True):
            weights[level] += weight
        items.append((name, min(weights, key=lambda level: (-weights[level], level))))
    weight_of = {
        part: float(times[_inside(kept, part)].sum())
        for size in (1, 2, 3)
        for part in itertools.combinations(items, size)
    }
    found: list[Slice] = [
        part for part, weight in weight_of.items() if len(part) > 1 and any(
            weight_of[left] and weight / weight_of[left] > CONFIDENCE
            for size in range(1, len(part)) for left in itertools.combinations(part, size)
        )
    ] + [(item,) for item in items]  # fmt: skip
    delta = [_support([part], cells) - _support([part], kept) for part in found]
    order = np.argsort(np.round(delta, 12), kind="stable")[:ANSWERS]
    return kept, [tuple(sorted(found[i])) for i in order]


def influence_degree(cells: pd.DataFrame) -> Floats:
    """Return 1 - 1 / (|own change / mean change of the others| + 1) of the rate, per cell."""
    now, was = cells["rate"].to_numpy(float), cells["rate_was"].to_numpy(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        others = ((now.sum() - now) - (was.sum() - was)) / (len(cells) - 1)
        return np.nan_to_num(1 - 1 / (np.abs((now - was) / others) + 1))


def contribution_ability(cells: pd.DataFrame) -> Floats:
    """Return how far the whole rate rises when only this cell takes its new counts; cut to hundredths."""
    bad, bad_was = cells["value"].to_numpy(float), cells["value_was"].to_numpy(float)
    count, count_was = cells["cnt"].to_numpy(float), cells["cnt_was"].to_numpy(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        moved = (bad + bad_was.sum() - bad_was) / (count + count_was.sum() - count_was)
        return np.floor(np.nan_to_num(moved * count_was.sum() / bad_was.sum() - 1, posinf=0.0) * 100) / 100


def _threshold(influence: Floats) -> float:
    """Return the knee of the distribution of influence degrees (Kneedle, Satopaa et al. 2011), or a half."""
    x = np.sort(influence[influence > 0])
    if len(x) <= DEGREE or np.ptp(x) == 0:
        return INFLUENCE
    smooth = np.polynomial.Polynomial.fit(x, np.arange(1, len(x) + 1) / len(x), DEGREE)(x)
    if np.ptp(smooth) == 0:
        return INFLUENCE
    unit = (x - x[0]) / np.ptp(x)
    above = (smooth - smooth.min()) / np.ptp(smooth) - unit
    middle, before, after = above[1:-1], above[:-2], above[2:]
    peaks = set((np.flatnonzero((middle >= before) & (middle >= after)) + 1).tolist())
    dips = set((np.flatnonzero((middle <= before) & (middle <= after)) + 1).tolist())
    drop = SENSITIVITY * float(np.abs(np.diff(unit).mean()))
    limit, peak = -np.inf, -1
    for place in range(len(x) - 1):
        if place in peaks:
            limit, peak = above[place] - drop, place
        if place in dips and peak >= 0:
            limit = 0.0
        if peak >= 0 and above[place + 1] < limit:
            return float(x[peak])
    return INFLUENCE


def _inside(cells: pd.DataFrame, part: Slice) -> NDArray[np.bool_]:
    hit = np.ones(len(cells), dtype=bool)
    for name, level in part:
        hit &= (cells[name] == level).to_numpy()
    return hit


def _support(answer: Sequence[Slice], cells: pd.DataFrame) -> float:
    return sum(float(_inside(cells, part).sum()) for part in answer) / len(cells) if len(cells) else 0.0


def _joined(rounds: list[list[Slice]]) -> list[list[Slice]]:
    """Return pairs and triples over the rounds that name the same attributes with other levels."""
    found = []
    for chosen in ((0, 1), (0, 2), (1, 2), (0, 1, 2)):
        for parts in itertools.product(*(rounds[i] for i in chosen)):
            alike = len({tuple(name for name, _ in part) for part in parts}) == 1
            if alike and len(set(parts)) == len(parts):
                found.append(list(parts))
    return found


def _merged(answer: list[Slice], cells: pd.DataFrame) -> list[Slice]:
    """Return what joined slices have in common, where that covers hardly more than they do."""
    if len(answer) < 2:
        return answer
    bare = {tuple(item for item in part if item[0] != TWO_LEVELS) for part in answer}
    if len(answer) == 2 and len(bare) == 1 and (only := bare.pop()):
        return [only]
    common = tuple(sorted(set.intersection(*map(set, answer))))
    if common and _support(answer, cells) >= COVERED * _support([common], cells):
        return [common]
    return answer


def adtributor(counts: pd.DataFrame, minute: int) -> list[str]:
    """Return Adtributor's levels for a ratio: attributes by surprise, each with the levels that explain enough."""
    attributes = sorted(set(counts.columns) - {"min", "value", "cnt"})
    cells = forecast(counts, minute, attributes)
    sums = {c: float(cells[c].sum()) for c in ("value", "cnt", "value_was", "cnt_was")}
    told: list[tuple[float, str, list[Slice]]] = []
    for name in attributes:
        by = cells.groupby(name)[list(sums)].sum()
        surprise = _surprise(by, sums, "value") + _surprise(by, sums, "cnt")
        down = sums["cnt_was"] * (sums["cnt_was"] + by["cnt"] - by["cnt_was"])
        power = (
            (by["value"] - by["value_was"]) * sums["cnt_was"] - (by["cnt"] - by["cnt_was"]) * sums["value_was"]
        ) / down
        power = (power / power.sum()).fillna(0.0)
        explained, score, parts = 0.0, 0.0, []
        for level in sorted(by.index, key=lambda v: (-round(float(surprise[v]), 12), v)):
            if power[level] > EACH:
                explained, score = explained + float(power[level]), score + float(surprise[level])
                parts.append(((name, str(level)),))
            if explained > EXPLAINS:
                told.append((score, name, parts))
                break
    return _listed(parts for _, _, parts in sorted(told, key=lambda t: (-t[0], t[1]))[:MOST])


def _surprise(by: pd.DataFrame, sums: dict[str, float], measure: str) -> pd.Series:
    """Return each level's part of the Jensen-Shannon divergence of the measure's shares."""
    was, now = by[f"{measure}_was"] / max(sums[f"{measure}_was"], 1e-9), by[measure] / max(sums[measure], 1e-9)
    parts = [p * np.log((2 * p / (was + now)).where(p > 0, 1.0)) for p in (was, now)]
    return 0.5 * (parts[0] + parts[1])
