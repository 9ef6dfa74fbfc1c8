"""What a grid is taught from: quantiles of numbers and how many levels text has."""

from __future__ import annotations

import pyarrow as pa

from workbench.store.engines.duckdb import Session
from workbench.store.queries._columns import ENTITY, cells, origin
from workbench.store.queries._conditions import END, START, Conditions
from workbench.store.query import Query
from workbench.store.resolve import quoted


def _run(session: Session, *, entity: str, start_ns: int, end_ns: int) -> pa.Table:
    source = origin(entity)
    asked = Conditions().equal(quoted(source.owner), source.name)
    rows = f"(SELECT *, 0 AS start_ns FROM {session.relation(source.table.name, start_ns, end_ns)} {asked.where})"
    quantiles = ", ".join(
        f"quantile_disc(v, {share}) AS {name}"
        for share, name in ((0.25, "quarter"), (0.5, "median"), (0.75, "three_quarters"))
    )
    sql = f"""
        WITH r AS MATERIALIZED {rows}
        SELECT col AS "column", 'number' AS type, min(v) AS low, {quantiles}, max(v) AS high,
               count(DISTINCT v) AS "distinct", coalesce(bool_and(v = round(v)), false) AS integers
        FROM (SELECT col, CAST(v AS DOUBLE) AS v FROM ({cells(source, "numbers")})) WHERE isfinite(v) GROUP BY col
        UNION ALL
        SELECT col, 'text', NULL, NULL, NULL, NULL, NULL, count(DISTINCT v), false
        FROM (SELECT col, CAST(v AS VARCHAR) AS v FROM ({cells(source, "texts")})) WHERE v IS NOT NULL GROUP BY col
        ORDER BY 1, 2"""
    return session.query(sql, asked.values)


QUERY = Query(
    doc="Quartiles, range and distinct values of every column of a data set or model, in a window.",
    arguments={"entity": ENTITY, "start_ns": START, "end_ns": END},
    columns={
        "column": "column or feature",
        "type": "number or text",
        "low": "least finite value",
        "quarter": "first quartile, a value that occurs",
        "median": "median, a value that occurs",
        "three_quarters": "third quartile, a value that occurs",
        "high": "greatest finite value",
        "distinct": "distinct finite values, or levels",
        "integers": "are all of them whole numbers",
    },
    run=_run,
)
