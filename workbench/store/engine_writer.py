"""What a Spark worker runs in compaction: sort one group of rows, write it as a segment and bring it to the storage.

Only the name of this function travels, so that a worker's Python needs incident-workbench of the same version, with the
extra ``shared``. A segment is named by its digest and listed by nobody yet: a worker that dies, or does the same group
again, changes nothing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from workbench.columnar import schema
from workbench.model.tables import table
from workbench.store.encoding import ROW_GROUP
from workbench.store.layout import WHOLE, day_of, time_column
from workbench.store.segments import Segment, write_segment
from workbench.store.shared import SharedStorage

DAY, SLICE = "day_of_group", "slice_of_group"
"""Columns that a group is made by: begin of its day (ns), and number of its part of the time."""
WRITTEN = "path STRING, day STRING, rows BIGINT, bytes BIGINT, min_ns BIGINT, max_ns BIGINT, sha256 STRING"
"""What is told of each segment, as Spark's DDL."""
_TOLD = tuple(part.split()[0] for part in WRITTEN.split(", "))


@dataclass(frozen=True)
class Target:
    """Where segments of one table go."""

    url: str
    options: tuple[tuple[str, str], ...]
    """What the storage's file system is told."""
    environment: str
    table: str


def writer(target: Target) -> Callable[[pa.Table], pa.Table]:
    """Return what writes one group of rows and tells of its segment in one row."""

    def write(rows):  # type: ignore[no-untyped-def]  # Spark reads annotations, and knows fewer types.
        return told(written(target, rows))

    return write


def written(target: Target, rows: pa.Table) -> Segment:
    """Write the rows of one day, one a key, as one settled segment on the storage."""
    declared = table(target.table)
    day = WHOLE if declared.partition is None else day_of(rows.column(DAY)[0].as_py())
    order = dict.fromkeys([time_column(declared), *declared.key])
    ordered = rows.select([c.name for c in declared]).cast(schema(declared)).sort_by([(c, "ascending") for c in order])
    with tempfile.TemporaryDirectory() as folder:
        segment = write_segment(Path(folder), target.environment, declared, day, _pieces(ordered), settled=True)
        if segment is None:
            raise ValueError("A group without rows was handed to a worker.")
        SharedStorage(target.url, dict(target.options)).upload(Path(folder) / segment.path, segment)
    return segment


def _pieces(rows: pa.Table) -> Iterator[pa.Table]:
    for first in range(0, rows.num_rows, ROW_GROUP):
        yield rows.slice(first, ROW_GROUP)


def told(segment: Segment) -> pa.Table:
    """Return a segment as one row of ``WRITTEN``."""
    types = {str: pa.string(), int: pa.int64()}
    values = {name: getattr(segment, name) for name in _TOLD}
    return pa.table({name: pa.array([value], types[type(value)]) for name, value in values.items()})


def heard(rows: pa.Table, target: Target) -> list[Segment]:
    """Return the segments that workers told of."""
    return [
        Segment(environment=target.environment, table=target.table, settled=True, **row) for row in rows.to_pylist()
    ]
