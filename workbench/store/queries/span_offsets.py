"""How long after their parents spans begin, by the two machines that stamped them."""

from __future__ import annotations

import pyarrow as pa

from workbench.model.window import HOUR_NS
from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import END, EVERY, START, bucket
from workbench.store.query import Query


def _run(session: Session, *, start_ns: int, end_ns: int, every_ns: int) -> pa.Table:
    columns = "trace_id, span_id, host, start_ns, end_ns"
    outer = session.relation("spans", start_ns - HOUR_NS, end_ns + HOUR_NS)
    sql = f"""
        SELECT {bucket("c.start_ns", every_ns)} AS start_ns, p.host AS parent_host, c.host AS child_host,
               count(*) AS n, median(c.start_ns - p.start_ns) / 1e6 AS median_ms,
               count(*) FILTER (WHERE c.start_ns < p.start_ns OR c.start_ns > p.end_ns) AS outside
        FROM (SELECT trace_id, parent_span_id, host, start_ns FROM {session.relation("spans", start_ns, end_ns)}
              WHERE parent_span_id IS NOT NULL AND host IS NOT NULL) c
        JOIN (SELECT {columns} FROM {outer} WHERE host IS NOT NULL) p
          ON c.trace_id = p.trace_id AND c.parent_span_id = p.span_id
        WHERE p.host <> c.host GROUP BY ALL ORDER BY ALL"""
    return session.query(sql)


QUERY = Query(
    doc="Begins of spans against those of their parents on other machines, per bucket: what a wrong clock moves.",
    arguments={"start_ns": START, "end_ns": END, "every_ns": EVERY},
    columns={
        "start_ns": "begin of the bucket",
        "parent_host": "machine of the parent span",
        "child_host": "machine of the child span",
        "n": "pairs",
        "median_ms": "median of the child's begin minus the parent's",
        "outside": "of these, begun before the parent began or after it ended",
    },
    run=_run,
)
