"""Gather rows of declared tables one by one, and stamp them with their provenance."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from workbench.model.tables import Table
from workbench.sources import Batch, Context, Rejection


class Rows:
    """Hold rows until enough are there for a batch."""

    def __init__(self, source: str, context: Context, tables: Iterable[Table]) -> None:
        """Gather for *tables*; each of them stands in every batch, if only with no rows."""
        self._source = source
        self._context = context
        self._tables = {table.name: table for table in tables}
        self._rows: dict[str, list[Mapping[str, Any]]] = {name: [] for name in self._tables}
        self._places: dict[str, list[str]] = {name: [] for name in self._tables}
        self._rejections: list[Rejection] = []

    def __len__(self) -> int:
        return sum(len(rows) for rows in self._rows.values()) + len(self._rejections)

    def add(self, table: Table, row: Mapping[str, Any], place: str | None = None) -> None:
        """Add one row; *place* is the context's where none is given."""
        self._rows[table.name].append(row)
        self._places[table.name].append(place or self._context.place)

    def reject(self, rejection: Rejection) -> None:
        """Add one thing that could not be read."""
        self._rejections.append(rejection)

    def refuse(self, reason: str, place: str, content: bytes) -> None:
        """Add one thing that decoded, yet is no row: the content is kept, to be masked."""
        digest = hashlib.sha256(content).hexdigest()
        self._rejections.append(Rejection(reason, place, len(content), digest, content))

    def batch(self) -> Batch:
        """Return everything gathered, and begin anew."""
        from workbench.columnar import build

        tables = {}
        for name, table in self._tables.items():
            rows = self._rows[name]
            columns: dict[str, Any] = _columns(rows)
            columns |= {
                "environment": [self._context.environment] * len(rows), "source": self._source,
                "place": self._places[name], "received_ns": self._context.received_ns,
            }  # fmt: skip
            tables[name] = build(table, columns)
        rejections = tuple(self._rejections)
        self._rows = {name: [] for name in self._tables}
        self._places = {name: [] for name in self._tables}
        self._rejections = []
        return Batch(tables, rejections)


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return the values of each key that any row has, null where a row lacks it."""
    given = set().union(*rows)
    if all(len(row) == len(given) for row in rows):
        return {key: list(map(itemgetter(key), rows)) for key in given}
    return {key: [row.get(key) for row in rows] for key in given}


def digest(*parts: str) -> str:
    """Return 32 hex digits that stand for the parts, which may hold any text."""
    return hashlib.sha256("\x1f".join(f"{len(p)}:{p}" for p in parts).encode("utf-8", "replace")).hexdigest()[:32]
