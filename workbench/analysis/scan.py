"""Scan statistics over attribute combinations: in which slice do the bad ones concentrate?"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.errors import CouldNotRunError, UsageError

OWN_RATE_WEIGHT = 100.0
"""Counted units that the overall rate weighs in a cell's own usual rate: rare cells are shrunk to the overall one."""
SHARE_POWER = 2
"""How strongly the share of the surplus that a slice explains weighs against how sharply it stands out."""

Numbers = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True)
class _Cells:
    """The finest cells now, one entry each: level per attribute, counts, and what each usually has."""

    texts: dict[str, NDArray[np.object_]]
    """Attribute -> ``name=level`` of each of its levels."""
    levels: dict[str, Codes]
    """Attribute -> level of each cell; -1 where it is missing."""
    bad: Numbers
    total: Numbers
    surplus: Numbers
    """Bad ones beyond the cell's own usual rate; negative where it does better than usual."""


def scan_slices(
    now: pd.DataFrame,
    before: pd.DataFrame,
    *,
    attributes: Sequence[str],
    bad: str = "bad",
    total: str = "total",
    max_order: int = 3,
) -> pd.DataFrame:
    """Rank attribute combinations by how sharply bad ones concentrate there, times the surplus they explain.

    *now* and *before* hold one row per attribute combination and moment with the
    columns *bad* and *total* (counts). Returns the columns slice (``a=1&b=2``, names in
    order), order, bad, total, expected, explained, score; best first, ties by fewer conditions, then
    by name. The score is Kulldorff's Poisson log-likelihood ratio (1997) under the overall rate of
    *before*, inside against outside, times the square of the share of the surplus that the slice explains,
    measured against each cell's own usual rate: a finer slice wins only where it leaves nothing behind.
    """
    missing = {bad, total, *attributes} - (set(now.columns) & set(before.columns))
    if missing:
        raise UsageError(f"Both frames need the columns {sorted(missing)}.")
    if float(before[total].sum()) <= 0:
        raise CouldNotRunError("There is nothing counted before the incident to take the usual rate from.")
    rate = float(before[bad].sum()) / float(before[total].sum())
    names = sorted(attributes)
    cells = _cells(now, before, names, bad, total, rate)
    parts = [
        _of_order(cells, combination)
        for order in range(1, min(max_order, len(names)) + 1)
        for combination in itertools.combinations(names, order)
    ]
    found = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    found["expected"] = found["total"] * rate
    ratio = _log_likelihood_ratio(
        found["bad"], found["expected"], float(cells.bad.sum()), rate * float(cells.total.sum())
    )
    whole = max(float(np.maximum(cells.surplus, 0.0).sum()), 1e-9)
    found["explained"] = np.clip(found.pop("surplus") / whole, 0.0, 1.0)
    found["score"] = np.round(ratio * found["explained"] ** SHARE_POWER, 9)
    best = np.lexsort((found["slice"], found["order"], -found["score"]))
    columns = ("slice", "order", "bad", "total", "expected", "explained", "score")
    return pd.DataFrame({key: found[key][best] for key in columns})


def _cells(now: pd.DataFrame, before: pd.DataFrame, names: list[str], bad: str, total: str, rate: float) -> _Cells:
    """Number the levels of both frames alike, and compare each cell with its own past."""
    texts, levels, finest = {}, {}, np.zeros(len(now) + len(before), dtype=np.int64)
    for name in names:
        codes, known = pd.factorize(np.concatenate([now[name].to_numpy(object), before[name].to_numpy(object)]))
        texts[name] = np.array([f"{name}={level}" for level in known], dtype=object)
        levels[name] = codes[: len(now)].astype(np.int64)
        finest = np.unique(finest * (len(known) + 1) + codes + 1, return_inverse=True)[1]
    size = int(finest.max(initial=-1)) + 1
    mine, past = finest[: len(now)], finest[len(now) :]
    bads, totals = now[bad].to_numpy(float), now[total].to_numpy(float)
    seen_bad = np.bincount(past, before[bad].to_numpy(float), size)[mine]
    seen = np.bincount(past, before[total].to_numpy(float), size)[mine]
    usual = (seen_bad + OWN_RATE_WEIGHT * rate) / (seen + OWN_RATE_WEIGHT)
    return _Cells(texts, levels, bads, totals, bads - totals * usual)


def _of_order(cells: _Cells, names: tuple[str, ...]) -> dict[str, NDArray[np.generic]]:
    """Sum the cells of every combination of the levels of *names*; cells without one of them are left out."""
    code = np.zeros(len(cells.bad), dtype=np.int64)
    whole = np.ones(len(code), dtype=bool)
    for name in names:
        code = code * len(cells.texts[name]) + cells.levels[name]
        whole &= cells.levels[name] >= 0
    _, first, which = np.unique(code[whole], return_index=True, return_inverse=True)
    text = cells.texts[names[0]][cells.levels[names[0]][whole][first]]
    for name in names[1:]:
        text = text + "&" + cells.texts[name][cells.levels[name][whole][first]]
    sums = {key: np.bincount(which, getattr(cells, key)[whole], len(first)) for key in ("bad", "total", "surplus")}
    return {"slice": text, "order": np.full(len(first), len(names)), **sums}


def _log_likelihood_ratio(bad: Numbers, expected: Numbers, all_bad: float, all_expected: float) -> Numbers:
    """Return the gain of a higher rate inside than outside; 0 where the inside is no worse. Shapes (n,)."""
    outside_bad = np.maximum(all_bad - bad, 0.0)
    outside_expected = np.maximum(all_expected - expected, 1e-9)
    inside_expected = np.maximum(expected, 1e-9)
    gain = _x_log(bad, bad / inside_expected) + _x_log(outside_bad, outside_bad / outside_expected)
    gain -= _x_log(np.full_like(bad, all_bad), np.full_like(bad, all_bad / max(all_expected, 1e-9)))
    worse = (bad > expected) & (bad / inside_expected > outside_bad / outside_expected)
    return np.where(worse, gain, 0.0)


def _x_log(x: Numbers, y: Numbers) -> Numbers:
    return x * np.log(np.where(x > 0, y, 1.0))
