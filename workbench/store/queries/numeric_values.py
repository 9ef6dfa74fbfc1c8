"""Values of a numeric column in windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.store.engines.duckdb import Session
from workbench.store.queries._columns import ENTITY, number_cell, origin, portable_number
from workbench.store.queries._conditions import Conditions, text, windows_relation, windows_rows
from workbench.store.query import Query
from workbench.store.resolve import quoted

if TYPE_CHECKING:
    from workbench.store.portable import Tables


def _run(session: Session, *, entity: str, column: str, windows: Sequence[Sequence[int]]) -> pa.Table:
    source = origin(entity)
    asked = Conditions()
    cell = number_cell(source, column, "" if column in source.typed_numbers else asked.bind(text("column", column)))
    asked.equal(quoted(source.owner), source.name)
    relation, low, high = windows_relation(session, windows)
    sql = f"""
        SELECT w.n AS "window", value, count(*) AS n
        FROM (SELECT time_ns, {cell} AS value FROM {session.relation(source.table.name, low, high)} {asked.where}) c
        JOIN {relation} w ON c.time_ns >= w.start_ns AND c.time_ns < w.end_ns
        GROUP BY ALL ORDER BY "window", value NULLS FIRST"""
    return session.query(sql, asked.values)


def _portable(tables: Tables, *, entity: str, column: str, windows: Sequence[Sequence[int]]) -> Any:
    from workbench.store import portable as p

    source, (spans, low, high) = origin(entity), windows_rows(windows)
    rows = tables.relation(source.table.name, low, high)
    rows = rows.filter(rows[source.owner] == source.name)
    rows = rows.select("time_ns", value=portable_number(source, rows, column))
    within = tables.register(spans)
    inside = [rows.time_ns >= within.from_ns, rows.time_ns < within.until_ns]
    pairs = rows.inner_join(within, inside)
    found = pairs.group_by(window=pairs.place, value=pairs.value).agg(n=pairs.count())
    return found.order_by([p.nulls_last(found["window"]), p.nulls_first(found.value)])


QUERY = Query(
    doc="Distinct values of a numeric column in each window with how often each occurs: exact, for any statistic.",
    arguments={"entity": ENTITY, "column": "column or feature", "windows": "list of (start_ns, end_ns)"},
    columns={
        "window": "place in the list of windows, from 0",
        "value": "value; null where the cell was null or absent",
        "n": "rows",
    },
    run=_run,
    portable=_portable,
)
