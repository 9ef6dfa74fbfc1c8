"""One row a key among rows in memory: by Arrow where it orders values as the store does, by DuckDB elsewhere."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.columnar import schema
from workbench.model.tables import PROVENANCE, Table
from workbench.store.engines.duckdb import locked_down
from workbench.store.resolve import key_columns, resolved, with_keys, without_keys

_PLACE = "place in the rows"
_MOST_COMPARED = 2_000
"""Rows whose maps are compared one by one; an engine compares more of them faster than that."""


def one_a_key(declared: Table, rows: pa.Table, *, memory_limit: str) -> pa.Table:
    """Return *rows* with the winner of each key alone; most often no key stands twice, and they are as they were."""
    keys = list(declared.key)
    # Grouping the keys alone shows it cheaply.
    if rows.select(keys).group_by(keys, use_threads=False).aggregate([]).num_rows == rows.num_rows:
        return rows
    if any(rows.column(name).null_count for name in keys):
        return _asked(declared, rows, memory_limit)
    placed = rows.select(keys).append_column(_PLACE, pa.array(np.arange(rows.num_rows)))
    groups = placed.group_by(keys, use_threads=False).aggregate([(_PLACE, "min"), (_PLACE, "max")])
    first = groups.column(f"{_PLACE}_min").to_numpy()
    alone = np.zeros(rows.num_rows, dtype=bool)
    alone[first[first == groups.column(f"{_PLACE}_max").to_numpy()]] = True
    double = rows.filter(pa.array(~alone))
    won = _ordered(declared, double) if _orders_alike(declared, double) else _asked(declared, double, memory_limit)
    return pa.concat_tables([rows.filter(pa.array(alone)), won])


def _orders_alike(declared: Table, rows: pa.Table) -> bool:
    """Return whether Arrow orders every column as DuckDB does.

    It takes NaN for no greatest number, and has no order of maps, which matters where rows of one key differ in them.
    """
    for field, column in zip(rows.schema, rows.columns, strict=True):
        if pa.types.is_map(field.type) and not _same_within_keys(declared, rows, column):
            return False
        if pa.types.is_floating(field.type) and pc.any(pc.is_nan(column)).as_py():
            return False
    return True


def _same_within_keys(declared: Table, rows: pa.Table, column: pa.ChunkedArray) -> bool:
    if rows.num_rows > _MOST_COMPARED:
        return False
    keys = zip(*(rows.column(name).to_pylist() for name in declared.key), strict=True)
    first: dict[tuple[object, ...], object] = {}
    return all(first.setdefault(key, value) == value for key, value in zip(keys, column.to_pylist(), strict=True))


def _ordered(declared: Table, rows: pa.Table) -> pa.Table:
    """Return the winners by sorting: the order of ``resolve.winner_order``, nulls last in each column."""
    keys = list(declared.key)
    values = [declared.latest_by] if declared.latest_by else []
    values += [c.name for c in declared.own_columns if c.name not in keys]
    values = [name for name in values if not pa.types.is_map(rows.schema.field(name).type)]
    terms = dict.fromkeys(keys, "ascending") | dict.fromkeys(values, "descending")
    terms |= dict.fromkeys([c.name for c in reversed(PROVENANCE) if c.name not in keys], "ascending")
    ordered = rows.take(pc.sort_indices(rows, sort_keys=list(terms.items())))
    first = np.zeros(ordered.num_rows, dtype=bool)
    first[0] = True
    for name in keys:
        column = ordered.column(name).combine_chunks()
        first[1:] |= pc.not_equal(column[1:], column[:-1]).to_numpy(zero_copy_only=False)
    return ordered.filter(pa.array(first))


def _asked(declared: Table, rows: pa.Table, memory_limit: str) -> pa.Table:
    connection = locked_down([], memory_limit=memory_limit, threads=1)
    try:
        connection.register("rows", rows)
        twice = f"(SELECT {key_columns(declared)} FROM rows GROUP BY ALL HAVING count(*) > 1)"
        single, double = without_keys(declared, "rows", twice), with_keys(declared, "rows", twice)
        sql = f"SELECT * FROM {single} UNION ALL SELECT * FROM {resolved(declared, double)}"
        return connection.sql(sql).to_arrow_table().cast(schema(declared))
    finally:
        connection.close()
