"""Rows that were there before: the same row twice in one delivery, or delivered again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.model.window import DAY_NS
from workbench.store.engines.duckdb import Session
from workbench.store.queries._columns import ENTITY, origin
from workbench.store.queries._conditions import END, EVERY, START, Conditions, bucket
from workbench.store.query import Query
from workbench.store.resolve import quoted

if TYPE_CHECKING:
    from workbench.store.portable import Tables


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


def _portable(tables: Tables, *, entity: str, start_ns: int, end_ns: int, every_ns: int) -> Any:
    from workbench.store import portable as p

    source = origin(entity)
    rows = tables.relation(source.table.name, start_ns, end_ns)
    rows = rows.filter(rows[source.owner] == source.name)
    own = "row_id" if source.kind == "dataset" else "prediction_id"
    same = {name: p.entries(rows[name]) for name in (source.numbers, source.texts)}
    # As in DuckDB, decisions that name no row are about the same one.
    same = same if source.kind == "dataset" else {"row_ref": rows.row_ref}
    rows = rows.select(own, "time_ns", start_ns=p.begin(rows.time_ns, every_ns),
                       delivery=p.joined(rows.source, rows.place, rows.received_ns),
                       **{f"same_{place}": value for place, value in enumerate(same.values())})  # fmt: skip
    twins = p.window([rows[f"same_{place}"] for place in range(len(same))], [rows.time_ns.asc(), rows[own].asc()])
    rows = rows.mutate(twin=rows.time_ns.lag().over(twins), twin_delivery=rows.delivery.lag().over(twins))
    near, here = rows.time_ns - rows.twin <= DAY_NS, rows.delivery == rows.twin_delivery
    found = rows.group_by("start_ns").agg(
        rows=rows.count(), duplicates=p.count_where((rows.twin == rows.time_ns) & here),
        redelivered=p.count_where(near & ~here), repeats=p.count_where(near),
    )  # fmt: skip
    return p.ordered(found, "start_ns")


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
    portable=_portable,
)
