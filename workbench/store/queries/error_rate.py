"""Share of failed spans over time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.model.tables import SPANS
from workbench.model.window import MINUTE_NS
from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import Conditions
from workbench.store.queries._span_buckets import ARGUMENTS, COLUMNS, ORDER, per_bucket, portable_buckets
from workbench.store.query import Query

if TYPE_CHECKING:
    from workbench.store.portable import Tables


def _run(
    session: Session,
    *,
    start_ns: int,
    end_ns: int,
    every_ns: int = MINUTE_NS,
    equals: Mapping[str, Any] | None = None,
) -> pa.Table:
    asked = Conditions().columns(SPANS, equals)
    counted = per_bucket(session, asked, start_ns, end_ns, every_ns)
    return session.query(f"SELECT *, errors / count AS error_rate FROM {counted} {ORDER}", asked.values)


def _portable(
    tables: Tables, *, start_ns: int, end_ns: int, every_ns: int = MINUTE_NS, equals: Mapping[str, Any] | None = None,
) -> Any:  # fmt: skip
    from workbench.store import portable as p

    spans = portable_buckets(tables, start_ns, end_ns, every_ns, equals)
    failed = p.count_where(spans.status == "error")
    found = spans.group_by(start_ns=spans.bucket_ns, service=spans.service).agg(
        count=spans.count(), errors=failed, error_rate=p.quotient(failed, spans.count())
    )
    return found.order_by([found.start_ns, p.nulls_first(found.service)])


QUERY = Query(
    doc="Failed spans per bucket and service.",
    arguments=ARGUMENTS,
    columns={**COLUMNS, "error_rate": "share 0..1"},
    run=_run,
    portable=_portable,
)
