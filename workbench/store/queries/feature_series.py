"""Retrievals of features over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import END, EVERY, START, Conditions, bucket
from workbench.store.query import Query

if TYPE_CHECKING:
    from workbench.store.portable import Tables


def _run(session: Session, *, start_ns: int, end_ns: int, every_ns: int, feature: Any = None) -> pa.Table:
    asked = Conditions().equal("feature", feature)
    sql = f"""
        SELECT {bucket("time_ns", every_ns)} AS start_ns, feature, version, count(*) AS n,
               median(freshness_s) AS median_freshness_s, max(freshness_s) AS max_freshness_s,
               quantile_cont(retrieval_ms, 0.95) AS p95_retrieval_ms,
               count(*) FILTER (WHERE cache_hit) / nullif(count(cache_hit), 0) AS cache_hit_rate
        FROM {session.relation("features", start_ns, end_ns)} {asked.where}
        GROUP BY ALL ORDER BY 1, 2, 3 NULLS FIRST"""
    return session.query(sql, asked.values)


def _portable(tables: Tables, *, start_ns: int, end_ns: int, every_ns: int, feature: Any = None) -> Any:
    from workbench.store import portable as p

    rows = p.equal(tables.relation("features", start_ns, end_ns), "feature", feature)
    known = p.count_where(rows.cache_hit.notnull())
    found = rows.group_by(start_ns=p.begin(rows.time_ns, every_ns), feature=rows.feature, version=rows.version).agg(
        n=rows.count(), median_freshness_s=rows.freshness_s.quantile(0.5), max_freshness_s=rows.freshness_s.max(),
        p95_retrieval_ms=rows.retrieval_ms.quantile(0.95),
        cache_hit_rate=p.quotient(p.count_where(rows.cache_hit), known.nullif(0)),
    )  # fmt: skip
    return found.order_by([p.nulls_last(found.start_ns), p.nulls_last(found.feature), p.nulls_first(found.version)])


QUERY = Query(
    doc="Retrievals per bucket, feature and version of its definition.",
    arguments={"start_ns": START, "end_ns": END, "every_ns": EVERY, "feature": "optional: feature, or a list"},
    columns={
        "start_ns": "begin of the bucket",
        "feature": "feature",
        "version": "version of the definition",
        "n": "retrievals",
        "median_freshness_s": "median age of the value",
        "max_freshness_s": "greatest age",
        "p95_retrieval_ms": "95th percentile of the retrieval time",
        "cache_hit_rate": "share 0..1 of those that say; null where none says",
    },
    run=_run,
    portable=_portable,
)
