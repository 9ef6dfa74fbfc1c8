"""Bound what senders may invent: attribute keys and environments beyond a number share one bucket each."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping

import numpy as np
import orjson
import pyarrow as pa

from workbench.model.tables import TABLES

OVERFLOW = "workbench.overflow"
"""Attribute that holds, as JSON, what no longer had a key of its own: how many, and a sample."""

MOST_KEYS = 10_000
_LONGEST_KEY = 256
MOST_ENVIRONMENTS = 32
OVERFLOW_ENVIRONMENT = "overflow"
"""Environment of rows whose sender names one too many: each has a folder, so their number is bounded."""
_SAMPLE = 16
_LONGEST_SAMPLE = 200


_ENVIRONMENTS = ("*", "environment")


class KeyLimit:
    """Admit the first *most_keys* distinct keys of each text map column; move the rest into one bucket a row."""

    def __init__(self, most_keys: int = MOST_KEYS, *, environments: Iterable[str] = ()) -> None:
        """Start with no key known, and with the environments that exist."""
        self._most_keys = most_keys
        self._known: dict[tuple[str, str], set[str]] = {_ENVIRONMENTS: {OVERFLOW_ENVIRONMENT, *environments}}
        self._lock = threading.Lock()

    def apply(self, tables: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
        """Return the tables with surplus keys moved into ``workbench.overflow``, surplus environments renamed."""
        return {name: self._table(name, rows) for name, rows in tables.items()}

    def _environments(self, rows: pa.Table) -> pa.Table:
        at = rows.column_names.index("environment")
        coded = rows.column(at).combine_chunks().dictionary_encode()
        names = coded.dictionary.to_pylist()
        surplus = self._surplus(_ENVIRONMENTS, names)
        if not surplus:
            return rows
        words = [OVERFLOW_ENVIRONMENT if i in surplus else name for i, name in enumerate(names)]
        return rows.set_column(at, rows.schema.field(at), pa.array(words, pa.string()).take(coded.indices))

    def known(self, table: str, column: str) -> int:
        """Return how many keys of a column have been admitted."""
        return len(self._known.get((table, column), ()))

    def _table(self, name: str, rows: pa.Table) -> pa.Table:
        if not rows.num_rows:
            return rows
        rows = self._environments(rows)
        for column in TABLES[name]:
            if column.type != "texts" or column.name not in rows.column_names:
                continue
            at = rows.column_names.index(column.name)
            array = rows.column(at).combine_chunks()
            if isinstance(array, pa.ChunkedArray) or not len(array):
                continue
            limited = self._column((name, column.name), array)
            if limited is not array:
                rows = rows.set_column(at, rows.schema.field(at), limited)
        return rows

    def _column(self, of: tuple[str, str], array: pa.MapArray) -> pa.MapArray:
        offsets = np.array(array.offsets, copy=True)
        first, last = int(offsets[0]), int(offsets[-1])
        coded = array.keys.slice(first, last - first).dictionary_encode()
        surplus = self._surplus(of, coded.dictionary.to_pylist())
        if not surplus:
            return array
        over = np.isin(coded.indices.to_numpy(zero_copy_only=False), surplus)
        rows = np.unique(np.searchsorted(offsets - first, np.flatnonzero(over), side="right") - 1)
        known = self._known[of]
        pieces: list[pa.Array] = []
        done = 0
        for row in rows.tolist():
            pieces += (array.slice(done, row - done), pa.array([_moved(array[row].as_py(), known)], array.type))
            done = row + 1
        pieces.append(array.slice(done))
        return pa.concat_arrays(pieces)

    def _surplus(self, of: tuple[str, str], keys: list[str]) -> list[int]:
        """Return which of the keys have no room, as places in *keys*."""
        with self._lock:
            known = self._known.setdefault(of, {OVERFLOW})
            most = MOST_ENVIRONMENTS if of == _ENVIRONMENTS else self._most_keys
            surplus = []
            for place, key in enumerate(keys):
                if key in known:
                    continue
                if len(known) < most and len(key) <= _LONGEST_KEY:
                    known.add(key)
                else:
                    surplus.append(place)
            return surplus


def _moved(pairs: list[tuple[str, str | None]], known: set[str]) -> list[tuple[str, str | None]]:
    kept = [(key, value) for key, value in pairs if key in known and key != OVERFLOW]
    moved = [(key, value) for key, value in pairs if key not in known]
    sample = {k[:_LONGEST_SAMPLE]: v and v[:_LONGEST_SAMPLE] for k, v in moved[:_SAMPLE]}
    return [*kept, (OVERFLOW, orjson.dumps({"keys": len(moved), "sample": sample}).decode())]
