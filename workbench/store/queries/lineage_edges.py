"""The lineage graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.store.engines.duckdb import Session
from workbench.store.query import Query

if TYPE_CHECKING:
    from workbench.store.portable import Tables


def _run(session: Session, *, as_of_ns: int | None = None, since_ns: int | None = None) -> pa.Table:
    until = None if as_of_ns is None else as_of_ns + 1
    sql = f"""
        SELECT upstream, downstream, list_sort(list(DISTINCT job)) AS jobs, list_sort(list(DISTINCT rule)) AS rules,
               count(DISTINCT job_run) AS job_runs, min(time_ns) AS first_ns, max(time_ns) AS last_ns
        FROM {session.relation("lineage_edges", since_ns, until)}
        GROUP BY upstream, downstream ORDER BY upstream, downstream"""
    return session.query(sql)


def _portable(tables: Tables, *, as_of_ns: int | None = None, since_ns: int | None = None) -> Any:
    from workbench.store import portable as p

    edges = tables.relation("lineage_edges", since_ns, None if as_of_ns is None else as_of_ns + 1)
    found = edges.group_by("upstream", "downstream").agg(
        jobs=edges.job.collect(distinct=True).sort(), rules=edges.rule.collect(distinct=True).sort(),
        job_runs=edges.job_run.nunique(), first_ns=edges.time_ns.min(), last_ns=edges.time_ns.max(),
    )  # fmt: skip
    return p.ordered(found, "upstream", "downstream")


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
    portable=_portable,
)
