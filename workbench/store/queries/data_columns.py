"""Which columns a data set or model has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import END, START, Conditions
from workbench.store.query import Query

if TYPE_CHECKING:
    from workbench.store.portable import Tables


def _run(session: Session, *, start_ns: int, end_ns: int, entity: str | None = None) -> pa.Table:
    asked = Conditions().equal("entity", entity)
    rows, predictions = (session.relation(name, start_ns, end_ns) for name in ("table_rows", "predictions"))
    sides = [
        ("dataset", "dataset", rows, "numbers", "number"),
        ("dataset", "dataset", rows, "texts", "text"),
        ("model", "model", predictions, "feature_numbers", "number"),
        ("model", "model", predictions, "feature_texts", "text"),
    ]
    parts = [
        f"SELECT '{kind}:' || {owner} AS entity, '{type_}' AS type, time_ns, unnest(map_keys({column})) AS col, "
        f"unnest(map_values({column})) IS NULL AS missing FROM {relation} WHERE {owner} IS NOT NULL"
        for kind, owner, relation, column, type_ in sides
    ]
    sql = f"""
        SELECT entity, col AS "column", type, count(*) AS cells, count(*) FILTER (WHERE missing) AS nulls,
               min(time_ns) AS first_ns, max(time_ns) AS last_ns
        FROM ({" UNION ALL ".join(parts)}) {asked.where} GROUP BY ALL ORDER BY ALL"""
    return session.query(sql, asked.values)


def _portable(tables: Tables, *, start_ns: int, end_ns: int, entity: str | None = None) -> Any:
    from workbench.store import portable as p

    parts = []
    for table, owner, kind, maps in (
        ("table_rows", "dataset", "dataset:", ("numbers", "texts")),
        ("predictions", "model", "model:", ("feature_numbers", "feature_texts")),
    ):
        rows = tables.relation(table, start_ns, end_ns)
        rows = rows.filter(rows[owner].notnull())
        for m, type_ in zip(maps, ("number", "text"), strict=True):
            side = p.cells(rows.select(m, "time_ns", entity=p.named(kind, rows[owner])), m)
            parts.append(side.select("entity", "time_ns", "col", type=p.word(type_), missing=side.v.isnull()))
    both = p.equal(p.together(parts), "entity", entity)
    found = both.group_by(entity=both.entity, column=both.col, type=both["type"]).agg(
        cells=both.count(), nulls=p.count_where(both.missing), first_ns=both.time_ns.min(), last_ns=both.time_ns.max()
    )
    return p.ordered(found, "entity", "column", "type")


QUERY = Query(
    doc="Columns of data sets and features of models, with their type.",
    arguments={"start_ns": START, "end_ns": END, "entity": "optional: dataset:NAME or model:NAME, or a list"},
    columns={
        "entity": "dataset:NAME or model:NAME",
        "column": "column or feature",
        "type": "number or text",
        "cells": "cells seen, null ones included",
        "nulls": "cells that were null",
        "first_ns": "earliest row with it",
        "last_ns": "latest row with it",
    },
    run=_run,
    portable=_portable,
)
