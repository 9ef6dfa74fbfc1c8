"""What portable queries are made of: tables, conditions and buckets of time as Ibis expressions.

A portable query is one Ibis expression; an engine compiles it to its own SQL. Rules that engines differ in are
spelt out here or in the expression, never left to an engine's default: where nulls stand in an order, that a quotient
is of floats, which row of equal ones is first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import ibis

from workbench.errors import UsageError
from workbench.model.tables import Table

HIDDEN = "hidden."
"""Prefix of columns that an answer is only ordered by; the engine leaves them out."""


class Tables(Protocol):
    """Where a portable query finds its rows."""

    def relation(self, name: str, start_ns: int | None = None, end_ns: int | None = None) -> Any:
        """Return a declared table's rows, one a key, within ``start_ns <= time < end_ns``, as an Ibis table."""

    def register(self, rows: Any) -> Any:
        """Return rows of the caller (an Arrow table) as an Ibis table."""


def equal(rows: Any, column: str, value: Any) -> Any:
    """Keep rows with a column's value, or one of several; None asks for nothing."""
    if value is None:
        return rows
    if isinstance(value, list | tuple | set | frozenset):
        return rows.filter(rows[column].isin(sorted(value)) if value else ibis.literal(False))
    return rows.filter(rows[column] == value)


def columns(rows: Any, declared: Table, equals: Mapping[str, Any] | None) -> Any:
    """Keep rows with these values of declared columns; None as a value asks for null."""
    for name, value in (equals or {}).items():
        column = declared.column(name).name
        rows = rows.filter(rows[column].isnull()) if value is None else equal(rows, column, value)
    return rows


def begin(column: Any, every_ns: int) -> Any:
    """Return the begin of the bucket that a time falls in."""
    if not isinstance(every_ns, int) or isinstance(every_ns, bool) or every_ns <= 0:
        raise UsageError(f"A bucket's length is a positive integer of ns; got {every_ns!r}.")
    return column - (((column % every_ns) + every_ns) % every_ns)


def count_where(condition: Any) -> Any:
    """Count the rows for which a condition holds; null does not hold; 0 where none does."""
    return ibis.coalesce(ibis.ifelse(ibis.coalesce(condition, ibis.literal(False)), 1, 0).cast("int64").sum(), 0)


def quotient(above: Any, below: Any) -> Any:
    """Divide as floats, null where the divisor is 0: some engines divide whole numbers as decimals, some refuse 0."""
    below = ibis.literal(float(below), "float64") if isinstance(below, int | float) else below.nullif(0)
    return above.cast("float64") / below.cast("float64")


def nulls_first(column: Any) -> Any:
    """Order upwards, null before everything."""
    return column.asc(nulls_first=True)


def nulls_last(column: Any) -> Any:
    """Order upwards, null after everything."""
    return column.asc(nulls_first=False)


def ordered(rows: Any, *names: str) -> Any:
    """Order by columns upwards, null last."""
    return rows.order_by([nulls_last(rows[name]) for name in names])


def lookup(rows: Any, declared: Table, *order: str | tuple[str, ...]) -> Any:
    """Return a table's own columns in an order; a tuple stands for the first of its columns that is not null."""
    names = [name if isinstance(name, str) else f"{HIDDEN}{'.'.join(name)}" for name in order]
    hidden = {shown: coalesce(*(rows[c] for c in name)) for shown, name in zip(names, order, strict=True)
              if isinstance(name, tuple)}  # fmt: skip
    return ordered(rows.select(*(c.name for c in declared.own_columns), **hidden), *names)


def place(rows: Any, group: Sequence[str], order: Sequence[Any]) -> Any:
    """Number the rows of each group in an order, from 0."""
    return ibis.row_number().over(window([rows[name] for name in group], order))


def window(group: Sequence[Any], order: Sequence[Any]) -> Any:
    """Return the window of a row's group in an order."""
    return ibis.window(group_by=list(group), order_by=list(order))


def first_of(rows: Any, group: Sequence[str], order: Sequence[Any], count: int = 1) -> Any:
    """Keep the first rows of each group in an order."""
    numbered = rows.mutate(place_in_group=place(rows, group, order))
    return numbered.filter(numbered.place_in_group < count).drop("place_in_group")


def cells(rows: Any, column: str) -> Any:
    """Return one row a cell of a map column: the rows' other columns, ``col`` and ``v``, null cells included."""
    keyed = rows.filter(rows[column].notnull())
    keyed = keyed.mutate(col=keyed[column].keys().unnest())
    return keyed.mutate(v=keyed[column].get(keyed.col)).drop(column)


def together(parts: Sequence[Any]) -> Any:
    """Put rows of the same columns below each other, none left out."""
    whole_of = parts[0]
    for part in parts[1:]:
        whole_of = whole_of.union(part.select(whole_of.columns), distinct=False)
    return whole_of


def inside(time: Any, windows: Sequence[tuple[int, int]]) -> Any:
    """Say whether a time lies in one of the windows."""
    return ibis.or_(*((time >= start) & (time < end) for start, end in windows))


def coalesce(*values: Any) -> Any:
    """Return the first value that is not null."""
    return ibis.coalesce(*values)


def at_least(value: Any, least: int) -> Any:
    """Raise what is lower to *least*; null stays null."""
    return ibis.greatest(value, whole(least))


def named(prefix: str, value: Any) -> Any:
    """Return an entity's name from a constant prefix; null where the value is null."""
    return word(prefix).concat(value)


def word(value: str) -> Any:
    """Return a constant text."""
    return ibis.literal(value, "string")


def whole(value: int) -> Any:
    """Return a constant int64."""
    return ibis.literal(int(value), "int64")


def truth(*, value: bool) -> Any:
    """Return a constant boolean."""
    return ibis.literal(value, "boolean")


def unknown(type_: str) -> Any:
    """Return null of a type."""
    return ibis.null(type_)


def whole_or_null(value: Any) -> Any:
    """Round a float to int64; null where it is none or no finite number that fits."""
    return ibis.ifelse(value.abs() < 9.2e18, value, ibis.null("float64")).round().cast("int64")


def texts(column: Any) -> Any:
    """Collect the distinct texts of a group, sorted; null where there is none."""
    found = column.collect(distinct=True, where=column.notnull()).sort()
    return ibis.ifelse(found.length() > 0, found, ibis.null("array<string>"))
