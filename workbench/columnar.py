"""Declared tables as Arrow: schemas, building from columns, and canonical order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import pyarrow as pa

from workbench.errors import UnknownNameError, UsageError
from workbench.model.tables import PROVENANCE, Table

_TYPES: dict[str, pa.DataType] = {
    "text": pa.string(),
    "json": pa.string(),
    "int": pa.int64(),
    "time_ns": pa.int64(),
    "float": pa.float64(),
    "bool": pa.bool_(),
    "texts": pa.map_(pa.string(), pa.string()),
    "numbers": pa.map_(pa.string(), pa.float64()),
}


@cache
def schema(table: Table) -> pa.Schema:
    """Return the Arrow schema of a declared table, provenance included."""
    return pa.schema([pa.field(c.name, _TYPES[c.type], nullable=not c.required) for c in table])


def build(table: Table, columns: Mapping[str, Sequence[Any] | pa.Array | pa.ChunkedArray]) -> pa.Table:
    """Return an Arrow table of the declared shape; absent columns become null.

    Each value is a sequence of length n; a lone ``str`` or ``int`` given for a
    column is repeated n times. Maps are lists of dicts or of (key, value) pairs.
    """
    known = {c.name for c in table}
    for name in columns:
        if name not in known:
            raise UnknownNameError(f"column of {table.name}", name, known)
    rows = max((len(v) for v in columns.values() if not isinstance(v, str | int)), default=0)
    arrays = [_array(table, field, columns.get(field.name), rows) for field in schema(table)]
    return pa.Table.from_arrays(arrays, schema=schema(table))


def _array(table: Table, field: pa.Field, values: Any, rows: int) -> pa.Array | pa.ChunkedArray:
    if values is None:
        array = pa.nulls(rows, field.type)
    elif isinstance(values, str | int):
        array = pa.repeat(pa.scalar(values, field.type), rows)
    elif isinstance(values, pa.Array | pa.ChunkedArray):
        array = values.cast(field.type)
    else:
        if pa.types.is_map(field.type):
            values = [sorted(v.items()) if isinstance(v, Mapping) else v for v in values]
        array = pa.array(values, field.type)
    if array.null_count and not field.nullable:
        raise UsageError(f"{table.name}.{field.name} is required, yet {array.null_count} of {rows} rows have none.")
    return array


def without_provenance(rows: pa.Table) -> pa.Table:
    """Drop the columns that say where a row came from: what is left is its identity and content."""
    return rows.drop_columns([c.name for c in PROVENANCE if c.name in rows.column_names])
