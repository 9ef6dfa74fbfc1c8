"""Lineage of columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import Conditions
from workbench.store.query import Query

if TYPE_CHECKING:
    from workbench.store.portable import Tables


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


def _portable(tables: Tables, *, as_of_ns: int | None = None, dataset: str | None = None) -> Any:
    from workbench.store import portable as p

    rows = tables.relation("column_edges", None, None if as_of_ns is None else as_of_ns + 1)
    if dataset is not None:
        rows = rows.filter((rows.upstream_dataset == dataset) | (rows.downstream_dataset == dataset))
    ends = ("upstream_dataset", "upstream_column", "downstream_dataset", "downstream_column")
    named = rows.filter(rows.transformation.notnull())
    newest = p.first_of(named, ends, [named.time_ns.desc(), named.transformation.desc()])
    newest = newest.select("transformation", **{f"of_{name}": newest[name] for name in ends})
    merged = rows.group_by(*ends).agg(jobs=p.texts(rows.job), first_ns=rows.time_ns.min(), last_ns=rows.time_ns.max())
    both = merged.left_join(newest, [merged[name] == newest[f"of_{name}"] for name in ends])
    return p.ordered(both.select(*ends, "jobs", "transformation", "first_ns", "last_ns"), *ends)


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
    portable=_portable,
)
