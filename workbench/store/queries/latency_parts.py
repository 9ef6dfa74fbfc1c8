"""Where a service's time goes: queue, forward pass, the rest."""

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
    session: Session, *, start_ns: int, end_ns: int, every_ns: int, equals: Mapping[str, Any] | None = None
) -> pa.Table:
    asked = Conditions().columns(SPANS, equals).add("(queue_wait_ms IS NOT NULL OR forward_pass_ms IS NOT NULL)")
    # Whole nanoseconds add up to the same sum in any order; what is no finite number is left out.
    queue, forward = (f"TRY_CAST(round({c} * 1e6) AS BIGINT)" for c in ("queue_wait_ms", "forward_pass_ms"))
    sql = f"""
        SELECT {bucket("start_ns", every_ns)} AS start_ns, service, host, gpu, count(*) AS n,
               sum(duration_ns) / 1e6 / count(*) AS mean_ms,
               sum({queue}) / 1e6 / count({queue}) AS mean_queue_wait_ms,
               sum({forward}) / 1e6 / count({forward}) AS mean_forward_pass_ms,
               quantile_cont(queue_wait_ms, 0.95) AS p95_queue_wait_ms,
               quantile_cont(forward_pass_ms, 0.95) AS p95_forward_pass_ms
        FROM {session.relation("spans", start_ns, end_ns)} {asked.where}
        GROUP BY ALL ORDER BY 1, 2 NULLS FIRST, 3 NULLS FIRST, 4 NULLS FIRST"""
    return session.query(sql, asked.values)


def _portable(
    tables: Tables, *, start_ns: int, end_ns: int, every_ns: int, equals: Mapping[str, Any] | None = None,
) -> Any:  # fmt: skip
    from workbench.store import portable as p

    spans = p.columns(tables.relation("spans", start_ns, end_ns), SPANS, equals)
    spans = spans.filter(spans.queue_wait_ms.notnull() | spans.forward_pass_ms.notnull())
    queue, forward = (p.whole_or_null(column * 1e6) for column in (spans.queue_wait_ms, spans.forward_pass_ms))
    by = {"start_ns": p.begin(spans.start_ns, every_ns), "service": spans.service, "host": spans.host, "gpu": spans.gpu}
    found = spans.group_by(**by).agg(
        n=spans.count(), mean_ms=p.quotient(p.quotient(spans.duration_ns.sum(), 1e6), spans.count()),
        mean_queue_wait_ms=p.quotient(p.quotient(queue.sum(), 1e6), queue.count()),
        mean_forward_pass_ms=p.quotient(p.quotient(forward.sum(), 1e6), forward.count()),
        p95_queue_wait_ms=spans.queue_wait_ms.quantile(0.95),
        p95_forward_pass_ms=spans.forward_pass_ms.quantile(0.95),
    )  # fmt: skip
    return found.order_by([p.nulls_first(found[name]) for name in by])


QUERY = Query(
    doc="Queue wait and forward pass of spans that say them, per bucket, service, host and GPU.",
    arguments={
        "start_ns": START,
        "end_ns": END,
        "every_ns": EVERY,
        "equals": "optional: span column -> value, list of values, or None for null",
    },
    columns={
        "start_ns": "begin of the bucket",
        "service": "service.name",
        "host": "host or pod",
        "gpu": "GPU",
        "n": "spans that say queue wait or forward pass",
        "mean_ms": "mean duration of these",
        "mean_queue_wait_ms": "mean of those that say it",
        "mean_forward_pass_ms": "mean of those that say it",
        "p95_queue_wait_ms": "95th percentile",
        "p95_forward_pass_ms": "95th percentile",
    },
    run=_run,
    portable=_portable,
)
