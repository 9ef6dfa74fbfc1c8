"""Levels of a categorical column in windows."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from workbench.store.engines.duckdb import Session
from workbench.store.queries._columns import ENTITY, origin, text_cell
from workbench.store.queries._conditions import Conditions, text, windows_relation
from workbench.store.query import Query
from workbench.store.resolve import quoted


def _run(session: Session, *, entity: str, column: str, windows: Sequence[Sequence[int]]) -> pa.Table:
    source = origin(entity)
    asked = Conditions()
    cell = text_cell(source, column, "" if column in source.typed_texts else asked.bind(text("column", column)))
    asked.equal(quoted(source.owner), source.name)
    relation, low, high = windows_relation(session, windows)
    sql = f"""
        SELECT w.n AS "window", level, count(*) AS n
        FROM (SELECT time_ns, {cell} AS level FROM {session.relation(source.table.name, low, high)} {asked.where}) c
        JOIN {relation} w ON c.time_ns >= w.start_ns AND c.time_ns < w.end_ns
        GROUP BY ALL ORDER BY "window", n DESC, level NULLS FIRST"""
    return session.query(sql, asked.values)


QUERY = Query(
    doc="Rows per level of a categorical column in each window.",
    arguments={"entity": ENTITY, "column": "column or feature", "windows": "list of (start_ns, end_ns)"},
    columns={
        "window": "place in the list of windows, from 0",
        "level": "value; null where the cell was null or absent",
        "n": "rows",
    },
    run=_run,
)
