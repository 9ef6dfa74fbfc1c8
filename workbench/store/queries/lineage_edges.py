"""The lineage graph."""

from __future__ import annotations

import pyarrow as pa

from workbench.store.engines.duckdb import Session
from workbench.store.query import Query


def _run(session: Session, *, as_of_ns: int | None = None, since_ns: int | None = None) -> pa.Table:
    until = None if as_of_ns is None else as_of_ns + 1
    sql = f"""
        SELECT upstream, downstream, list_sort(list(DISTINCT job)) AS jobs, list_sort(list(DISTINCT rule)) AS rules,
               count(DISTINCT job_run) AS job_runs, min(time_ns) AS first_ns, max(time_ns) AS last_ns
        FROM {session.relation("lineage_edges", since_ns, until)}
        GROUP BY upstream, downstream ORDER BY upstream, downstream"""
    return session.query(sql)


QUERY = Query(
    doc="Edges from input to output, merged over job runs and rules.",
    arguments={
        "as_of_ns": "optional: only edges seen up to this time, itself included",
        "since_ns": "optional: only edges seen from this time on",
    },
    columns={
        "upstream": "kind:name read from",
        "downstream": "kind:name written to",
        "jobs": "list of jobs",
        "rules": "list of rules that show the edge",
        "job_runs": "distinct job runs",
        "first_ns": "first seen",
        "last_ns": "last seen",
    },
    run=_run,
)
