"""The tables of one question on another engine: each a select that stands before the question's own SQL."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cache
from typing import Any

import pyarrow as pa

from workbench.errors import UsageError
from workbench.model.tables import Table
from workbench.store.engines.duckdb import Session, Sources
from workbench.store.expression import Expression, Schema
from workbench.store.forms import Book, Compiled

_IBIS = {
    "text": "string", "json": "string", "int": "int64", "time_ns": "int64", "float": "float64", "bool": "boolean",
    "texts": "map<string, string>", "numbers": "map<string, float64>",
}  # fmt: skip
_SENT = {pa.int64(): "int64", pa.float64(): "float64", pa.string(): "string"}
"""Types of rows that a caller sends along, and what Ibis calls them."""
_WITH = "WITH "


class Relations(ABC):
    """Find a portable query its rows; an engine says how it reads files and what rows of the caller look like."""

    def __init__(self, session: Session, book: Book) -> None:
        """Take the view of the store, and what the engine has compiled before."""
        self._session, self._book, self._sheet = session, book, book.sheet()
        self._selects: dict[str, str] = {}

    def relation(self, name: str, start_ns: int | None = None, end_ns: int | None = None) -> Expression:
        """Return a declared table's rows, one a key."""
        sources = self._session.sources(name, start_ns, end_ns)
        return self._table(self._select(sources), _columns(sources.declared))

    def filled(self, name: str) -> bool:
        """Say whether a declared table has rows at all."""
        return bool(self._session.segments(name) or self._session.pending(name))

    def register(self, rows: pa.Table) -> Expression:
        """Return rows of the caller, columns of int64, float64 or text."""
        types = tuple((f.name, _SENT.get(f.type, "")) for f in rows.schema)
        if not all(type_ for _, type_ in types):
            raise UsageError(f"Rows are registered as whole numbers, floats and texts; got {rows.schema}.")
        return self._table(self._given(rows), types)

    def sql(self, expression: Any) -> tuple[str, Compiled]:
        """Return a question's whole SQL, and what is known of its form."""
        sql, form = self._book.sql(self._sheet, expression)
        selects = ", ".join(f"{name} AS ({text})" for name, text in self._selects.items() if name in form.tables)
        if not selects:
            return sql, form
        return f"{_WITH}{selects}{', ' if sql.startswith(_WITH) else ' '}{sql.removeprefix(_WITH)}", form

    @abstractmethod
    def _select(self, sources: Sources) -> str:
        """Return SQL for a table's rows, one a key, within the window."""

    @abstractmethod
    def _given(self, rows: pa.Table) -> str:
        """Return SQL for rows of the caller."""

    def _table(self, select: str, columns: Schema) -> Expression:
        # Numbered within the question, so that the same question has the same form.
        name = f"workbench_rows_{len(self._selects)}"
        self._selects[name] = select
        return self._sheet.table(name, columns)

    def _literal(self, value: str | None) -> str:
        return "NULL" if value is None else self._book.literal(value)


@cache
def _columns(declared: Table) -> Schema:
    return tuple((c.name, _IBIS[c.type]) for c in declared)
