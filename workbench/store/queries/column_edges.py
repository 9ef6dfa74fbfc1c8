"""Lineage of columns."""

from __future__ import annotations

import pyarrow as pa

from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import Conditions
from workbench.store.query import Query


def _run(session: Session, *, as_of_ns: int | None = None, dataset: str | None = None) -> pa.Table:
    asked = Conditions()
    if dataset is not None:
        name = asked.bind(dataset)
        asked.add(f"(upstream_dataset = {name} OR downstream_dataset = {name})")
    until = None if as_of_ns is None else as_of_ns + 1
    sql = f"""
        SELECT upstream_dataset, upstream_column, downstream_dataset, downstream_column,
               list_sort(list(DISTINCT job) FILTER (WHERE job IS NOT NULL)) AS jobs,
               arg_max(transformation, (time_ns, transformation)) AS transformation,
               min(time_ns) AS first_ns, max(time_ns) AS last_ns
        FROM {session.relation("column_edges", None, until)} {asked.where}
        GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"""
    return session.query(sql, asked.values)


QUERY = Query(
    doc="Which input columns an output column is made from, merged over job runs.",
    arguments={
        "as_of_ns": "optional: only edges seen up to this time, itself included",
        "dataset": "optional: only edges from or to this data set",
    },
    columns={
        "upstream_dataset": "data set read from",
        "upstream_column": "its column",
        "downstream_dataset": "data set written to",
        "downstream_column": "its column",
        "jobs": "list of jobs; null where none is named",
        "transformation": "newest description of what is done",
        "first_ns": "first seen",
        "last_ns": "last seen",
    },
    run=_run,
)
