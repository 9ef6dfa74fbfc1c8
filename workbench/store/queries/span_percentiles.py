"""Durations of spans over time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.model.tables import SPANS
from workbench.model.window import DAY_NS, MINUTE_NS
from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import Conditions, bucket
from workbench.store.queries._span_buckets import ARGUMENTS, COLUMNS, ORDER, per_bucket, portable_buckets
from workbench.store.queries._span_quantiles import MOST_SERVICES, sorted_percentiles
from workbench.store.query import Query

if TYPE_CHECKING:
    from workbench.store.portable import Tables

_QUANTILES = "quantile_cont(duration_ns, [0.5, 0.95]) FILTER (WHERE duration_ns >= 0) AS q"


def _run(
    session: Session,
    *,
    start_ns: int,
    end_ns: int,
    every_ns: int = MINUTE_NS,
    equals: Mapping[str, Any] | None = None,
) -> pa.Table:
    bucket("start_ns", every_ns)  # Refuses a length that is none.
    stretches = _stretches(session, start_ns, end_ns, every_ns)
    asked = Conditions().columns(SPANS, equals)
    services = session.query(
        f"SELECT DISTINCT service FROM {session.relation('spans', start_ns, end_ns)} {asked.where} "
        "ORDER BY service NULLS FIRST", asked.values,
    ).column(0).to_pylist()  # fmt: skip
    if 0 < len(services) <= MOST_SERVICES:
        return sorted_percentiles(session, asked, services, stretches, every_ns)
    parts = []
    for low, high in stretches:
        counted = per_bucket(session, asked, low, high, every_ns, further=_QUANTILES)
        parts.append(session.query(
            "SELECT start_ns, service, count, errors, q[1] / 1e6 AS p50_ms, q[2] / 1e6 AS p95_ms "
            f"FROM {counted} {ORDER}", asked.values,
        ))  # fmt: skip
    return pa.concat_tables(parts)


def _stretches(session: Session, start_ns: int, end_ns: int, every_ns: int) -> list[tuple[int, int]]:
    """Go day by day where buckets end at midnight: exact percentiles of a month at once would not fit in memory."""
    days = session.days("spans", start_ns, end_ns) if DAY_NS % every_ns == 0 else []
    return days or [(start_ns, end_ns)]


def _portable(
    tables: Tables, *, start_ns: int, end_ns: int, every_ns: int = MINUTE_NS, equals: Mapping[str, Any] | None = None,
) -> Any:  # fmt: skip
    from workbench.store import portable as p

    spans = portable_buckets(tables, start_ns, end_ns, every_ns, equals)
    sane = spans.duration_ns >= 0
    found = spans.group_by(start_ns=spans.bucket_ns, service=spans.service).agg(
        count=spans.count(), errors=p.count_where(spans.status == "error"),
        p50_ms=p.quotient(spans.duration_ns.quantile(0.5, where=sane), 1e6),
        p95_ms=p.quotient(spans.duration_ns.quantile(0.95, where=sane), 1e6),
    )  # fmt: skip
    return found.order_by([found.start_ns, p.nulls_first(found.service)])


QUERY = Query(
    doc="Spans per bucket and service: how many, how many failed, median and 95th percentile (exact, interpolated).",
    arguments=ARGUMENTS,
    columns={
        **COLUMNS,
        "p50_ms": "median duration; spans with a negative duration are left out",
        "p95_ms": "95th percentile of duration",
    },
    run=_run,
    portable=_portable,
)
