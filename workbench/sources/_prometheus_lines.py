"""Usual lines of the Prometheus text, a block at a time: a name, plain labels, a number and a whole time stamp."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

MOST_LINE = 2**20
"""A longer line is cut, and each piece read as a line."""
_BLOCK_BYTES = 2**22
_USUAL = (
    r'^(?P<series>[a-zA-Z_:][a-zA-Z0-9_:]*(?:\{[^"}]*(?:"[^"\\]*"[^"}]*)*\})?)'
    r" (?P<value>-?[0-9]{1,20}(?:\.[0-9]{1,20})?(?:[eE][+-]?[0-9]{1,2})?) (?P<time>[0-9]{1,13})\n?$"
)
"""Less than the format allows: what it matches, reading line by line would read alike."""
_MS_FROM, _MOST_S, _MOST_MS = 100_000_000_000, (2**63 - 1) // 10**9, (2**63 - 1) // 10**6


@dataclass(frozen=True)
class Lines:
    """Hold the n lines of a block; *usual* says which were understood, and the arrays below are of those alone."""

    offsets: np.ndarray
    """Where each line begins, and where the last ends; (n + 1,)."""
    usual: np.ndarray
    """Places of the lines understood, ascending."""
    series: pa.DictionaryArray
    time_ns: np.ndarray
    value: np.ndarray


def blocks(stream: BinaryIO) -> Iterator[bytes]:
    """Yield a stream as blocks of whole lines, some megabytes each, in bounded memory whatever the lines' length."""
    carried = b""
    while read := stream.read(_BLOCK_BYTES):
        block = carried + read
        # A line without an end in sight is handed on in the pieces that it will be cut into anyway.
        cut = block.rfind(b"\n") + 1 or len(block) // MOST_LINE * MOST_LINE
        carried = block[cut:]
        if cut:
            yield block[:cut]
    if carried:
        yield carried


def lines_of(block: bytes) -> Lines | None:
    """Return a block as arrays, or None where its lines need reading one by one: broken UTF-8, or lines to be cut."""
    ends = np.flatnonzero(np.frombuffer(block, dtype=np.uint8) == ord("\n")) + 1
    if not len(ends) or ends[-1] < len(block):
        ends = np.append(ends, len(block))
    offsets = np.concatenate(([0], ends)).astype(np.int32)
    if np.diff(offsets).max() > MOST_LINE:
        return None
    text = pa.StringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(block))
    try:
        text.validate(full=True)
    except pa.ArrowInvalid:
        return None
    found = pc.extract_regex(text, _USUAL)
    matched = found.is_valid()
    series, value, stamp = (found.field(name).filter(matched) for name in ("series", "value", "time"))
    numbers = stamp.cast(pa.int64()).to_numpy()
    in_ms = numbers >= _MS_FROM
    fits = numbers <= np.where(in_ms, _MOST_MS, _MOST_S)
    kept = pa.array(fits)
    usual = np.flatnonzero(matched.to_numpy(zero_copy_only=False))[fits]
    time_ns = (numbers * np.where(in_ms, 10**6, 10**9))[fits]
    return Lines(offsets, usual, series.filter(kept).dictionary_encode(), time_ns, _floats(value.filter(kept)))


def _floats(texts: pa.StringArray) -> np.ndarray:
    return np.asarray(texts.cast(pa.float64()))
