"""Profiles as rows of the declared table and back, and out of what a query counted."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.packing import pack, pack_levels, unpack_each, unpack_levels_each
from workbench.analysis.profiles import TABLE, Profile
from workbench.model.grid import MOST_LEVELS, Grid

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def as_columns(profile: Profile, dataset: str) -> dict[str, Any]:
    """Return the profile as columns of the declared table, one row a bucket."""
    cuts = np.searchsorted(profile.entry_bucket, np.arange(len(profile.starts) + 1))
    packed = []
    for low, high in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
        bins, counts = profile.entry_bin[low:high], profile.entry_count[low:high]
        if profile.grid.kind == "numbers":
            packed.append(pack(bins, counts))
        else:
            packed.append(
                pack_levels({profile.levels[b]: n for b, n in zip(bins.tolist(), counts.tolist(), strict=True)})
            )
    n = len(profile.starts)
    nothing = profile.grid.kind != "numbers"
    figures = {
        name: [None] * n if nothing else _unknown(getattr(profile, name)) for name in ("sum", "sumsq", "min", "max")
    }
    return {
        "dataset": [dataset] * n,
        "column": [profile.column] * n,
        "start_ns": profile.starts,
        "end_ns": profile.ends,
        "grid": [profile.grid.id] * n,
        "segment": [profile.segment] * n,
        "rows": profile.rows,
        "nulls": profile.nulls,
        "infinite": profile.infinite,
        "distinct": profile.distinct,
        "counts": packed,
        **figures,
    }


def _unknown(values: Floats) -> list[float | None]:
    return [None if v != v else v for v in values.tolist()]


class Unpacked:
    """Keep what texts of numbers were unpacked to: who reads nearly the same rows again unpacks only what is new.

    Texts decide, never times alone: only equal texts give what was kept. Nobody may change what is returned.
    """

    def __init__(self) -> None:
        """Keep nothing yet."""
        self._kept: dict[tuple[str, str, str], _Known] = {}

    def each(self, key: tuple[str, str, str], starts: list[int], texts: list[str]) -> tuple[Ints, Ints, Ints]:
        """Return what `unpack_each` does of a column's texts, whose buckets begin at *starts*, rising."""
        kept = self._kept.get(key)
        there, here, rows = _shared(kept, starts, texts) if kept else (0, 0, 0)
        if kept is None or not rows:
            bins, counts, sizes = unpack_each(texts)
        else:
            edges = np.concatenate([[0], np.cumsum(kept.sizes)])
            part = slice(int(edges[there]), int(edges[there + rows]))
            bins, counts, sizes = kept.bins[part], kept.counts[part], kept.sizes[there : there + rows]
            if rows < len(texts):
                first, after = unpack_each(texts[:here]), unpack_each(texts[here + rows :])
                bins = np.concatenate([first[0], bins, after[0]])
                counts = np.concatenate([first[1], counts, after[1]])
                sizes = np.concatenate([first[2], sizes, after[2]])
        if kept is None or not rows or len(texts) > len(kept.texts):
            self._kept[key] = _Known(starts, texts, bins, counts, sizes)
        return bins, counts, sizes


@dataclass(frozen=True)
class _Known:
    """What the texts of one column's buckets were unpacked to."""

    starts: list[int]
    texts: list[str]
    bins: Ints
    counts: Ints
    sizes: Ints


def _shared(kept: _Known, starts: list[int], texts: list[str]) -> tuple[int, int, int]:
    """Return the rows that are kept and asked for, after each other: from where in each, and how many; 0 for none."""
    there = bisect_left(kept.starts, starts[0]) if starts else 0
    here = bisect_left(starts, kept.starts[there]) if there < len(kept.starts) else len(starts)
    rows = min(len(kept.starts) - there, len(starts) - here)
    equal = kept.starts[there : there + rows] == starts[here : here + rows]
    equal = equal and kept.texts[there : there + rows] == texts[here : here + rows]
    return there, here, rows if equal else 0


def from_rows(rows: pd.DataFrame, unpacked: Unpacked | None = None) -> list[Profile]:
    """Return the profiles that rows of the declared table hold, one a column, segment and grid, sorted by these."""
    found, known = [], unpacked or Unpacked()
    columns = rows[rows["column"] != TABLE]
    for (column, segment, grid), part in columns.groupby(["column", "segment", "grid"], sort=True):
        key = (str(column), str(segment), str(grid))
        found.append(_profile(key, part.sort_values("start_ns"), known))
    return found


