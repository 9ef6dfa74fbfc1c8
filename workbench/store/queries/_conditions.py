"""What queries share: conditions with bound values, buckets of time, and lists of windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from workbench.errors import UsageError
from workbench.model.tables import Table
from workbench.store.engines.duckdb import Session
from workbench.store.resolve import quoted

START = "from this time on, ns UTC"
END = "before this time, ns UTC"
EVERY = "length of a bucket in ns; buckets begin at whole multiples of it since 1970"


class Conditions:
    """Collect conditions and the values bound to them."""

    def __init__(self) -> None:
        self._terms: list[str] = []
        self.values: dict[str, Any] = {}

    def bind(self, value: Any) -> str:
        """Bind a value and return its placeholder."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"${name}"

    def add(self, sql: str) -> Conditions:
        """Ask for a condition written in this layer."""
        self._terms.append(sql)
        return self

    def equal(self, column: str, value: Any) -> Conditions:
        """Ask for a column's value, or one of several; None asks for nothing."""
        if value is None:
            return self
        if isinstance(value, list | tuple | set | frozenset):
            return self.add(f"list_contains({self.bind(sorted(value))}, {column})") if value else self.add("false")
        return self.add(f"{column} = {self.bind(value)}")

    def columns(self, declared: Table, equals: Mapping[str, Any] | None) -> Conditions:
        """Ask for values of declared columns; None as a value asks for null."""
        for name, value in (equals or {}).items():
            column = quoted(declared.column(name).name)
            if value is None:
                self.add(f"{column} IS NULL")
            else:
                self.equal(column, value)
        return self

    @property
    def where(self) -> str:
        """Return the WHERE clause, empty where nothing was asked for."""
        return f"WHERE {' AND '.join(self._terms)}" if self._terms else ""


def bucket(column: str, every_ns: int) -> str:
    """Return SQL for the begin of the bucket that a time falls in."""
    if not isinstance(every_ns, int) or isinstance(every_ns, bool) or every_ns <= 0:
        raise UsageError(f"A bucket's length is a positive integer of ns; got {every_ns!r}.")
    return f"({column} - ((({column} % {every_ns}) + {every_ns}) % {every_ns}))"


def windows_relation(session: Session, windows: Sequence[Sequence[int]], name: str = "windows") -> tuple[str, int, int]:
    """Register windows ((start_ns, end_ns), ...) as a relation (n, start_ns, end_ns); also return their hull."""
    pairs = window_pairs(windows)
    rows = pa.table(
        {
            "n": pa.array(range(len(pairs)), pa.int64()),
            "start_ns": pa.array([p[0] for p in pairs], pa.int64()),
            "end_ns": pa.array([p[1] for p in pairs], pa.int64()),
        }
    )
    return session.register(name, rows), min(p[0] for p in pairs), max(p[1] for p in pairs)


def windows_rows(windows: Sequence[Sequence[int]]) -> tuple[pa.Table, int, int]:
    """Return windows as rows (place, from_ns, until_ns), and their hull."""
    pairs = window_pairs(windows)
    columns = {"place": range(len(pairs)), "from_ns": [p[0] for p in pairs], "until_ns": [p[1] for p in pairs]}
    rows = pa.table({name: pa.array(values, pa.int64()) for name, values in columns.items()})
    return rows, min(p[0] for p in pairs), max(p[1] for p in pairs)


def inside_windows(column: str, windows: Sequence[Sequence[int]]) -> tuple[str, int, int]:
    """Return SQL that says whether a time lies in one of the windows, and the windows' hull."""
    pairs = window_pairs(windows)
    terms = (f"({column} >= {start} AND {column} < {end})" for start, end in pairs)
    return f"({' OR '.join(terms)})", min(p[0] for p in pairs), max(p[1] for p in pairs)


def window_pairs(windows: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """Return windows as pairs of whole ns, or refuse what is none."""
    pairs = [(int(start), int(end)) for start, end in windows]
    if not pairs or any(end <= start for start, end in pairs):
        raise UsageError(
            f"Windows are a list of (start_ns, end_ns), each ending after it starts; got {list(windows)!r}."
        )
    return pairs


def text(argument: str, value: Any) -> str:
    """Return a text argument, or refuse what is none."""
    if not isinstance(value, str) or not value:
        raise UsageError(f"{argument} is text; got {value!r}.")
    return value
