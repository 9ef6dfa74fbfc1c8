"""Rows that were there before: the same row twice in one delivery, or delivered again."""

from __future__ import annotations

import pyarrow as pa

from workbench.model.window import DAY_NS
from workbench.store.engines.duckdb import Session
from workbench.store.queries._columns import ENTITY, origin
from workbench.store.queries._conditions import END, EVERY, START, Conditions, bucket
from workbench.store.query import Query
from workbench.store.resolve import quoted


def _run(session: Session, *, entity: str, start_ns: int, end_ns: int, every_ns: int) -> pa.Table:
    source = origin(entity)
    asked = Conditions().equal(quoted(source.owner), source.name)
    cells = ", ".join(
        f"list_sort(map_entries(coalesce({quoted(column)}, MAP {{}})))" for column in (source.numbers, source.texts)
    )
    own = "row_id" if source.kind == "dataset" else "prediction_id"
    # A decision repeats a row where it names the same one; without a name, all that is known of it must agree.
    same = f"hash({cells})" if source.kind == "dataset" else f"coalesce(hash(row_ref), hash({cells}, score, output))"
    order = f"ORDER BY time_ns, {own}"
    sql = f"""
        SELECT start_ns, count(*) AS rows,
               count(*) FILTER (WHERE twin = time_ns AND delivery = twin_delivery) AS duplicates,
               count(*) FILTER (WHERE time_ns - twin <= {DAY_NS} AND delivery <> twin_delivery) AS redelivered,
               count(*) FILTER (WHERE time_ns - twin <= {DAY_NS}) AS repeats
        FROM (SELECT {bucket("time_ns", every_ns)} AS start_ns, time_ns, delivery,
                     lag(time_ns) OVER (PARTITION BY same {order}) AS twin,
                     lag(delivery) OVER (PARTITION BY same {order}) AS twin_delivery
              FROM (SELECT {own}, time_ns, {same} AS same, concat_ws(' ', source, place, received_ns) AS delivery
                    FROM {session.relation(source.table.name, start_ns, end_ns)} {asked.where}))
        GROUP BY ALL ORDER BY start_ns"""
    return session.query(sql, asked.values)


QUERY = Query(
    doc="Rows per bucket that repeat a row of the day before it: within one delivery, or by another one.",
    arguments={"entity": ENTITY, "start_ns": START, "end_ns": END, "every_ns": EVERY},
    columns={
        "start_ns": "begin of the bucket; one without rows has no line",
        "rows": "rows",
        "duplicates": "rows equal to another of the same time in every cell, from the same delivery",
        "redelivered": "rows equal to one of the day before in every cell, from another delivery",
        "repeats": "rows equal to one of the day before in every cell; of a model: about the same source row",
    },
    run=_run,
)
