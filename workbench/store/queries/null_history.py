"""Missing cells over time."""

from __future__ import annotations

import pyarrow as pa

from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import END, EVERY, START, Conditions, bucket
from workbench.store.query import Query


def _cells(relation: str, owner: str, origin: str, maps: tuple[str, str], begin: str) -> str:
    kind = "dataset" if origin == "table_rows" else "model"
    parts = (
        f"SELECT {owner} AS owner, {begin} AS start_ns, unnest(map_keys({m})) AS col, "
        f"unnest(map_values({m})) IS NULL AS missing "
        f"FROM {relation} WHERE {owner} IS NOT NULL"
        for m in maps
    )
    return f"""
        SELECT '{kind}:' || owner AS entity, '{origin}' AS origin, col AS column_name, start_ns,
               count(*) AS rows, count(*) FILTER (WHERE missing) AS nulls
        FROM ({" UNION ALL ".join(parts)}) GROUP BY ALL"""


def _run(session: Session, *, start_ns: int, end_ns: int, every_ns: int, entity: str | None = None) -> pa.Table:
    asked = Conditions().equal("entity", entity)
    begin = bucket("time_ns", every_ns)
    versions, rows, predictions = (
        session.relation(name, start_ns, end_ns) for name in ("dataset_versions", "table_rows", "predictions")
    )
    sql = f"""
        SELECT entity, origin, column_name AS "column", start_ns, rows, nulls FROM (
            SELECT 'dataset:' || dataset AS entity, 'dataset_versions' AS origin, col AS column_name, start_ns,
                   CAST(sum(rows) AS BIGINT) AS rows, CAST(sum(missing) AS BIGINT) AS nulls
            FROM (SELECT dataset, {begin} AS start_ns, rows, unnest(map_keys(null_counts)) AS col,
                         unnest(map_values(null_counts)) AS missing FROM {versions})
            WHERE missing IS NOT NULL GROUP BY ALL
            UNION ALL {_cells(rows, "dataset", "table_rows", ("numbers", "texts"), begin)}
            UNION ALL {_cells(predictions, "model", "predictions", ("feature_numbers", "feature_texts"), begin)})
        {asked.where} ORDER BY entity, origin, "column", start_ns"""
    return session.query(sql, asked.values)


QUERY = Query(
    doc="Missing cells per bucket and column of data sets and of models' features.",
    arguments={
        "start_ns": START,
        "end_ns": END,
        "every_ns": EVERY,
        "entity": "optional: dataset:NAME or model:NAME, or a list",
    },
    columns={
        "entity": "dataset:NAME or model:NAME",
        "origin": "dataset_versions, table_rows or predictions",
        "column": "column or feature",
        "start_ns": "begin of the bucket",
        "rows": "cells seen, null ones included; null where the writer did not say",
        "nulls": "cells that were null",
    },
    run=_run,
)
