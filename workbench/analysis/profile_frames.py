"""Profile the columns of a frame of rows, bucket by bucket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from workbench.analysis.profiles import Ints, Profile, count_levels, count_numbers, teach, teach_text
from workbench.model.grid import Grid


def buckets_of(times_ns: Ints, every_ns: int) -> tuple[Ints, Ints, Ints, Ints]:
    """Return the order of rows by time, the begins and ends of buckets that hold rows, and rows in each."""
    order = np.argsort(times_ns, kind="stable") if (np.diff(times_ns) < 0).any() else np.arange(len(times_ns))
    begin = times_ns[order] // every_ns * every_ns
    starts, sizes = np.unique(begin, return_counts=True)
    return order, starts, starts + every_ns, sizes


def profile_frame(
    frame: pd.DataFrame,
    times_ns: Ints,
    every_ns: int,
    grids: Mapping[str, Grid] | None = None,
    *,
    segments: Sequence[str] = (),
) -> list[Profile]:
    """Profile every column of a frame of n rows in buckets of time; *times_ns* has shape (n,).

    Columns without a grid among *grids* teach their own. *segments* names columns by
    whose values each column is counted jointly, ``column=value``.
    """
    order, starts, ends, sizes = buckets_of(np.asarray(times_ns, np.int64), every_ns)
    found = []
    for name in frame.columns:
        cells = frame[name].iloc[order] if len(order) else frame[name]
        found.append(profile_cells(str(name), cells, (grids or {}).get(str(name)), starts, ends, sizes))
    for by in segments:
        for value in sorted(frame[by].dropna().astype(str).unique()):
            held = (frame[by].astype(str) == value).to_numpy()
            inner = {p.column: p.grid for p in found}
            part = profile_frame(frame[held], np.asarray(times_ns)[held], every_ns, inner)
            found += [replace(p, segment=f"{by}={value}") for p in part]
    return found


def profile_cells(
    name: str, cells: pd.Series, grid: Grid | None, starts: Ints, ends: Ints, sizes: Ints, segment: str = ""
) -> Profile:
    """Profile one column, rows bucket after bucket; what is neither number nor time is counted as text.

    A column keeps the kind of its grid: text that arrives in a column of numbers is null there, unless it reads as one.
    """
    numeric = pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells)
    if pd.api.types.is_datetime64_any_dtype(cells):
        cells, numeric = cells.astype("int64").where(cells.notna()) / 1e9, True
    if numeric if grid is None else grid.kind == "numbers":
        values = (cells if numeric else pd.to_numeric(cells, errors="coerce")).to_numpy(float, na_value=np.nan)
        return count_numbers(
            name, values, grid or teach(values), starts=starts, ends=ends, sizes=sizes, segment=segment
        )
    codes, levels = pd.factorize(cells.astype("object").where(cells.notna(), None), sort=False)
    texts = [str(level) for level in levels]
    return count_levels(
        name, codes, texts, grid or teach_text(len(texts)), starts=starts, ends=ends, sizes=sizes, segment=segment
    )