def _profile(key: tuple[str, str, str], part: pd.DataFrame, unpacked: Unpacked) -> Profile:
    column, segment, grid = key[0], key[1], Grid.parse(key[2])
    texts = part["counts"].fillna("").tolist()
    names: dict[str, int] = {}
    if grid.kind == "numbers":
        bins, counts, sizes = unpacked.each(key, part["start_ns"].tolist(), texts)
    else:
        held = unpack_levels_each(texts)
        sizes = np.array([len(levels) for levels in held], np.int64)
        bins = np.array([names.setdefault(level, len(names)) for levels in held for level in levels], np.int64)
        counts = np.array([n for levels in held for n in levels.values()], np.int64)
    ints = {name: part[name].fillna(0).to_numpy(np.int64) for name in ("rows", "nulls", "infinite", "distinct")}
    floats = {name: part[name].to_numpy(float) for name in ("sum", "sumsq", "min", "max")}
    return Profile(
        column,
        grid,
        part["start_ns"].to_numpy(np.int64),
        part["end_ns"].to_numpy(np.int64),
        entry_bucket=np.repeat(np.arange(len(texts)), sizes),
        entry_bin=bins,
        entry_count=counts,
        levels=tuple(names),
        segment=segment,
        **ints,
        **floats,
    )


def from_counts(counts: pd.DataFrame, grids: Mapping[str, Grid], every_ns: int) -> list[Profile]:
    """Return the profiles that the answer of the query ``build_profiles`` holds, one a column, sorted by name."""
    found = []
    for column, part in counts[counts["column"] != TABLE].groupby("column", sort=True):
        starts, place = np.unique(part["start_ns"].to_numpy(np.int64), return_inverse=True)
        n, stat = part["n"].to_numpy(np.int64), part["stat"].to_numpy(object)
        size, grid = len(starts), grids[str(column)]

        def total(of: NDArray[np.bool_], place: Any = place, n: Any = n, size: int = size) -> Any:
            return np.bincount(place[of], n[of], size).astype(np.int64)

        held = (stat == "bin") | (stat == "level")
        if grid.kind == "numbers":
            bins = part["bin"].to_numpy(float)[held].astype(np.int64)
            levels: tuple[str, ...] = ()
            figures = _figures(part[held], place[held], size)
        else:
            bins, unique = pd.factorize(part["level"].to_numpy(object)[held], sort=True)
            levels, figures = tuple(str(level) for level in unique), [np.full(size, np.nan)] * 4
        order = np.lexsort((bins, place[held]))
        bucket = place[held][order]
        found.append(
            Profile(
                str(column),
                grid,
                starts,
                starts + every_ns,
                total(np.ones(len(n), bool)),
                total(stat == "null"),
                total(stat == "infinite"),
                figures[0],
                figures[1],
                figures[2],
                figures[3],
                np.bincount(bucket, minlength=size),
                bucket,
                bins[order],
                n[held][order],
                levels,
            )
        )
    return found


def _figures(part: pd.DataFrame, place: NDArray[np.int64], size: int) -> list[Floats]:
    sums = [np.bincount(place, part[name].to_numpy(float), size) for name in ("sum", "sumsq")]
    low, high = np.full(size, np.nan), np.full(size, np.nan)
    np.fmin.at(low, place, part["min"].to_numpy(float))
    np.fmax.at(high, place, part["max"].to_numpy(float))
    return [*sums, low, high]


def grids_of(quantiles: pd.DataFrame) -> dict[str, Grid]:
    """Return the grid of each column that the query ``column_quantiles`` describes; numbers go before text."""
    found: dict[str, Grid] = {}
    for row in quantiles.sort_values(["column", "type"]).itertuples():
        if row.type == "text":
            found.setdefault(str(row.column), Grid("levels" if row.distinct <= MOST_LEVELS else "hashed"))
        else:
            found[str(row.column)] = Grid.of_numbers(
                low=row.low,
                quarter=row.quarter,
                median=row.median,
                three_quarters=row.three_quarters,
                high=row.high,
                distinct=int(row.distinct),
                integers=bool(row.integers),
            )
    return found


def table_columns(counts: pd.DataFrame, dataset: str, every_ns: int) -> dict[str, Any]:
    """Return the whole table's rows that ``build_profiles`` counted, as columns of the declared table."""
    part = counts[counts["column"] == TABLE]
    starts, n = part["start_ns"].to_numpy(np.int64), len(part)
    return {
        "dataset": [dataset] * n,
        "column": [TABLE] * n,
        "start_ns": starts,
        "end_ns": starts + every_ns,
        "grid": [""] * n,
        "segment": [""] * n,
        "rows": part["n"].to_numpy(np.int64),
        "nulls": np.zeros(n, np.int64),
        "infinite": np.zeros(n, np.int64),
        "distinct": [None] * n,
        "counts": [None] * n,
        "sum": [None] * n,
        "sumsq": [None] * n,
        "min": part["min"].tolist(),
        "max": part["max"].tolist(),
    }
