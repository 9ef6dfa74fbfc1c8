"""Spans of other formats in the shape of OTLP JSON, so that ids, times and attributes are read by one code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from workbench.sources import Batch, Context
from workbench.sources._json import canonical, integer
from workbench.sources._otlp_spans_dicts import rows

NS_PER_US = 1000


def any_value(value: object) -> dict[str, Any]:
    """Return a plain value as OTLP's AnyValue; lists and objects as JSON text, null says nothing."""
    if value is None:
        return {}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": value if isinstance(value, str) else canonical(value)}


def attributes(pairs: Mapping[str, object]) -> list[dict[str, Any]]:
    """Return names and plain values as a list of OTLP attributes."""
    return [{"key": name, "value": any_value(value)} for name, value in pairs.items()]


def nanoseconds(sent: object) -> int | None:
    """Return microseconds, a whole number or text, as nanoseconds; a fraction is cut below one; None for no time."""
    whole = integer(sent)
    if whole is None and isinstance(sent, float) and 0 < sent < 1e16:
        return int(sent * NS_PER_US)
    return None if whole is None else whole * NS_PER_US


def interval(start: object, duration: object) -> dict[str, str]:
    """Return begin and end as OTLP writes them from begin and duration in microseconds; what is unknown is left out."""
    begin, lasted = nanoseconds(start), nanoseconds(duration)
    found = {} if begin is None else {"startTimeUnixNano": str(begin)}
    if begin is not None and lasted is not None and lasted >= 0:
        found["endTimeUnixNano"] = str(begin + lasted)
    return found


def batch(resources: Sequence[tuple[Mapping[str, object], list[dict[str, Any]], str]], source: str,
          context: Context) -> Batch:  # fmt: skip
    """Return the rows of spans, given by resource attributes, spans and place, as sent by *source*."""
    documents = []
    for shared, spans, place in resources:
        held = {"resource": {"attributes": attributes(shared)}, "scopeSpans": [{"spans": spans}]}
        documents += [({"resourceSpans": [held]}, place)] if spans else []
    if not documents:
        return Batch({})
    made = rows(documents, context)
    tables = {name: table.set_column(table.column_names.index("source"), table.schema.field("source"),
                                     pa.array([source] * table.num_rows, table.schema.field("source").type))
              for name, table in made.tables.items()}  # fmt: skip
    return Batch(tables, made.rejections)
