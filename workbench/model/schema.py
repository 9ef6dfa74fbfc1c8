"""How a table is declared: columns with types and words, a key, and rules for rows that collide."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from workbench.errors import UnknownNameError

Type = Literal["text", "int", "float", "bool", "time_ns", "texts", "numbers", "json"]
"""``texts`` maps names to text, ``numbers`` maps names to floats, ``json`` is canonical JSON text."""


@dataclass(frozen=True)
class Column:
    """One column: its name carries the unit, *doc* says what it holds."""

    name: str
    type: Type
    doc: str
    required: bool = False


@dataclass(frozen=True)
class Table:
    """One declared table.

    Rows with equal *key* (environment included) are one row. Where they differ, the
    one with the greatest *latest_by* value wins, ties by the greatest canonical
    bytes, so the outcome does not depend on the order of arrival. *partition* is the
    time column that decides a row's day; None for small tables kept whole.
    """

    name: str
    key: tuple[str, ...]
    doc: str
    own_columns: tuple[Column, ...]
    partition: str | None = None
    latest_by: str | None = None

    @property
    def columns(self) -> tuple[Column, ...]:
        """Environment first, then the table's own columns, then provenance."""
        return (_ENVIRONMENT, *self.own_columns, *PROVENANCE)

    @property
    def full_key(self) -> tuple[str, ...]:
        """The key, with the environment in front."""
        return ("environment", *self.key)

    def column(self, name: str) -> Column:
        """Return one column by its name."""
        for column in self.columns:
            if column.name == name:
                return column
        raise UnknownNameError(f"column of {self.name}", name, [c.name for c in self.columns])

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)


_ENVIRONMENT = Column("environment", "text", "where it ran: prod, dev, ...", required=True)
PROVENANCE: tuple[Column, ...] = (
    Column("source", "text", "name of the source (plugin) that read the row", required=True),
    Column("place", "text", "file and line, or sender, that the row came from", required=True),
    Column("received_ns", "time_ns", "when the intake took it", required=True),
)
"""The last columns of every table; they are no part of a row's identity or canonical form."""
