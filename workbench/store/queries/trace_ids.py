"""Traces of a selection of spans."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from workbench.model.tables import SPANS
from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import END, START, Conditions
from workbench.store.query import Query


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
)
