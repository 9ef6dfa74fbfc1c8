"""Which part of the rows drives a difference: how much of it is gone without them, singles and pairs of values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from workbench.errors import UsageError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
BINS = 20
MOST_LEVELS = 200
"""Levels of a column tried by name; the rest is one level, (other)."""
MOST_COLUMNS = 12
"""Columns that pairs are made of: those whose single values tell most."""
SAME_ROWS = 0.8
"""Two segments that share so much of their rows are said to overlap."""
LEAST_ROWS = 10
"""Rows of a segment in either window below which its ranks say nothing."""
NOISE = 3.0
"""Times the noise of the whole divergence below which what is gone without a segment says little."""
OTHER = "(other)"
MISSING = "(missing)"


@dataclass(frozen=True)
class _Coded:
    name: str
    levels: tuple[str, ...]
    before: Ints
    now: Ints
    ordered: bool
    """True for ranges of numbers, whose codes rise with the values."""


def drivers(
    reference: pd.DataFrame, current: pd.DataFrame, target: str, by: Sequence[str] | None = None, *, top: int = 10
) -> pd.DataFrame:
    """Rank the values, and pairs of values, of columns *by* that drive the difference in *target*.

    Columns of the answer: segment, size (1 or 2), explained (share of the divergence gone without its rows;
    unknown where the whole does not differ beyond chance),
    share_before and share_now of the rows, evidence (minus the natural logarithm of the chance that this
    segment alone differs as much), overlaps (the better segment that most of its rows belong to, or empty).
    It is association: a path through lineage proves it.
    """
    if target not in reference or target not in current:
        raise UsageError(
            f"There is no column {target!r} in both windows; there are: {', '.join(map(str, reference.columns[:20]))}."
        )
    goal = _coded(reference[target], current[target], str(target), BINS)
    names = [str(c) for c in (by if by is not None else reference.columns) if c != target and c in current]
    coded = [c for c in (_coded(reference[n], current[n], n, 5) for n in names) if len(c.levels) > 1]
    bins = len(goal.levels)
    total = _Split(
        np.bincount(goal.before, minlength=bins).astype(float), np.bincount(goal.now, minlength=bins).astype(float)
    )
    singles = [(_scored([c], goal, total, bins), c) for c in coded]
    best = sorted(singles, key=lambda item: -max((float(r["score"]) for r in item[0]), default=0.0))[:MOST_COLUMNS]
    rows = [row for found, _ in singles for row in found]
    for left, right in combinations([c for _, c in best], 2):
        rows += _scored([left, right], goal, total, bins)
    table = pd.DataFrame(
        rows, columns=["segment", "size", "explained", "share_before", "share_now", "evidence", "score", "_where"]
    )
    table = table.sort_values(["score", "size", "segment"], ascending=[False, True, True], kind="stable").head(3 * top)
    table = table.assign(overlaps=_overlaps(table, {c.name: c for c in coded}))
    return table.drop(columns=["score", "_where"]).head(top).reset_index(drop=True)


@dataclass(frozen=True)
class _Split:
    """Rows per bin of the goal in both windows."""

    before: Floats
    now: Floats


def _coded(before: pd.Series, now: pd.Series, name: str, bins: int) -> _Coded:
    """Return a column's levels, or its ranges between quantiles of both windows, as codes."""
    both = pd.concat([before, now], ignore_index=True)
    numeric = pd.api.types.is_numeric_dtype(both) and not pd.api.types.is_bool_dtype(both) and both.nunique() > bins
    if numeric:
        values = both.to_numpy(float, na_value=np.nan)
        finite = values[np.isfinite(values)]
        edges = np.unique(np.quantile(finite, np.linspace(0, 1, bins + 1)[1:-1]))
        codes = np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="right"))
        bounds = ["-inf", *(f"{e:.4g}" for e in edges), "inf"]
        levels = [*(f"{low} .. {high}" for low, high in pairwise(bounds)), MISSING]
    else:
        texts = both.astype("object").where(both.notna(), MISSING).astype(str)
        kept = texts.value_counts().index[:MOST_LEVELS]
        codes = pd.Index(kept).get_indexer(pd.Index(texts))
        levels = [*kept, OTHER]
        codes = np.where(codes < 0, len(kept), codes)
    return _Coded(name, tuple(levels), codes[: len(before)].astype(np.int64), codes[len(before) :].astype(np.int64),
                  bool(numeric))  # fmt: skip


