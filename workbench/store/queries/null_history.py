"""Missing cells over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import END, EVERY, START, Conditions, bucket
from workbench.store.query import Query

if TYPE_CHECKING:
    from workbench.store.portable import Tables


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


def _portable(tables: Tables, *, start_ns: int, end_ns: int, every_ns: int, entity: str | None = None) -> Any:
    from workbench.store import portable as p

    written = tables.relation("dataset_versions", start_ns, end_ns)
    said = written.select("dataset", "null_counts", "rows", start_ns=p.begin(written.time_ns, every_ns))
    said = p.cells(said, "null_counts")
    said = said.filter(said.v.notnull())
    by = {"entity": p.named("dataset:", said.dataset), "origin": p.word("dataset_versions"), "column": said.col}
    parts = [said.group_by(**by, start_ns=said.start_ns)
             .agg(rows=said["rows"].sum(), nulls=said.v.sum().round().cast("int64"))]  # fmt: skip
    for table, owner, kind, maps in (
        ("table_rows", "dataset", "dataset:", ("numbers", "texts")),
        ("predictions", "model", "model:", ("feature_numbers", "feature_texts")),
    ):
        rows = tables.relation(table, start_ns, end_ns)
        rows = rows.filter(rows[owner].notnull())
        sides = [
            (side := p.cells(rows.select(m, owner=rows[owner], start_ns=p.begin(rows.time_ns, every_ns)), m))
            .select("owner", "start_ns", "col", missing=side.v.isnull()) for m in maps
        ]  # fmt: skip
        both = p.together(sides)
        by = {"entity": p.named(kind, both.owner), "origin": p.word(table), "column": both.col}
        parts.append(both.group_by(**by, start_ns=both.start_ns)
                     .agg(rows=both.count(), nulls=p.count_where(both.missing)))  # fmt: skip
    found = p.equal(p.together(parts), "entity", entity)
    return p.ordered(found, "entity", "origin", "column", "start_ns")


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
    portable=_portable,
)
