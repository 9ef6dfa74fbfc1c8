"""Share of failed spans over time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from workbench.model.tables import SPANS
from workbench.model.window import MINUTE_NS
from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import Conditions
from workbench.store.queries._span_buckets import ARGUMENTS, COLUMNS, ORDER, per_bucket
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
    counted = per_bucket(session, asked, start_ns, end_ns, every_ns)
    return session.query(f"SELECT *, errors / count AS error_rate FROM {counted} {ORDER}", asked.values)


QUERY = Query(
    doc="Failed spans per bucket and service.",
    arguments=ARGUMENTS,
    columns={**COLUMNS, "error_rate": "share 0..1"},
    run=_run,
)
