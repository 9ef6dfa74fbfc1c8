"""What portable queries are made of: tables, conditions and buckets of time as Ibis expressions.

A portable query is one Ibis expression, noted (``expression``) and compiled once for each form of it; an engine has its
own SQL. Rules that engines differ in are
spelt out here or in the expression, never left to an engine's default: where nulls stand in an order, that a quotient
is of floats, which row of equal ones is first.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from workbench.errors import UsageError
from workbench.model.tables import Table
from workbench.store.expression import Words, builtin
from workbench.store.forms import HIDDEN as HIDDEN

ibis = Words()

_WHOLE_FROM = 2.0**53
"""From here on every float is a whole number."""
_MANTISSA, _BIAS = 52, 1023
"""Bits of a float64's mantissa, and what its exponent is raised by."""
_EVENT = "struct<name: string, attributes: map<string, string>>"
_NUMBER_ENTRIES = "array<struct<key: string, value: float64>>"
_TEXT_ENTRIES = "array<struct<key: string, value: string>>"


class Tables(Protocol):
    """Where a portable query finds its rows."""

    def relation(self, name: str, start_ns: int | None = None, end_ns: int | None = None) -> Any:
        """Return a declared table's rows, one a key, within ``start_ns <= time < end_ns``, as an Ibis table."""

    def filled(self, name: str) -> bool:
        """Say whether a declared table has rows at all."""

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
    below = real(below) if isinstance(below, int | float) else below.nullif(0)
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
    if len(parts) == 1:
        return parts[0]
    # Halves of halves: a chain of many would be nested as deep as it is long.
    left, right = together(parts[: len(parts) // 2]), together(parts[len(parts) // 2 :])
    return left.union(right.select(left.columns), distinct=False)


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


def real(value: float) -> Any:
    """Return a constant float64; written as digits alone, engines take it for a decimal and compare as decimals."""
    return word(repr(float(value))).cast("float64")


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


def either(condition: Any, then: Any, otherwise: Any) -> Any:
    """Return one of two values; null does not hold."""
    return ibis.ifelse(condition, then, otherwise)


def rounded(value: Any) -> Any:
    """Return the nearest whole number as a float, so that numbers beyond int64 stay what they are."""
    small = value.abs() < real(_WHOLE_FROM)
    # What is too large is left out first: an engine may work both sides out for every row.
    return either(small, either(small, value, real(0.0)).round().cast("float64"), value)


def finite(value: Any) -> Any:
    """Say whether a float is finite; null is not."""
    return coalesce(value.abs() <= real(sys.float_info.max), truth(value=False))


def top_bits(value: Any, shift: Any) -> Any:
    """Return the leading bits of a positive, normal float64, as ``model.grid.top_bits`` does, by exact arithmetic.

    No engine's SQL looks at a float's bits in the same words. The logarithm is only a first guess at the exponent.
    """
    guess = value.log2().floor()
    exponent = guess + either(_power(guess) > value, -1, 0) + either(_power(guess) * real(2.0) <= value, 1, 0)
    parts = _power((whole(_MANTISSA) - shift).cast("float64"))
    part = ((value / _power(exponent) - real(1.0)) * parts).floor()
    return ((exponent + real(_BIAS)) * parts + part).cast("int64")


def _power(exponent: Any) -> Any:
    return real(2.0) ** exponent


def digest(text: Any) -> Any:
    """Return a text's MD5 in hexadecimal; null for null."""
    return text.hexdigest("md5")


def lowest_digests(rows: Any, own_id: str, count: int) -> Any:
    """Keep so many rows, those whose id has the lowest digest: the same ones wherever it is asked."""
    return first_of(rows, (), [digest(rows[own_id]).asc(), rows[own_id].asc()], int(count))


def joined(*values: Any) -> Any:
    """Join values by a blank, nulls left out."""
    parts = [coalesce(word(" ").concat(value.cast("string")), word("")) for value in values]
    return parts[0].concat(*parts[1:])


def hits(rows: Any, tests: Mapping[str, Any], table: str, time: str) -> Any:
    """Count the rows for which each named test holds, with the first and last time of them, in one pass."""
    names = ibis.array([either(test, word(name), unknown("string")) for name, test in tests.items()])
    found = rows.filter(ibis.or_(*tests.values())).select(hit=names.unnest(), at=rows[time])
    found = found.filter(found.hit.notnull())
    counted = found.group_by(table=word(table), column=found.hit)
    return counted.agg(n=found.count(), first_ns=found["at"].min(), last_ns=found["at"].max())


_FROM_JSON = builtin("from_json", ("string", "string"), f"array<{_EVENT}>")
_ENTRIES_OF_NUMBERS = builtin("map_entries", ("map<string, float64>",), _NUMBER_ENTRIES)
_ENTRIES_OF_TEXTS = builtin("map_entries", ("map<string, string>",), _TEXT_ENTRIES)


def entries(held: Any) -> Any:
    """Return a map's entries in order, none for a map that is null: two maps are equal where these are."""
    numbers = held.type().value_type.is_floating()
    listed = (_ENTRIES_OF_NUMBERS if numbers else _ENTRIES_OF_TEXTS)(held).sort()
    return coalesce(listed, ibis.literal([], _NUMBER_ENTRIES if numbers else _TEXT_ENTRIES))


def events(rows: Any, kept: Sequence[str], **more: Any) -> Any:
    """Return one row an event of spans: kept columns, ``event`` (its name) and ``told`` (its attributes as texts)."""
    shape = word(f"array<{_EVENT}>")
    each = rows.select(*kept, **more, one_event=_FROM_JSON(rows.events, shape).unnest())
    return each.mutate(event=each.one_event["name"], told=each.one_event["attributes"]).drop("one_event")
