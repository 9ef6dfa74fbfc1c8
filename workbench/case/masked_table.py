"""A frozen answer with its texts replaced: every string in it, in maps, lists and structs too, and in its metadata."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from workbench.case.share_mask import ShareMask


def masked_table(table: pa.Table, mask: ShareMask) -> pa.Table:
    """Return the table with the same columns and rows; texts are replaced, numbers under hidden names are null."""
    columns = [_masked(_whole(table.column(name)), name, mask) for name in table.column_names]
    names = [mask.text(name) for name in table.column_names]
    fields = [pa.field(name, column.type) for name, column in zip(names, columns, strict=True)]
    known = table.schema.metadata or {}
    metadata = {key: mask.text(value.decode("utf-8", "replace")).encode() for key, value in known.items()}
    return pa.Table.from_arrays(columns, schema=pa.schema(fields, metadata=metadata or None))


def hosts(table: pa.Table) -> Iterator[str]:
    """Yield the names of machines and cards that a table speaks of."""
    for name in table.column_names:
        column = table.column(name)
        if pa.types.is_string(column.type) and name in ("entity", "upstream", "downstream", "value"):
            for text in column.unique().to_pylist():
                kind, colon, host = str(text).partition(":")
                if colon and kind in ("host", "gpu"):
                    yield host


def _whole(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    return pa.concat_arrays(combined.chunks) if isinstance(combined, pa.ChunkedArray) else combined


def _masked(array: pa.Array, key: str, mask: ShareMask) -> pa.Array:
    kind = array.type
    if len(array) == array.null_count:
        return array
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        coded = array.dictionary_encode()
        words = pa.array([mask.value(key, word) for word in coded.dictionary.to_pylist()], kind)
        return words.take(coded.indices)
    if pa.types.is_dictionary(kind):
        return _masked(array.dictionary_decode(), key, mask)
    if pa.types.is_map(kind) and pa.types.is_string(kind.key_type) and pa.types.is_string(kind.item_type):
        return _masked_map(array, mask)
    if pa.types.is_nested(kind):
        # Maps come back as lists of pairs; each value is judged by its own key.
        return pa.array([_node(item.as_py(), kind, key, mask) if item.is_valid else None for item in array], kind)
    if mask.hides(key) and not pa.types.is_boolean(kind):
        return pa.nulls(len(array), kind)
    return array


def _masked_map(array: pa.MapArray, mask: ShareMask) -> pa.MapArray:
    """Mask each distinct pair of key and value once."""
    offsets = np.array(array.offsets, copy=True)
    first, last = int(offsets[0]), int(offsets[-1])
    keys = array.keys.slice(first, last - first).dictionary_encode()
    items = array.items.slice(first, last - first).dictionary_encode()
    names, texts = keys.dictionary.to_pylist(), [*items.dictionary.to_pylist(), None]
    at = items.indices.fill_null(len(texts) - 1).to_numpy(zero_copy_only=False).astype(np.int64)
    pairs = keys.indices.to_numpy(zero_copy_only=False).astype(np.int64) * len(texts) + at
    distinct, places = np.unique(pairs, return_inverse=True)
    values = [None if (text := texts[pair % len(texts)]) is None else mask.value(names[pair // len(texts)], text)
              for pair in distinct.tolist()]  # fmt: skip
    masked = pa.array(values, array.type.item_type).take(pa.array(places))
    words = pa.array([mask.text(name) for name in names], array.type.key_type).take(keys.indices)
    nulls = array.is_null() if array.null_count else None
    return pa.MapArray.from_arrays(pa.array(offsets - first), words, masked, type=array.type, mask=nulls)


def _node(node: Any, kind: pa.DataType, key: str, mask: ShareMask) -> Any:
    if node is None:
        return None
    if pa.types.is_map(kind):
        return [(mask.text(k), _node(v, kind.item_type, k, mask)) for k, v in node]
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return [_node(item, kind.value_type, key, mask) for item in node]
    if pa.types.is_struct(kind):
        return {f.name: _node(node[f.name], f.type, f.name, mask) for f in kind}
    return mask.tree(node, key)
