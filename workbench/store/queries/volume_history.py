"""Rows of data sets over time."""

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


def _portable(tables: Tables, *, start_ns: int, end_ns: int, every_ns: int, entity: str | None = None) -> Any:
    from workbench.store import portable as p

    written, rows, decided = (
        tables.relation(name, start_ns, end_ns) for name in ("dataset_versions", "table_rows", "predictions")
    )
    decided = decided.filter(decided.model.notnull())
    unknown = p.unknown("int64")
    parts = [
        written.group_by(entity=p.named("dataset:", written.dataset), origin=p.word("dataset_versions"),
                  start_ns=p.begin(written.time_ns, every_ns))
        .agg(rows=written["rows"].sum(), bytes=written["bytes"].sum(), writes=written.count())
    ]  # fmt: skip
    for kind, origin, counted, owner in (
        ("dataset:", "table_rows", rows, rows.dataset), ("model:", "predictions", decided, decided.model),
    ):  # fmt: skip
        by = {"entity": p.named(kind, owner), "origin": p.word(origin), "start_ns": p.begin(counted.time_ns, every_ns)}
        parts.append(counted.group_by(**by).agg(rows=counted.count()).mutate(bytes=unknown, writes=unknown))
    return p.ordered(p.equal(p.together(parts), "entity", entity), "entity", "origin", "start_ns")


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
    portable=_portable,
)