def _scored(columns: list[_Coded], goal: _Coded, total: _Split, bins: int) -> list[dict[str, Any]]:
    size = int(np.prod([len(c.levels) for c in columns]))
    where = [np.zeros(len(goal.before), np.int64), np.zeros(len(goal.now), np.int64)]
    for c in columns:
        where = [where[0] * len(c.levels) + c.before, where[1] * len(c.levels) + c.now]
    counts = [np.bincount(w * bins + g, minlength=size * bins).reshape(size, bins).astype(float)
              for w, g in zip(where, (goal.before, goal.now), strict=True)]  # fmt: skip
    n, m = total.before.sum(), total.now.sum()
    inside = _Split(counts[0], counts[1])
    evidence = _surprise(_gain(inside, n, m), bins)
    if goal.ordered:
        evidence = np.maximum(evidence, _shift(inside, [len(c.levels) for c in columns]))
    explained, weight = _explained(inside, total)
    score = np.where(evidence > 1, evidence * weight, 0.0)
    return [
        {"segment": " and ".join(f"{c.name} = {level}" for c, level in _at(columns, int(i))), "size": len(columns),
         "explained": float(explained[i]), "share_before": float(counts[0][i].sum() / n),
         "share_now": float(counts[1][i].sum() / m), "evidence": float(evidence[i]), "score": float(score[i]),
         "_where": tuple((c.name, c.levels.index(level)) for c, level in _at(columns, int(i)))}
        for i in np.flatnonzero(score > 0)
    ]  # fmt: skip


def _at(columns: list[_Coded], place: int) -> Iterator[tuple[_Coded, str]]:
    sizes = [len(c.levels) for c in columns]
    for c, code in zip(columns, np.unravel_index(place, sizes), strict=True):
        yield c, c.levels[int(code)]


def _gain(inside: _Split, n: float, m: float) -> Floats:
    """Return the G statistic of a segment's bins and of all other rows as one, shape (segments,)."""
    rest = [n - inside.before.sum(axis=1, keepdims=True), m - inside.now.sum(axis=1, keepdims=True)]
    a, b = np.hstack([inside.before, rest[0]]), np.hstack([inside.now, rest[1]])
    expected = (a + b) / (n + m)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(a > 0, a * np.log(a / (expected * n)), 0.0) + np.where(
            b > 0, b * np.log(b / (expected * m)), 0.0
        )
    return np.asarray(2 * terms.sum(axis=1), dtype=float)


def _surprise(gain: Floats, freedom: int) -> Floats:
    """Return minus the natural logarithm of the chance of a G statistic as large, shape (segments,)."""
    found = -stats.chi2.logsf(gain, freedom)
    return np.where(np.isfinite(found), found, gain / 2)


