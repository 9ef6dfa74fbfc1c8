"""Footers of segments, parsed once a file: for reading row groups without an engine between."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from workbench.store.bloom import Filters, filters, may_hold, with_bits

T = TypeVar("T")

_KEPT_FOOTERS, _KEPT_FACTS = 32, 4096
"""Files whose whole footers, and facts of single columns, are kept: 10 MB and a few."""

_MOST_BITS = 64 * 1024 * 1024
"""Bytes of filters held in memory, about those of 150 M spans; of further files 32 bytes are read a row group."""


@dataclass(frozen=True)
class Facts:
    """What a footer says of one column, of each row group in turn; low and high are None where it says nothing."""

    rows: tuple[int, ...]
    low: tuple[Any, ...]
    high: tuple[Any, ...]
    nulls: tuple[int | None, ...]

    def constant(self, group: int) -> tuple[Any] | None:
        """Return a row group's only value (None is null), in a tuple; None where it may hold several."""
        if self.nulls[group] == self.rows[group]:
            return (None,)
        same = self.nulls[group] == 0 and self.low[group] is not None and self.low[group] == self.high[group]
        return (self.low[group],) if same else None


class Footers:
    """Footers of files, each named by the digest of its bytes, so that what was read of one stays true."""

    def __init__(self) -> None:
        """Know none yet."""
        self._whole: OrderedDict[Any, pq.FileMetaData] = OrderedDict()
        self._facts: OrderedDict[Any, Facts] = OrderedDict()
        self._filters: OrderedDict[Any, Filters] = OrderedDict()
        self._bits = 0
        self._lock = threading.Lock()

    def whole(self, file: str) -> pq.FileMetaData:
        """Return a file's footer."""
        return self._kept(self._whole, file, _KEPT_FOOTERS, lambda: pq.read_metadata(file))

    def opened(self, file: str, *, words: Sequence[str] = ()) -> pq.ParquetFile:
        """Return a file to read row groups of, for one thread; the columns *words* are read as dictionaries."""
        return pq.ParquetFile(file, metadata=self.whole(file), read_dictionary=list(words))

    def facts(self, file: str, column: str) -> Facts:
        """Return what the footer says of a column without parts."""
        return self._kept(self._facts, (file, column), _KEPT_FACTS, lambda: _facts(self.whole(file), column))

    def holding(self, file: str, column: str, hashed: int) -> NDArray[np.intp]:
        """Return the row groups of a file that may hold a text, by its hash, in a column; all without bloom filters."""
        known = self._kept(self._filters, (file, column), _KEPT_FACTS, lambda: self._read(file, column))
        return may_hold(file, known, hashed)

    def _read(self, file: str, column: str) -> Filters:
        known = filters(file, self.whole(file), column)
        with self._lock:
            fits = self._bits + known.size <= _MOST_BITS
            self._bits += known.size if fits else 0
        return with_bits(file, known) if fits else known

    def _kept(self, held: OrderedDict[Any, T], key: Any, most: int, make: Callable[[], T]) -> T:
        with self._lock:
            if key in held:
                held.move_to_end(key)
                return held[key]
        made = make()
        with self._lock:
            held[key] = made
            while len(held) > most:
                held.popitem(last=False)
        return made


def constants(footer: pq.FileMetaData, group: int) -> dict[str, Any]:
    """Return the columns of a row group that hold one value in every row (None is null), but for floats and parts."""
    rows = footer.row_group(group)
    found: dict[str, Any] = {}
    for at in range(rows.num_columns):
        chunk = rows.column(at)
        name, said = chunk.path_in_schema, chunk.statistics
        if "." in name or said is None or not said.has_null_count or chunk.physical_type == "DOUBLE":
            continue
        if said.null_count == rows.num_rows:
            found[name] = None
        elif said.null_count == 0 and said.has_min_max and said.min == said.max:
            found[name] = said.min
    return found


def _facts(footer: pq.FileMetaData, column: str) -> Facts:
    at = footer.schema.to_arrow_schema().get_field_index(column)
    at = next(n for n in range(at, footer.num_columns) if footer.schema.column(n).path == column)
    groups = [footer.row_group(n) for n in range(footer.num_row_groups)]
    said = [group.column(at).statistics for group in groups]
    bounds = [(s.min, s.max) if s is not None and s.has_min_max else (None, None) for s in said]
    nulls = (s.null_count if s is not None and s.has_null_count else None for s in said)
    low, high = tuple(low for low, _ in bounds), tuple(high for _, high in bounds)
    return Facts(tuple(group.num_rows for group in groups), low, high, tuple(nulls))
