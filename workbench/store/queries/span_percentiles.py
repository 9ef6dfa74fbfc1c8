"""Durations of spans over time."""

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
    parts = []
    for low, high in _stretches(session, start_ns, end_ns, every_ns):
        asked = Conditions().columns(SPANS, equals)
        sql = f"""
            SELECT {bucket("start_ns", every_ns)} AS start_ns, service, count(*) AS count,
                   count(*) FILTER (WHERE status = 'error') AS errors,
                   quantile_cont(duration_ns, [0.5, 0.95]) FILTER (WHERE duration_ns >= 0) AS q
            FROM {session.relation("spans", low, high)} {asked.where} GROUP BY ALL"""
        parts.append(session.query(
            f"SELECT start_ns, service, count, errors, q[1] / 1e6 AS p50_ms, q[2] / 1e6 AS p95_ms FROM ({sql}) "
            "ORDER BY start_ns, service NULLS FIRST", asked.values,
        ))  # fmt: skip
    return pa.concat_tables(parts)


def _stretches(session: Session, start_ns: int, end_ns: int, every_ns: int) -> list[tuple[int, int]]:
    """Go day by day where buckets end at midnight: exact percentiles of a month at once would not fit in memory."""
    from workbench.model.window import DAY_NS

    days = session.days("spans", start_ns, end_ns) if DAY_NS % every_ns == 0 else []
    return days or [(start_ns, end_ns)]


QUERY = Query(
    doc="Spans per bucket and service: how many, how many failed, median and 95th percentile (exact, interpolated).",
    arguments={
        "start_ns": START,
        "end_ns": END,
        "every_ns": f"optional: {EVERY}; one minute if not said",
        "equals": "optional: span column -> value, list of values, or None for null",
    },
    columns={
        "start_ns": "begin of the bucket",
        "service": "service.name, null where the sender gave none",
        "count": "spans",
        "errors": "spans with status error",
        "p50_ms": "median duration; spans with a negative duration are left out",
        "p95_ms": "95th percentile of duration",
    },
    run=_run,
)
