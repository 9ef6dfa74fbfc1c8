"""Share of failed spans over time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from workbench.model.tables import SPANS
from workbench.model.window import MINUTE_NS
from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import END, EVERY, START, Conditions, bucket
from workbench.store.query import Query


def _run(
    session: Session,
    *,
    start_ns: int,
    end_ns: int,
    every_ns: int = MINUTE_NS,
    equals: Mapping[str, Any] | None = None,
) -> pa.Table:
    asked = Conditions().columns(SPANS, equals)
    sql = f"""
        SELECT *, errors / count AS error_rate FROM (
            SELECT {bucket("start_ns", every_ns)} AS start_ns, service, count(*) AS count,
                   count(*) FILTER (WHERE status = 'error') AS errors
            FROM {session.relation("spans", start_ns, end_ns)} {asked.where} GROUP BY ALL)
        ORDER BY start_ns, service NULLS FIRST"""
    return session.query(sql, asked.values)


QUERY = Query(
    doc="Failed spans per bucket and service.",
    arguments={
        "start_ns": START,
        "end_ns": END,
        "every_ns": f"optional: {EVERY}; one minute if not said",
        "equals": "optional: span column -> value, list of values, or None for null",
    },
    columns={
        "start_ns": "begin of the bucket",
        "service": "service.name",
        "count": "spans",
        "errors": "spans with status error",
        "error_rate": "share 0..1",
    },
    run=_run,
)
