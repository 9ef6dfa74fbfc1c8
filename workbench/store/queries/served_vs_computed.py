"""Features as they were served, against the same columns of the tables that they were computed in."""

from __future__ import annotations

import pyarrow as pa

from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import END, EVERY, START, bucket
from workbench.store.query import Query

_NEAR = "abs(s.value - c.value) <= 1e-3 * (1 + abs(s.value) + abs(c.value))"


def _run(session: Session, *, start_ns: int, end_ns: int, every_ns: int) -> pa.Table:
    predictions = session.relation("predictions", start_ns, end_ns)
    rows = session.relation("table_rows")
    sql = f"""
        WITH p AS (SELECT model, row_ref, {bucket("time_ns", every_ns)} AS start_ns, feature_numbers FROM {predictions}
                   WHERE row_ref IS NOT NULL AND model IS NOT NULL),
             s AS (SELECT model, row_ref, start_ns, unnest(map_keys(feature_numbers)) AS col,
                          unnest(map_values(feature_numbers)) AS value FROM p),
             t AS (SELECT dataset, row_id, numbers FROM {rows} SEMI JOIN p ON row_id = row_ref),
             c AS (SELECT dataset, row_id, unnest(map_keys(numbers)) AS col,
                   unnest(map_values(numbers)) AS value FROM t)
        SELECT s.model, c.dataset, s.col AS "column", s.start_ns, count(*) AS n,
               count(*) FILTER (WHERE (s.value IS NULL) <> (c.value IS NULL) OR NOT ({_NEAR})) AS differ,
               avg(s.value ORDER BY s.value) AS served_mean, avg(c.value ORDER BY c.value) AS computed_mean
        FROM s JOIN c ON s.row_ref = c.row_id AND s.col = c.col
        GROUP BY ALL ORDER BY 1, 2, 3, 4"""
    return session.query(sql)


QUERY = Query(
    doc="Per bucket and numeric feature: how often the served value differs from the row it was computed in.",
    arguments={"start_ns": START, "end_ns": END, "every_ns": EVERY},
    columns={
        "model": "registered model",
        "dataset": "table with the rows that the decisions refer to",
        "column": "feature, and column of that table",
        "start_ns": "begin of the bucket",
        "n": "decisions whose row was found",
        "differ": "of these, served and computed differ by more than a thousandth, or only one is null",
        "served_mean": "mean of the served values",
        "computed_mean": "mean of the computed values",
    },
    run=_run,
)
