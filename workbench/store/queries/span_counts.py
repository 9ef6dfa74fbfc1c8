"""Spans by operation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.model.tables import SPANS
from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import END, EVERY, START, Conditions, bucket
from workbench.store.query import Query

if TYPE_CHECKING:
    from workbench.store.portable import Tables


def _run(
    session: Session,
    *,
    start_ns: int,
    end_ns: int,
    every_ns: int | None = None,
    equals: Mapping[str, Any] | None = None,
) -> pa.Table:
    asked = Conditions().columns(SPANS, equals)
    begin = bucket("start_ns", every_ns) if every_ns is not None else str(int(start_ns))
    sql = f"""
        SELECT {begin} AS start_ns, service, name, kind, count(*) AS count,
               count(*) FILTER (WHERE status = 'error') AS errors,
               CAST(sum(greatest(duration_ns, 0)) AS DOUBLE) / 1e9 AS seconds,
               quantile_cont(duration_ns, 0.95) FILTER (WHERE duration_ns >= 0) / 1e6 AS p95_ms
        FROM {session.relation("spans", start_ns, end_ns)} {asked.where}
        GROUP BY ALL ORDER BY ALL"""
    return session.query(sql, asked.values)


def _portable(
    tables: Tables, *, start_ns: int, end_ns: int, every_ns: int | None = None, equals: Mapping[str, Any] | None = None,
) -> Any:  # fmt: skip
    from workbench.store import portable as p

    spans = p.columns(tables.relation("spans", start_ns, end_ns), SPANS, equals)
    spans = spans.mutate(bucket_ns=p.begin(spans.start_ns, every_ns) if every_ns is not None else p.whole(start_ns))
    found = spans.group_by(start_ns=spans.bucket_ns, service=spans.service, name=spans["name"], kind=spans.kind).agg(
        count=spans.count(), errors=p.count_where(spans.status == "error"),
        seconds=p.quotient(p.at_least(spans.duration_ns, 0).sum(), 1e9),
        p95_ms=p.quotient(spans.duration_ns.quantile(0.95, where=spans.duration_ns >= 0), 1e6),
    )  # fmt: skip
    return p.ordered(found, "start_ns", "service", "name", "kind")


QUERY = Query(
    doc="Spans by service, operation and kind.",
    arguments={
        "start_ns": START,
        "end_ns": END,
        "every_ns": f"optional: {EVERY}; the whole window if not said",
        "equals": "optional: span column -> value, list of values, or None for null",
    },
    columns={
        "start_ns": "begin of the bucket",
        "service": "service.name",
        "name": "operation",
        "kind": "internal, server, client, producer or consumer",
        "count": "spans",
        "errors": "spans with status error",
        "seconds": "time spent, negative durations counted as 0",
        "p95_ms": "95th percentile of duration",
    },
    run=_run,
    portable=_portable,
)
