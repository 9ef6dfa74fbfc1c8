"""Bring rows into the one form in which equal rows are equal bytes, and write them out that way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.columnar import build, schema
from workbench.errors import UnknownNameError, UsageError
from workbench.model.tables import Table


def conform(table: Table, rows: pa.Table) -> pa.Table:
    """Return *rows* in the declared schema: valid text, maps sorted by name, no negative zero.

    Raises UsageError where a required column is null or the bytes are no valid Arrow.
    """
    declared = schema(table)
    if not rows.schema.equals(declared):
        known = {c.name for c in table}
        for name in rows.column_names:
            if name not in known:
                raise UnknownNameError(f"column of {table.name}", name, known)
        try:
            rows = build(table, {name: rows[name] for name in rows.column_names})
        except pa.ArrowException as error:
            raise UsageError(f"Rows for {table.name} do not fit its declaration: {error}.") from error
    try:
        rows.validate(full=True)
    except pa.ArrowException as error:
        raise UsageError(f"Rows for {table.name} are not valid Arrow: {error}.") from error
    for index, field in enumerate(declared):
        column = rows.column(index)
        if not field.nullable and column.null_count:
            raise UsageError(
                f"{table.name}.{field.name} is required, yet {column.null_count} of {len(column)} rows have none."
            )
        if column.null_count == len(column):
            continue
        if pa.types.is_floating(field.type):
            # -0.0 and 0.0 compare equal yet have different bytes; adding 0.0 leaves one of them.
            rows = rows.set_column(index, field, pc.add(column, 0.0))
        elif pa.types.is_map(field.type):
            chunks = [_sorted_map(chunk) for chunk in column.chunks]
            rows = rows.set_column(index, field, pa.chunked_array(chunks, field.type))
    return rows


def _sorted_map(column: pa.MapArray) -> pa.MapArray:
    offsets = column.offsets.to_numpy()
    first, last = int(offsets[0]), int(offsets[-1])
    if last - first < 1:
        return column
    keys = column.keys.slice(first, last - first)
    ascending = np.ones(len(keys), dtype=bool)
    if len(keys) > 1:
        ascending[1:] = pc.less(keys.slice(0, len(keys) - 1), keys.slice(1)).to_numpy(zero_copy_only=False)
        starts = offsets[:-1] - first
        ascending[starts[starts < len(keys)]] = True
    if ascending.all() and not _holds_negative_zero(column):
        return column
    rows = [None if r is None else sorted((k, _positive(v)) for k, v in dict(r).items()) for r in column.to_pylist()]
    return pa.array(rows, column.type)


def _holds_negative_zero(column: pa.MapArray) -> bool:
    if not pa.types.is_floating(column.type.item_type):
        return False
    values = column.items.to_numpy(zero_copy_only=False)
    return bool(np.any((values == 0) & np.signbit(values)))


def _positive(value: Any) -> Any:
    return value + 0.0 if isinstance(value, float) else value


def lines(rows: pa.Table) -> Iterator[bytes]:
    """Yield each row as one line of JSON, columns in their order, maps as objects sorted by name."""
    maps = [pa.types.is_map(field.type) for field in rows.schema]
    names = rows.column_names
    for batch in rows.to_batches(max_chunksize=8192):
        for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            row = {
                name: dict(sorted(value)) if is_map and value is not None else value
                for name, is_map, value in zip(names, maps, values, strict=True)
            }
            yield json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
