"""All rows of one id: the few row groups that may hold it are asked by bloom filter, and decoded without an engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from workbench.columnar import schema
from workbench.errors import StoreError
from workbench.model.tables import Table
from workbench.store.bloom import xxh64
from workbench.store.engines.duckdb import FileGoneError, Session
from workbench.store.footers import constants
from workbench.store.layout import time_column
from workbench.store.resolve import resolved

_PLAIN_WORDS = {"trace_id", "span_id", "parent_span_id"}
"""Texts of which hardly any two are equal: a dictionary of them would only be made to be undone."""


def rows_of_id(
    session: Session, name: str, column: str, value: str, start_ns: int | None, end_ns: int | None
) -> pa.Table:
    """Return the rows, one a key, whose *column* is *value*, in no certain order.

    *column* is part of the key of a table whose identity fixes the time, so that rows of other ids settle nothing.
    """
    source = session.sources(name, start_ns, end_ns)
    declared = source.declared
    hashed = xxh64(value.encode())
    parts = [_shape(declared).empty_table()]
    try:
        for file in source.files:
            if groups := session.footers.holding(file, column, hashed).tolist():
                parts += _matching(
                    session.footers.opened(file, words=_words(declared)), declared, groups, column, value
                )
    except OSError as error:
        raise FileGoneError(f"A segment went away while it was read: {error}. Ask again.") from error
    except pa.ArrowException as error:
        raise StoreError(f"A segment could not be read: {error}. Run `workbench doctor`.") from error
    if source.journal is not None:
        parts.append(source.journal.filter(pc.equal(source.journal[column], value)).cast(_shape(declared)))
    rows = _within(declared, pa.concat_tables(parts), source.inner)
    if source.one_a_key:
        return rows
    keys = list(declared.key)
    if rows.num_rows == rows.group_by(keys).aggregate([]).num_rows:
        return rows
    return session.query(f"SELECT * FROM {resolved(declared, session.register('of one id', rows))}").cast(rows.schema)


@cache
def _shape(declared: Table) -> pa.Schema:
    """Return a table's columns as an engine answers with them: what is required is not said."""
    return pa.schema([field.with_nullable(True) for field in schema(declared)])


def _within(declared: Table, rows: pa.Table, bounds: tuple[int | None, int | None]) -> pa.Table:
    time, (start_ns, end_ns) = rows[time_column(declared)], bounds
    if start_ns is not None:
        rows = rows.filter(pc.greater_equal(time, start_ns))
        time = rows[time_column(declared)]
    return rows if end_ns is None else rows.filter(pc.less(time, end_ns))


def _matching(
    opened: pq.ParquetFile, declared: Table, groups: Sequence[int], column: str, value: str
) -> Iterator[pa.Table]:
    """Yield a file's rows of the declared shape whose *column* is *value*, row group by row group."""
    for group in groups:
        ids = opened.read_row_group(group, columns=[column], use_threads=False)[column]
        hits = np.flatnonzero(pc.equal(ids, value).to_numpy())
        if not len(hits):
            continue
        known = constants(opened.metadata, group) | {column: value}
        others = [c.name for c in declared if c.name not in known]
        found = opened.read_row_group(group, columns=others).take(pa.array(hits))
        columns = [
            pa.repeat(pa.scalar(known[f.name], f.type), len(hits)) if f.name in known else found[f.name].cast(f.type)
            for f in _shape(declared)
        ]
        yield pa.table(columns, schema=_shape(declared))


def _words(declared: Table) -> list[str]:
    """Return the leaves that are read as dictionaries, so that texts are made of the rows found only."""
    texts = [c.name for c in declared if c.type in {"text", "json"} and c.name not in _PLAIN_WORDS]
    maps = [c.name for c in declared if c.type == "texts"]
    return texts + [f"{name}.key_value.{part}" for name in maps for part in ("key", "value")]
