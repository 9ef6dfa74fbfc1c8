"""Features as they were served, against the same columns of the tables that they were computed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import END, EVERY, START, bucket
from workbench.store.query import Query

if TYPE_CHECKING:
    from workbench.store.portable import Tables

_NEAR = "abs(served - computed) <= 1e-3 * (1 + abs(served) + abs(computed))"


def _run(session: Session, *, start_ns: int, end_ns: int, every_ns: int) -> pa.Table:
    predictions = session.relation("predictions", start_ns, end_ns)
    rows = session.relation("table_rows")
    sql = f"""
        WITH p AS (SELECT model, row_ref, {bucket("time_ns", every_ns)} AS start_ns, feature_numbers FROM {predictions}
                   WHERE row_ref IS NOT NULL AND model IS NOT NULL),
             j AS (SELECT p.model, r.dataset, p.start_ns, p.feature_numbers, r.numbers
                   FROM p JOIN {rows} r ON r.row_id = p.row_ref),
             s AS (SELECT model, dataset, start_ns, numbers, unnest(map_keys(feature_numbers)) AS col,
                          unnest(map_values(feature_numbers)) AS served FROM j),
             b AS (SELECT model, dataset, start_ns, col, served, map_extract_value(numbers, col) AS computed
                   FROM s WHERE map_contains(numbers, col))
        SELECT model, dataset, col AS "column", start_ns, count(*) AS n,
               count(*) FILTER (WHERE (served IS NULL) <> (computed IS NULL) OR NOT ({_NEAR})) AS differ,
               avg(served ORDER BY served) AS served_mean, avg(computed ORDER BY computed) AS computed_mean
        FROM b
        GROUP BY ALL ORDER BY 1, 2, 3, 4"""
    return session.query(sql)


def _portable(tables: Tables, *, start_ns: int, end_ns: int, every_ns: int) -> Any:
    from workbench.store import portable as p

    decided = tables.relation("predictions", start_ns, end_ns)
    decided = decided.filter(decided.row_ref.notnull() & decided.model.notnull())
    served = p.cells(decided.select("model", "row_ref", "feature_numbers",
                                    start_ns=p.begin(decided.time_ns, every_ns)), "feature_numbers")  # fmt: skip
    rows = tables.relation("table_rows")
    rows = rows.semi_join(decided, [rows.row_id == decided.row_ref])
    computed = p.cells(rows.select("dataset", "row_id", "numbers"), "numbers")
    computed = computed.select("dataset", "row_id", computed_col=computed.col, computed=computed.v)
    both = served.inner_join(computed, [served.row_ref == computed.row_id, served.col == computed.computed_col])
    near = (both.v - both.computed).abs() <= p.real(1e-3) * (1 + both.v.abs() + both.computed.abs())
    differ = (both.v.isnull() != both.computed.isnull()) | ~near
    found = both.group_by(model=both.model, dataset=both.dataset, column=both.col, start_ns=both.start_ns).agg(
        n=both.count(), differ=p.count_where(differ), served_mean=both.v.mean(), computed_mean=both.computed.mean()
    )
    return p.ordered(found, "model", "dataset", "column", "start_ns")


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
    portable=_portable,
)