def _shift(inside: _Split, sizes: list[int]) -> Floats:
    """Return the same for the mean rank within each segment, shape (segments,): a shift shows there first.

    What a segment's mean was is known from its own rows and, as far as segments of the reference follow the
    effects of their single values, from all the others' (empirical Bayes): small segments gain most.
    """
    n, m = inside.before.sum(axis=1), inside.now.sum(axis=1)
    both = inside.before + inside.now
    at = np.arange(both.shape[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (both * at).sum(axis=1) / (n + m)
        variance = (both * (at - mean[:, None]) ** 2).sum(axis=1) / (n + m - 1)
        before, now = (inside.before * at).sum(axis=1) / n, (inside.now * at).sum(axis=1) / m
        usual, wander = _usual(inside.before, at, sizes)
        own = np.where(n > 0, variance / n, np.inf)
        known = 1 / (1 / own + 1 / wander)
        usual = known * (np.where(n > 0, before, 0.0) / own + usual / wander)
        z = np.nan_to_num(np.abs(now - usual) / np.sqrt(variance / m + known), posinf=0.0)
    z = np.where((n >= LEAST_ROWS) & (m >= LEAST_ROWS), z, 0.0)
    return np.asarray(-(stats.norm.logsf(z) + np.log(2)), dtype=float)


def _usual(before: Floats, at: Ints, sizes: list[int]) -> tuple[Floats, float]:
    """Return the mean of each segment that its single values foretell, and the variance of segments about that."""
    counts = before.sum(axis=1).reshape(sizes)
    sums = (before * at).sum(axis=1).reshape(sizes)
    rows = max(float(counts.sum()), 1.0)
    overall = float(sums.sum()) / rows
    foretold = np.full(counts.shape, overall)
    if len(sizes) > 1:
        for axis in range(len(sizes)):
            n, s = counts.sum(axis=axis, keepdims=True), sums.sum(axis=axis, keepdims=True)
            with np.errstate(divide="ignore", invalid="ignore"):
                foretold = foretold + np.where(n > 0, s / n - overall, 0.0)
    held = counts >= LEAST_ROWS
    within = float((before.sum(axis=0) * (at - overall) ** 2).sum()) / rows
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = float(np.nansum(np.where(held, counts * (sums / counts - foretold) ** 2, 0.0)))
    # Two standard errors more than what is seen: where segments do wander, their own rows must speak.
    number = max(int(held.sum()), 1)
    wander = (apart - within * number + 2 * within * np.sqrt(2 * number)) / max(float(counts[held].sum()), 1.0)
    return foretold.ravel(), max(wander, 1e-12)


def _explained(inside: _Split, total: _Split) -> tuple[Floats, Floats]:
    """Return the share of the divergence that is gone without each segment, and how much of its evidence counts.

    Where the whole hardly differs, what is gone says little and the evidence within the segment decides.
    """
    left = _divergence(total.before - inside.before, total.now - inside.now)
    whole = float(_divergence(total.before[None], total.now[None])[0])
    rows = 1 / max(total.before.sum(), 1) + 1 / max(total.now.sum(), 1)
    noise = NOISE * np.sqrt(2 * max(len(total.before) - 1, 1)) * rows
    weight = np.clip((whole - left + noise) / (whole + noise), 0.0, 1.0)
    return (1 - left / whole if whole > 0 else np.full(len(left), np.nan)), weight


def _divergence(before: Floats, now: Floats) -> Floats:
    """Return Pearson's distance of shares over both windows' mean, less what chance adds; at least 0."""
    n, m = before.sum(axis=1), now.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        p, q = before / n[:, None], now / m[:, None]
        terms = (p - q) ** 2 / ((before + now) / (n + m)[:, None])
        noise = np.maximum((before + now > 0).sum(axis=1) - 1, 0) * (1 / n + 1 / m)
    found = np.nan_to_num(terms).sum(axis=1) - noise
    return np.where((n > 0) & (m > 0), np.maximum(found, 0.0), 0.0)


def _overlaps(table: pd.DataFrame, coded: dict[str, _Coded]) -> list[str]:
    """Return, for each segment, the better ranked one that holds most of its rows, or empty."""
    held = [np.logical_and.reduce([coded[name].now == code for name, code in where]) for where in table["_where"]]
    found = [""] * len(held)
    names = table["segment"].tolist()
    for i in range(1, len(held)):
        for j in range(i):
            smaller = min(held[i].sum(), held[j].sum())
            if smaller and (held[i] & held[j]).sum() / smaller >= SAME_ROWS:
                found[i] = names[j]
                break
    return found
