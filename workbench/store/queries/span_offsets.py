"""How long after their parents spans begin, by the two machines that stamped them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.model.window import HOUR_NS
from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import END, EVERY, START, bucket
from workbench.store.query import Query

if TYPE_CHECKING:
    from workbench.store.portable import Tables


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


def _portable(tables: Tables, *, start_ns: int, end_ns: int, every_ns: int) -> Any:
    from workbench.store import portable as p

    inner, outer = (tables.relation("spans", start_ns - early, end_ns + early) for early in (0, HOUR_NS))
    child = inner.filter(inner.parent_span_id.notnull() & inner.host.notnull())
    child = child.select(
        "trace_id", "parent_span_id", begun_ns=child.start_ns, child_host=child.host,
        bucket_ns=p.begin(child.start_ns, every_ns),
    )  # fmt: skip
    parent = outer.filter(outer.host.notnull())
    parent = parent.select(
        parent_trace=parent.trace_id, parent_id=parent.span_id, parent_host=parent.host, from_ns=parent.start_ns,
        until_ns=parent.end_ns,
    )  # fmt: skip
    both = child.inner_join(parent, [child.trace_id == parent.parent_trace, child.parent_span_id == parent.parent_id])
    both = both.filter(both.parent_host != both.child_host)
    found = both.group_by(start_ns=both.bucket_ns, parent_host=both.parent_host, child_host=both.child_host).agg(
        n=both.count(), median_ms=p.quotient((both.begun_ns - both.from_ns).quantile(0.5), 1e6),
        outside=p.count_where((both.begun_ns < both.from_ns) | (both.begun_ns > both.until_ns)),
    )  # fmt: skip
    return p.ordered(found, "start_ns", "parent_host", "child_host")


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
    portable=_portable,
)
