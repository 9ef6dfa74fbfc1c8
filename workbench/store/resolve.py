"""SQL that leaves one row per key: the same winner for any order of arrival."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.errors import UsageError
from workbench.model.tables import PROVENANCE, Table
from workbench.store.layout import time_column
from workbench.store.segments import Segment


def quoted(name: str) -> str:
    """Return a declared name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return text as an SQL literal; for paths of our own making, where no value can be bound."""
    return "'" + text.replace("'", "''") + "'"


def key_columns(table: Table) -> str:
    """Return the key as a list of identifiers, without the environment, which is fixed for a reader."""
    return ", ".join(quoted(name) for name in table.key)


def all_columns(table: Table) -> str:
    """Return every declared column as a list of identifiers."""
    return ", ".join(quoted(c.name) for c in table)


def winner_order(table: Table) -> str:
    """Return the order in which the winner of a key comes first.

    Greatest *latest_by*, then the columns in their declared order, each the greatest
    first and null last: comparing column by column is comparing canonical bytes in an
    encoding that keeps order. Provenance stands last, only to make files reproducible.
    """
    names = [table.latest_by] if table.latest_by else []
    names += [c.name for c in table.own_columns if c.name not in table.key]
    terms = [f"{quoted(n)} DESC NULLS LAST" for n in names]
    terms += [f"{quoted(c.name)} ASC NULLS LAST" for c in reversed(PROVENANCE)]
    return ", ".join(terms)


def resolved(table: Table, source: str, *, keep: str = "") -> str:
    """Return SQL for *source* (a parenthesised select or a name) with one row a key."""
    key = key_columns(table)
    return (
        f"(SELECT {all_columns(table)}{keep} FROM {source} "
        f"QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY {winner_order(table)}) = 1)"
    )


def without_keys(table: Table, source: str, keys: str) -> str:
    """Return SQL for the rows of *source* whose key is not in *keys*."""
    return f"(SELECT l.* FROM {source} l ANTI JOIN {keys} r ON {_same_key(table)})"


def with_keys(table: Table, source: str, keys: str) -> str:
    """Return SQL for the rows of *source* whose key is in *keys*."""
    return f"(SELECT l.* FROM {source} l SEMI JOIN {keys} r ON {_same_key(table)})"


def parquet(paths: Sequence[str]) -> str:
    """Return SQL that reads exactly these files."""
    return f"read_parquet([{', '.join(literal(p) for p in paths)}], hive_partitioning=false)"


def needed(
    declared: Table, segments: Sequence[Segment], start_ns: int | None, end_ns: int | None
) -> tuple[int | None, int | None]:
    """Return the bounds that cut anything off these segments: where all rows lie within, times need no reading."""
    if not segments or not declared.column(time_column(declared)).required:
        return start_ns, end_ns
    low, high = min(s.min_ns for s in segments), max(s.max_ns for s in segments)
    start_ns = None if start_ns is not None and whole(start_ns) <= low else start_ns
    return start_ns, None if end_ns is not None and whole(end_ns) > high else end_ns


def within(declared: Table, source: str, start_ns: int | None, end_ns: int | None) -> str:
    """Return SQL for the rows of *source* within ``start_ns <= time < end_ns``."""
    terms = []
    if start_ns is not None:
        terms.append(f"{quoted(time_column(declared))} >= {whole(start_ns)}")
    if end_ns is not None:
        terms.append(f"{quoted(time_column(declared))} < {whole(end_ns)}")
    return f"(SELECT * FROM {source} WHERE {' AND '.join(terms)})" if terms else source


def whole(number: int) -> int:
    """Return a time as it is, or refuse what is no integer."""
    if not isinstance(number, int) or isinstance(number, bool):
        raise UsageError(f"A time is integer nanoseconds UTC; got {number!r}.")
    return number


def _same_key(table: Table) -> str:
    return " AND ".join(f"l.{quoted(n)} = r.{quoted(n)}" for n in table.key)
