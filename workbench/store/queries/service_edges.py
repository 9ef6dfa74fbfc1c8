"""Who calls whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.model.window import HOUR_NS
from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import END, EVERY, START, bucket
from workbench.store.query import Query

if TYPE_CHECKING:
    from workbench.store.portable import Tables


def _run(session: Session, *, start_ns: int, end_ns: int, every_ns: int | None = None) -> pa.Table:
    begin = bucket("c.start_ns", every_ns) if every_ns is not None else str(int(start_ns))
    columns = "trace_id, span_id, service"
    # A caller's span may begin before the window; one begun more than an hour before is not looked for.
    sql = f"""
        SELECT {begin} AS start_ns, p.service AS caller, c.service AS callee, count(*) AS calls,
               count(*) FILTER (WHERE c.status = 'error') AS errors,
               CAST(sum(greatest(c.duration_ns, 0)) AS DOUBLE) / 1e9 AS seconds
        FROM (SELECT trace_id, parent_span_id, service, status, duration_ns, start_ns
              FROM {session.relation("spans", start_ns, end_ns)} WHERE parent_span_id IS NOT NULL) c
        JOIN (SELECT {columns} FROM {session.relation("spans", start_ns - HOUR_NS, end_ns + HOUR_NS)}) p
          ON c.trace_id = p.trace_id AND c.parent_span_id = p.span_id
        WHERE p.service <> c.service GROUP BY ALL ORDER BY ALL"""
    return session.query(sql)


def _portable(tables: Tables, *, start_ns: int, end_ns: int, every_ns: int | None = None) -> Any:
    from workbench.store import portable as p

    inner, outer = (
        tables.relation("spans", start_ns, end_ns),
        tables.relation("spans", start_ns - HOUR_NS, end_ns + HOUR_NS),
    )
    child = inner.filter(inner.parent_span_id.notnull())
    bucket_ns = p.begin(child.start_ns, every_ns) if every_ns is not None else p.whole(start_ns)
    columns = ("trace_id", "parent_span_id", "status", "duration_ns")
    child = child.select(*columns, callee=child.service, bucket_ns=bucket_ns)
    parent = outer.select(parent_trace=outer.trace_id, parent_id=outer.span_id, caller=outer.service)
    both = child.inner_join(parent, [child.trace_id == parent.parent_trace, child.parent_span_id == parent.parent_id])
    both = both.filter(both.caller != both.callee)
    found = both.group_by(start_ns=both.bucket_ns, caller=both.caller, callee=both.callee).agg(
        calls=both.count(), errors=p.count_where(both.status == "error"),
        seconds=p.quotient(p.at_least(both.duration_ns, 0).sum(), 1e9),
    )  # fmt: skip
    return p.ordered(found, "start_ns", "caller", "callee")


QUERY = Query(
    doc="Calls between services, from spans whose parent belongs to another service.",
    arguments={"start_ns": START, "end_ns": END, "every_ns": f"optional: {EVERY}; the whole window if not said"},
    columns={
        "start_ns": "begin of the bucket",
        "caller": "service of the parent span",
        "callee": "service of the child span",
        "calls": "child spans begun in the bucket",
        "errors": "of these, with status error",
        "seconds": "time spent in them",
    },
    run=_run,
    portable=_portable,
)
