"""Profiles as rows of the declared table and back, and out of what a query counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.packing import pack, pack_levels, unpack_each, unpack_levels_each
from workbench.analysis.profiles import TABLE, Profile
from workbench.model.grid import MOST_LEVELS, Grid

Floats = NDArray[np.float64]


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


def from_rows(rows: pd.DataFrame) -> list[Profile]:
    """Return the profiles that rows of the declared table hold, one a column, segment and grid, sorted by these."""
    found = []
    columns = rows[rows["column"] != TABLE]
    for (column, segment, grid), part in columns.groupby(["column", "segment", "grid"], sort=True):
        found.append(_profile(str(column), Grid.parse(str(grid)), str(segment), part.sort_values("start_ns")))
    return found


def _profile(column: str, grid: Grid, segment: str, part: pd.DataFrame) -> Profile:
    texts = part["counts"].fillna("").tolist()
    names: dict[str, int] = {}
    if grid.kind == "numbers":
        bins, counts, sizes = unpack_each(texts)
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
