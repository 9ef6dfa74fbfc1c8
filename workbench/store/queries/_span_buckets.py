"""Spans per bucket of time and service: the part that questions about rates and durations share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workbench.model.tables import SPANS
from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import END, EVERY, START, Conditions, bucket

if TYPE_CHECKING:
    from workbench.store.portable import Tables

ARGUMENTS = {
    "start_ns": START,
    "end_ns": END,
    "every_ns": f"optional: {EVERY}; one minute if not said",
    "equals": "optional: span column -> value, list of values, or None for null",
}
COLUMNS = {
    "start_ns": "begin of the bucket",
    "service": "service.name, null where the sender gave none",
    "count": "spans",
    "errors": "spans with status error",
}
ORDER = "ORDER BY start_ns, service NULLS FIRST"


def per_bucket(
    session: Session, asked: Conditions, start_ns: int, end_ns: int, every_ns: int, *, further: str = ""
) -> str:
    """Return SQL for the columns above, one row a bucket and service, and for *further* aggregates."""
    begin = bucket("start_ns", every_ns)
    if start_ns >= 0:
        # Since 1970 one remainder is enough: a tenth of the question's time less.
        begin = f"(start_ns - start_ns % {every_ns})"
    return f"""(
        SELECT {begin} AS start_ns, service, count(*) AS count,
               count(*) FILTER (WHERE status = 'error') AS errors{", " if further else ""}{further}
        FROM {session.relation("spans", start_ns, end_ns)} {asked.where} GROUP BY ALL)"""


def portable_buckets(
    tables: Tables, start_ns: int, end_ns: int, every_ns: int, equals: Mapping[str, Any] | None
) -> Any:
    """Return the spans asked for as an Ibis table, each with the begin of its bucket in ``bucket_ns``."""
    from workbench.store import portable as p

    spans = p.columns(tables.relation("spans", start_ns, end_ns), SPANS, equals)
    return spans.mutate(bucket_ns=p.begin(spans.start_ns, every_ns))
