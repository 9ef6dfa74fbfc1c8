"""Profile tables into the store, bucket by bucket: what was profiled before is not read again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from workbench.analysis.profile_frames import profile_frame
from workbench.analysis.profile_rows import as_columns, from_counts, grids_of, table_columns
from workbench.analysis.profiles import TABLE, Profile, merge, teach, teach_text
from workbench.columnar import build
from workbench.errors import CouldNotRunError, SourceError, UsageError
from workbench.model.entities import split
from workbench.model.grid import Grid
from workbench.model.tables import PROFILES
from workbench.model.window import DAY_NS
from workbench.store import Store

LEARN_NS = 30 * DAY_NS
"""Grids are learned from the first 30 days."""
LATE_NS = DAY_NS
"""Rows may arrive so late; their buckets are counted again, and the fullest count wins."""
BATCH_ROWS = 262_144
TAUGHT_BY = 1_000_000
"""Rows of a file that its grids are learned from, the first ones."""
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class ProfileReport:
    """What one run profiled."""

    dataset: str
    columns: int
    buckets: int
    rows: int
    fresh: int
    """Rows of profiles that were not known before."""
    seconds: float


def dataset_of(entity: str) -> str:
    """Return the name under which an entity's profiles are kept."""
    kind, name = split(entity)
    return name if kind == "dataset" else entity


