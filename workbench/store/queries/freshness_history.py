"""Age of data over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import END, EVERY, START, Conditions, bucket
from workbench.store.query import Query

if TYPE_CHECKING:
    from workbench.store.portable import Tables


def _run(session: Session, *, start_ns: int, end_ns: int, every_ns: int, entity: str | None = None) -> pa.Table:
    asked = Conditions().equal("entity", entity)
    begin = bucket("time_ns", every_ns)
    versions, features = (session.relation(name, start_ns, end_ns) for name in ("dataset_versions", "features"))
    sql = f"""
        SELECT * FROM (
            SELECT 'dataset:' || dataset AS entity, {begin} AS start_ns, count(*) AS n,
                   max(last_updated_ns) AS newest_ns,
                   median((time_ns - last_updated_ns) / 1e9) AS median_age_s,
                   max((time_ns - last_updated_ns) / 1e9) AS max_age_s
            FROM {versions} GROUP BY ALL
            UNION ALL
            SELECT 'feature:' || feature, {begin}, count(*), CAST(NULL AS BIGINT), median(freshness_s), max(freshness_s)
            FROM {features} GROUP BY ALL)
        {asked.where} ORDER BY entity, start_ns"""
    return session.query(sql, asked.values)


def _portable(tables: Tables, *, start_ns: int, end_ns: int, every_ns: int, entity: str | None = None) -> Any:
    from workbench.store import portable as p

    written, taken = (tables.relation(name, start_ns, end_ns) for name in ("dataset_versions", "features"))
    age = p.quotient(written.time_ns - written.last_updated_ns, 1e9)
    parts = [
        written.group_by(entity=p.named("dataset:", written.dataset), start_ns=p.begin(written.time_ns, every_ns))
        .agg(n=written.count(), newest_ns=written.last_updated_ns.max(), median_age_s=age.quantile(0.5),
             max_age_s=age.max()),
        taken.group_by(entity=p.named("feature:", taken.feature), start_ns=p.begin(taken.time_ns, every_ns))
        .agg(n=taken.count(), median_age_s=taken.freshness_s.quantile(0.5), max_age_s=taken.freshness_s.max())
        .mutate(newest_ns=p.unknown("int64")),
    ]  # fmt: skip
    return p.ordered(p.equal(p.together(parts), "entity", entity), "entity", "start_ns")


QUERY = Query(
    doc="Age of the newest record when a data set was written, and of feature values when they were retrieved.",
    arguments={
        "start_ns": START,
        "end_ns": END,
        "every_ns": EVERY,
        "entity": "optional: dataset:NAME or feature:NAME, or a list",
    },
    columns={
        "entity": "dataset:NAME or feature:NAME",
        "start_ns": "begin of the bucket",
        "n": "writes, or retrievals",
        "newest_ns": "newest record; null where no writer said, and for features",
        "median_age_s": "median age; null is unknown",
        "max_age_s": "greatest age",
    },
    run=_run,
    portable=_portable,
)
