"""Columns of one's own as declared types, whole columns at a time: what cannot be converted becomes null."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from workbench.sources._time import epoch_ns, iso_ns

_NO_NUMBER = ("NULL", "null", "NA", "N/A", "n/a", "NaN", "nan", "None", "none", "-", "[N/A]", "?")
_TRUE = ("true", "t", "yes", "y", "1", "1.0", "pass", "passed")
_FALSE = ("false", "f", "no", "n", "0", "0.0", "fail", "failed")
_FIRST_CELLS = 256
_HEX_32 = r"^[0-9a-f]{1,32}$"


def _among(cells: pa.Array, words: tuple[str, ...]) -> pa.Array:
    # Built here and not once for all: the first array that Arrow builds imports pandas.
    return pc.is_in(cells, pa.array(words, pa.string()))


def plain(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return one contiguous array without dictionary encoding or extension type."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def is_textual(kind: pa.DataType) -> bool:
    """Return whether cells are text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def is_figure(kind: pa.DataType) -> bool:
    """Return whether cells are numbers, or booleans, which count as 0 and 1."""
    types = pa.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind) or types.is_boolean(kind))


def holds_figures(column: pa.Array) -> bool:
    """Return whether every cell that holds anything is a number."""
    if not is_textual(column.type):
        return is_figure(column.type)
    # Words show in the first cells, long before the whole column is trimmed.
    if not _all_numbers(_said(column.slice(0, _FIRST_CELLS))):
        return False
    cells = _said(column)
    return cells.null_count < len(cells) and _all_numbers(cells)


def _all_numbers(cells: pa.Array) -> bool:
    try:
        pc.cast(cells, pa.float64())
    except pa.ArrowInvalid:
        return False
    return True


def _said(column: pa.Array) -> pa.Array:
    """Trim text, and take the words for nothing for nothing."""
    cells = pc.utf8_trim_whitespace(column.cast(pa.string()))
    return pc.if_else(pc.or_kleene(_among(cells, _NO_NUMBER), pc.equal(cells, "")), None, cells)


def floats(column: pa.Array) -> pa.Array:
    """Return numbers; NaN is null."""
    if is_textual(column.type):
        cells = _said(column)
        try:
            column = pc.cast(cells, pa.float64())
        except pa.ArrowInvalid:
            column = _each(cells, _float, pa.float64())
    elif pa.types.is_boolean(column.type):
        column = pc.cast(pc.cast(column, pa.int8()), pa.float64())
    elif is_figure(column.type):
        column = pc.cast(column, pa.float64(), safe=False)
    else:
        return pa.nulls(len(column), pa.float64())
    return pc.if_else(pc.is_nan(column), None, column) if len(column) else column


def _float(cell: str) -> float | None:
    try:
        return float(cell.replace(",", "")) if cell.count(",") else float(cell)
    except ValueError:
        return None


def _each(cells: pa.Array, convert: Callable[[str], object], kind: pa.DataType) -> pa.Array:
    """Convert each distinct text once."""
    encoded = cells.dictionary_encode()
    values = pa.array([convert(cell) for cell in encoded.dictionary.to_pylist()], kind)
    return values.take(encoded.indices)


def integers(column: pa.Array) -> pa.Array:
    """Return whole numbers; a fraction is null."""
    if pa.types.is_integer(column.type):
        return pc.cast(column, pa.int64(), safe=False)
    numbers = floats(column)
    whole = pc.and_(pc.equal(pc.floor(numbers), numbers), pc.less(pc.abs(numbers), 2.0**63))
    return pc.cast(pc.if_else(whole, numbers, None), pa.int64(), safe=False)


def booleans(column: pa.Array) -> pa.Array:
    """Return truth values of booleans, 0 and 1, and the usual words."""
    if pa.types.is_boolean(column.type):
        return column
    words = pc.utf8_lower(pc.utf8_trim_whitespace(texts(column)))
    return pc.if_else(_among(words, _TRUE), True, pc.if_else(_among(words, _FALSE), False, None))


def texts(column: pa.Array) -> pa.Array:
    """Return text; times in ISO 8601, lists and structures as JSON."""
    kind = column.type
    if is_textual(kind):
        return column.cast(pa.string())
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        iso = pc.strftime(pc.cast(times(column), pa.timestamp("ns", "UTC")), "%Y-%m-%dT%H:%M:%SZ")
        return iso.cast(pa.string())
    if is_figure(kind):
        return _number_texts(column)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return pa.array([None if v is None else v.decode("utf-8", "replace") for v in column.to_pylist()], pa.string())
    structures = (None if v is None else orjson.dumps(v, default=str).decode() for v in column.to_pylist())
    return pa.array(list(structures), pa.string())


def _number_texts(column: pa.Array) -> pa.Array:
    """Write whole floats without a fraction: an integer column with gaps comes as floats."""
    if pa.types.is_floating(column.type):
        column = floats(column)
        whole = pc.and_(pc.equal(pc.floor(column), column), pc.less(pc.abs(column), 2.0**53))
        if pc.all(whole, min_count=0).as_py():
            column = pc.cast(column, pa.int64(), safe=False)
    return pc.cast(column, pa.string())


def times(column: pa.Array) -> pa.Array:
    """Return integer ns UTC of timestamps (a naive one is UTC), dates, ISO texts, and numbers since 1970.

    Numbers are s, ms, us or ns, told apart by their size (see ``epoch_ns``).
    """
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _ns_of_us(column) if pa.types.is_date(kind) or kind.unit != "ns" else pc.cast(column, pa.int64())
    if pa.types.is_integer(kind):
        return _epochs(pc.cast(column, pa.int64(), safe=False), exact=np.int64)
    if is_figure(kind):
        return _epochs(floats(column), exact=np.float64)
    return _written_times(column) if is_textual(kind) else pa.nulls(len(column), pa.int64())


