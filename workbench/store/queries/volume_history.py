"""Rows of data sets over time."""

from __future__ import annotations

import pyarrow as pa

from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import END, EVERY, START, Conditions, bucket
from workbench.store.query import Query


def _run(session: Session, *, start_ns: int, end_ns: int, every_ns: int, entity: str | None = None) -> pa.Table:
    asked = Conditions().equal("entity", entity)
    begin = bucket("time_ns", every_ns)
    versions, rows, predictions = (
        session.relation(name, start_ns, end_ns) for name in ("dataset_versions", "table_rows", "predictions")
    )
    sql = f"""
        SELECT * FROM (
            SELECT 'dataset:' || dataset AS entity, 'dataset_versions' AS origin, {begin} AS start_ns,
                   CAST(sum(rows) AS BIGINT) AS rows, CAST(sum(bytes) AS BIGINT) AS bytes, count(*) AS writes
            FROM {versions} GROUP BY ALL
            UNION ALL
            SELECT 'dataset:' || dataset, 'table_rows', {begin}, count(*), NULL, NULL FROM {rows} GROUP BY ALL
            UNION ALL
            SELECT 'model:' || model, 'predictions', {begin}, count(*), NULL, NULL FROM {predictions}
            WHERE model IS NOT NULL GROUP BY ALL)
        {asked.where} ORDER BY entity, origin, start_ns"""
    return session.query(sql, asked.values)


QUERY = Query(
    doc="Rows per bucket of each data set (as its writers say, and as its rows count) and of each model's predictions.",
    arguments={
        "start_ns": START,
        "end_ns": END,
        "every_ns": EVERY,
        "entity": "optional: dataset:NAME or model:NAME, or a list",
    },
    columns={
        "entity": "dataset:NAME or model:NAME",
        "origin": "dataset_versions, table_rows or predictions",
        "start_ns": "begin of the bucket; one without rows has no line",
        "rows": "rows; null where no writer said",
        "bytes": "bytes written; null where unknown",
        "writes": "versions written; null for rows and predictions",
    },
    run=_run,
)