def profile_entity(
    store: Store,
    entity: str,
    *,
    every_ns: int,
    progress: Progress | None = None,
    clock: Callable[[], int] = time.time_ns,
) -> ProfileReport:
    """Profile ``dataset:NAME`` or ``model:NAME`` from rows in the store, from where the last run ended."""
    began = time.monotonic()
    seen = store.ask("data_columns", start_ns=-(2**62), end_ns=2**62, entity=entity).to_pandas()
    if seen.empty:
        raise CouldNotRunError(f"No row of {entity} is kept; `workbench ingest` its table first, or name a file.")
    first, last = int(seen["first_ns"].min()), int(seen["last_ns"].max())
    name = f"profile {entity} {every_ns}"
    saved = json.loads(store.cursor(name) or "{}")
    grids = {column: Grid.parse(text) for column, text in saved.get("grids", {}).items()}
    start = first if not saved else max(first, int(saved["done_ns"]) - LATE_NS)
    for low, high in ((first, first + LEARN_NS), (first, last + 1)):
        if set(seen["column"]) - set(grids):
            taught = grids_of(store.ask("column_quantiles", entity=entity, start_ns=low, end_ns=high).to_pandas())
            grids = taught | grids
    days = list(range(start // DAY_NS * DAY_NS, last + 1, max(DAY_NS, every_ns)))
    buckets = rows = fresh = 0
    for number, day in enumerate(days):
        if progress is not None:
            progress(entity, number, len(days))
        answer = store.ask(
            "build_profiles",
            entity=entity,
            start_ns=day,
            end_ns=day + max(DAY_NS, every_ns),
            every_ns=every_ns,
            grids={c: g.id for c, g in grids.items()},
        ).to_pandas()
        whole = table_columns(answer, dataset_of(entity), every_ns)
        parts = [whole, *(as_columns(p, dataset_of(entity)) for p in from_counts(answer, grids, every_ns))]
        cursor = {name: json.dumps({"done_ns": last, "grids": {c: g.id for c, g in grids.items()}})}
        fresh += _append(store, parts, entity, cursor if number == len(days) - 1 else {}, clock)
        buckets, rows = buckets + len(whole["rows"]), rows + int(np.sum(whole["rows"]))
    return ProfileReport(dataset_of(entity), len(grids), buckets, rows, fresh, time.monotonic() - began)


def profile_file(
    store: Store,
    path: Path,
    *,
    dataset: str,
    time_column: str,
    every_ns: int,
    segments: Sequence[str] = (),
    progress: Progress | None = None,
    clock: Callable[[], int] = time.time_ns,
) -> ProfileReport:
    """Profile a Parquet or CSV file of one's own without keeping its rows; grids of earlier files are used again."""
    began = time.monotonic()
    name = f"profile {dataset} {every_ns}"
    grids = {c: Grid.parse(text) for c, text in json.loads(store.cursor(name) or "{}").get("grids", {}).items()}
    total = path.stat().st_size
    found: dict[tuple[str, str], list[Profile]] = {}
    times: list[np.ndarray] = []
    for frame in _frames(path):
        if time_column not in frame:
            raise UsageError(
                f"{path.name} has no column {time_column!r}; it has: {', '.join(map(str, frame.columns[:20]))}."
            )
        moments = _times(frame[time_column], path)
        known = moments != np.iinfo(np.int64).min
        cells = frame.drop(columns=[time_column])[known]
        grids = _taught(cells.head(TAUGHT_BY)) | grids
        for part in profile_frame(cells, moments[known], every_ns, grids, segments=segments):
            found.setdefault((part.column, part.segment), []).append(part)
        times.append(moments[known])
        if progress is not None:
            progress(path.name, min(sum(map(len, times)), total), 0)
    merged = [merge(parts) for _, parts in sorted(found.items())]
    whole = _whole(np.concatenate(times) if times else np.zeros(0, np.int64), dataset, every_ns)
    cursor = {name: json.dumps({"done_ns": 0, "grids": {c: g.id for c, g in grids.items()}})}
    fresh = _append(store, [whole, *(as_columns(p, dataset) for p in merged)], path.name, cursor, clock)
    return ProfileReport(
        dataset, len(grids), len(whole["rows"]), int(np.sum(whole["rows"])), fresh, time.monotonic() - began
    )


def _frames(path: Path) -> Iterator[pd.DataFrame]:
    try:
        if path.suffix.lower() == ".csv":
            with pa_csv.open_csv(path, read_options=pa_csv.ReadOptions(block_size=64 << 20)) as reader:
                yield from (pa.Table.from_batches([batch]).to_pandas() for batch in reader)
        else:
            with pq.ParquetFile(path) as file:
                yield from (batch.to_pandas() for batch in file.iter_batches(batch_size=BATCH_ROWS))
    except (OSError, pa.ArrowInvalid) as error:
        raise SourceError(f"{path} cannot be read as a table: {error}. Give a Parquet or CSV file.") from error


def _times(cells: pd.Series, path: Path) -> np.ndarray:
    if pd.api.types.is_numeric_dtype(cells):
        size = float(np.nanmax(np.abs(cells.to_numpy(float, na_value=np.nan)))) if len(cells) else 0.0
        unit = "s" if size < 1e11 else "ms" if size < 1e14 else "us" if size < 1e17 else "ns"
        moments = pd.to_datetime(cells, unit=unit, utc=True, errors="coerce")
    else:
        moments = pd.to_datetime(cells, utc=True, errors="coerce")
    if len(cells) and not moments.notna().any():
        raise UsageError(
            f"No cell of {cells.name!r} in {path.name} is a time, such as {cells.iloc[0]!r}; name another column."
        )
    return np.asarray(moments.astype("datetime64[ns, UTC]").astype("int64"), dtype=np.int64)


def _taught(cells: pd.DataFrame) -> dict[str, Grid]:
    found = {}
    for name in cells:
        column = cells[name]
        if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
            found[str(name)] = teach(column.to_numpy(float, na_value=np.nan))
        elif not pd.api.types.is_datetime64_any_dtype(column):
            found[str(name)] = teach_text(int(column.nunique()))
        else:
            found[str(name)] = teach(column.dropna().astype("int64").to_numpy(float) / 1e9)
    return found


def _whole(times: np.ndarray, dataset: str, every_ns: int) -> dict[str, Any]:
    starts = times // every_ns * every_ns
    counts = pd.DataFrame({"start_ns": starts, "s": times / 1e9}).groupby("start_ns")["s"].agg(["size", "min", "max"])
    answer = counts.reset_index().rename(columns={"size": "n"}).assign(column=TABLE)
    return table_columns(answer, dataset, every_ns)


def _append(
    store: Store, parts: Iterable[dict[str, Any]], place: str, cursors: dict[str, str], clock: Callable[[], int]
) -> int:
    tables = []
    for columns in parts:
        n = len(columns["rows"])
        if n:
            tables.append(
                build(
                    PROFILES,
                    {
                        **columns,
                        "environment": [store.environment] * n,
                        "source": "profile",
                        "place": place,
                        "received_ns": clock(),
                    },
                )
            )
    if not tables:
        return 0
    receipt = store.append({"profiles": pa.concat_tables(tables)}, cursors=cursors)
    return receipt.rows
