"""How a segment's columns are written: small, yet decoded at the speed of memory where little would be saved."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from workbench.model.tables import Table

ROW_GROUP = 122_880
"""Rows of a row group."""
_LOOK_UP_ROWS = ROW_GROUP // 3
"""Rows of a row group that is looked into for one id: all its columns are decoded for a few rows."""
_PAGE_ROWS = 20_480
"""Rows of a page: a multiple of the engine's vectors, which can then keep the words of a dictionary as they are."""
_PAGE_BYTES = 8 * 1024 * 1024
_LEAST_SAVED = 0.2
"""Share of the bytes that packing must save to be worth unpacking each time."""
_MAPS = {"texts", "numbers"}
_RANDOM_IDS = {"trace_id", "span_id", "parent_span_id", "log_id", "prediction_id"}


def group_rows(table: Table) -> int:
    """Return how many rows a row group of a table's segments holds at most."""
    return _LOOK_UP_ROWS if _looked_up(table) else ROW_GROUP


def options(table: Table, rows: pa.Table | pa.RecordBatch) -> dict[str, object]:
    """Return Parquet settings for a segment that begins with *rows*; equal rows give equal settings.

    Delta-packed integers, plain random ids, a bloom filter on trace_id, else dictionaries. Floats of which hardly any
    two are equal stand plain, and unpacked where packing would save less than a fifth.
    """
    whole = {c.name for c in table if c.type in {"int", "time_ns"}}
    ids = {c.name for c in table if c.name in _RANDOM_IDS}
    first = rows.slice(0, group_rows(table))
    floats = {c.name: saved for c in table if c.type == "float" and (saved := _saved_plain(first[c.name])) is not None}
    unpacked = {name for name, saved in floats.items() if saved < _LEAST_SAVED}
    words = [c.name for c in table if c.type in {"text", "json", "float"} and c.name not in ids | floats.keys()]
    nested = [f"{c.name}.key_value.{part}" for c in table if c.type in _MAPS for part in ("key", "value")]
    leaves = [c.name for c in table if c.type not in _MAPS] + nested
    chosen: dict[str, object] = {
        "compression": {name: "none" if name in unpacked else "zstd" for name in leaves},
        "compression_level": dict.fromkeys(set(leaves) - unpacked, 3),
        "store_schema": False,
        "use_dictionary": words + nested,
        "column_encoding": dict.fromkeys(whole, "DELTA_BINARY_PACKED") | dict.fromkeys(ids | floats.keys(), "PLAIN"),
        "write_statistics": True,
        "data_page_size": _PAGE_BYTES,
        "max_rows_per_page": _PAGE_ROWS,
    }
    if _looked_up(table):
        expected = max(64, min(rows.num_rows, group_rows(table)) // 2)
        chosen["bloom_filter_options"] = {"trace_id": {"ndv": expected, "fpp": 0.001}}
    return chosen


def _looked_up(table: Table) -> bool:
    return any(c.name == "trace_id" for c in table)


def _saved_plain(column: pa.ChunkedArray | pa.Array) -> float | None:
    """Return which share of a column's bytes packing saves where it is written plain; None where values repeat."""
    values = column.drop_null()
    if 2 * len(pc.unique(values)) <= len(values):
        return None
    plain = values.to_numpy().tobytes()
    return 1 - len(pa.compress(plain, codec="zstd", asbytes=True)) / len(plain)