def _ns_of_us(column: pa.Array) -> pa.Array:
    numbers = pc.cast(pc.cast(column, pa.timestamp("us", getattr(column.type, "tz", None)), safe=False), pa.int64())
    fits = pc.less(pc.abs(numbers), 2**63 // 1000)
    return pc.multiply(pc.if_else(fits, numbers, None), 1000)


def _epochs(column: pa.Array, *, exact: type[np.number]) -> pa.Array:
    known = pc.is_valid(column).to_numpy(zero_copy_only=False)
    numbers = column.fill_null(0).to_numpy(zero_copy_only=False).astype(exact)
    known &= np.isfinite(numbers)
    size = np.abs(np.where(known, numbers, 0))
    found = np.zeros(len(numbers), dtype=np.int64)
    for low, limit, to_us in ((0, 1e11, 1e6), (1e11, 1e14, 1e3), (1e14, 1e17, 1)):
        here = known & (size >= low) & (size < limit)
        if low == 0:
            found[here] = _seconds(numbers[here])
        elif exact is np.int64:
            found[here] = numbers[here] * np.int64(to_us * 1000)
        else:
            found[here] = np.round(numbers[here] * to_us).astype(np.int64) * 1000
    last = known & (size >= 1e17) & (size < 2.0**63)
    found[last] = numbers[last].astype(np.int64)
    known &= size < 2.0**63
    return pa.array(found, pa.int64(), mask=~known | (found == np.iinfo(np.int64).min))


def _seconds(numbers: np.ndarray) -> np.ndarray:
    """Return ns of seconds; beyond the year 2262 there is no ns in 64 bits, and the marker stands."""
    fits = np.abs(numbers) < 9_223_372_036
    us = np.round(np.where(fits, numbers, 0) * (1_000_000 if numbers.dtype == np.int64 else 1e6)).astype(np.int64)
    return np.where(fits, us * 1000, np.iinfo(np.int64).min)


def _written_times(column: pa.Array) -> pa.Array:
    cells = _said(column)
    for zone in (None, "UTC"):
        try:
            return pc.cast(pc.cast(cells, pa.timestamp("ns", zone)), pa.int64())
        except pa.ArrowInvalid:
            continue
    for kind, exact in ((pa.int64(), np.int64), (pa.float64(), np.float64)):
        try:
            return _epochs(pc.cast(cells, kind), exact=exact)
        except pa.ArrowInvalid:
            continue
    return _each(cells, _time_of, pa.int64())


def _time_of(cell: str) -> int | None:
    found = iso_ns(cell)
    if found is not None:
        return found
    try:
        return epoch_ns(int(cell) if cell.lstrip("-").isdigit() else float(cell))
    except ValueError:
        return None


def trace_ids(column: pa.Array) -> pa.Array:
    """Return trace ids as 32 lower-case hex digits; MLflow's ``tr-`` and dashes are dropped, anything else is null."""
    cells = pc.utf8_lower(pc.utf8_trim_whitespace(texts(column)))
    cells = pc.replace_substring(pc.replace_substring_regex(cells, r"^tr-", ""), "-", "")
    good = pc.match_substring_regex(cells, _HEX_32)
    return pc.utf8_lpad(pc.if_else(good, cells, None), 32, "0")


def maps(columns: Mapping[str, pa.Array], rows: int, kind: pa.DataType) -> pa.Array:
    """Return one map of name to cell for each row; names sorted, empty cells as null values."""
    names = sorted(columns)
    if not names:
        return pa.nulls(rows, pa.map_(pa.string(), kind))
    flat = pa.concat_arrays([columns[name] for name in names])
    order = np.arange(rows * len(names)).reshape(len(names), rows).T.ravel()
    keys = pa.array(names, pa.string()).take(pa.array(np.tile(np.arange(len(names)), rows)))
    offsets = pa.array(np.arange(rows + 1, dtype=np.int32) * len(names))
    return pa.MapArray.from_arrays(offsets, keys, flat.take(pa.array(order)))


CONVERT: Mapping[str, Callable[[pa.Array], pa.Array]] = {
    "text": texts, "json": texts, "int": integers, "time_ns": times, "float": floats, "bool": booleans,
}  # fmt: skip
"""Declared type -> conversion of a whole column."""


def own_map(column: pa.Array, value: pa.DataType) -> pa.Array:
    """Return a column of maps, or of JSON objects as text, as a declared map; what is neither is null."""
    if pa.types.is_map(column.type):
        return column.cast(pa.map_(pa.string(), value))
    convert = partial(_pairs, number=pa.types.is_floating(value))
    return pa.array([convert(cell) for cell in column.to_pylist()], pa.map_(pa.string(), value))


def _pairs(cell: object, *, number: bool) -> list[tuple[str, object]] | None:
    try:
        held = orjson.loads(cell) if isinstance(cell, str | bytes) else cell
    except orjson.JSONDecodeError:
        return None
    if not isinstance(held, dict):
        return None
    if number:
        return [(str(k), float(v) if isinstance(v, int | float) else None) for k, v in sorted(held.items())]
    return [(k, v if v is None or isinstance(v, str) else orjson.dumps(v).decode()) for k, v in sorted(held.items())]
