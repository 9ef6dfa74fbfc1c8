"""Traces of a selection of spans."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.model.tables import SPANS
from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import END, START, Conditions
from workbench.store.query import Query

if TYPE_CHECKING:
    from workbench.store.portable import Tables


def _run(
    session: Session,
    *,
    start_ns: int,
    end_ns: int,
    equals: Mapping[str, Any] | None = None,
    attributes: Mapping[str, str] | None = None,
    min_duration_ns: int | None = None,
    max_duration_ns: int | None = None,
    limit: int = 1000,
) -> pa.Table:
    asked = Conditions().columns(SPANS, equals)
    for key, value in (attributes or {}).items():
        name = asked.bind(key)
        found = f"coalesce(map_extract_value(attributes, {name}), map_extract_value(resource, {name}))"
        asked.add(f"{found} = {asked.bind(value)}")
    if min_duration_ns is not None:
        asked.add(f"duration_ns >= {asked.bind(min_duration_ns)}")
    if max_duration_ns is not None:
        asked.add(f"duration_ns <= {asked.bind(max_duration_ns)}")
    sql = f"""
        SELECT trace_id, min(start_ns) AS start_ns, max(duration_ns) AS duration_ns, count(*) AS spans,
               count(*) FILTER (WHERE status = 'error') AS errors
        FROM {session.relation("spans", start_ns, end_ns)} {asked.where}
        GROUP BY trace_id ORDER BY duration_ns DESC, trace_id LIMIT {int(limit)}"""
    return session.query(sql, asked.values)


def _portable(
    tables: Tables, *, start_ns: int, end_ns: int, equals: Mapping[str, Any] | None = None,
    attributes: Mapping[str, str] | None = None, min_duration_ns: int | None = None,
    max_duration_ns: int | None = None, limit: int = 1000,
) -> Any:  # fmt: skip
    from workbench.store import portable as p

    spans = p.columns(tables.relation("spans", start_ns, end_ns), SPANS, equals)
    for key, value in (attributes or {}).items():
        spans = spans.filter(p.coalesce(spans.attributes.get(key), spans.resource.get(key)) == value)
    if min_duration_ns is not None:
        spans = spans.filter(spans.duration_ns >= int(min_duration_ns))
    if max_duration_ns is not None:
        spans = spans.filter(spans.duration_ns <= int(max_duration_ns))
    found = spans.group_by("trace_id").agg(
        start_ns=spans.start_ns.min(), duration_ns=spans.duration_ns.max(), spans=spans.count(),
        errors=p.count_where(spans.status == "error"),
    )  # fmt: skip
    return found.order_by([found.duration_ns.desc(), p.nulls_last(found.trace_id)]).limit(int(limit))


QUERY = Query(
    doc="Traces with a span that fits the selection, the slowest matching span first.",
    arguments={
        "start_ns": START,
        "end_ns": END,
        "equals": "optional: span column -> value, list of values, or None for null",
        "attributes": "optional: span or resource attribute -> text",
        "min_duration_ns": "optional: only spans at least so long",
        "max_duration_ns": "optional: only spans at most so long",
        "limit": "optional: at most so many traces, 1000 if not said",
    },
    columns={
        "trace_id": "32 hex digits",
        "start_ns": "begin of the earliest matching span",
        "duration_ns": "longest matching span",
        "spans": "matching spans",
        "errors": "matching spans with status error",
    },
    run=_run,
    portable=_portable,
)
