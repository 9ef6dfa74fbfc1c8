"""What a grid is taught from: quantiles of numbers and how many levels text has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.store.engines.duckdb import Session
from workbench.store.queries._columns import ENTITY, cells, origin, portable_cells
from workbench.store.queries._conditions import END, START, Conditions
from workbench.store.query import Query
from workbench.store.resolve import quoted

if TYPE_CHECKING:
    from workbench.store.portable import Tables


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


def _portable(tables: Tables, *, entity: str, start_ns: int, end_ns: int) -> Any:
    from workbench.store import portable as p

    source = origin(entity)
    rows = tables.relation(source.table.name, start_ns, end_ns)
    rows = rows.filter(rows[source.owner] == source.name)
    numbers, texts = (portable_cells(source, rows, side) for side in ("numbers", "texts"))
    numbers = numbers.filter(p.finite(numbers.v))
    # A quartile is a value that occurs: the one at the place ceil(share * n), counted from 1.
    ranked = numbers.mutate(at=p.place(numbers, ["col"], [numbers.v.asc()]),
                            n=numbers.count().over(p.window([numbers.col], [])))  # fmt: skip
    last = {"quarter": (ranked.n + 3) // 4, "median": (ranked.n + 1) // 2, "three_quarters": (3 * ranked.n + 3) // 4}
    ranked = ranked.mutate(**{f"is_{name}": ranked["at"] == place - 1 for name, place in last.items()})
    quartiles = {name: ranked.v.max(where=ranked[f"is_{name}"]) for name in last}
    whole = ranked.group_by(column=ranked.col, type=p.word("number")).agg(
        low=ranked.v.min(), **quartiles, high=ranked.v.max(), distinct=ranked.v.nunique(),
        integers=p.count_where(ranked.v != p.rounded(ranked.v)) == 0,
    )  # fmt: skip
    texts = texts.filter(texts.v.notnull())
    unknown = {name: p.unknown("float64") for name in ("low", *last, "high")}
    levels = texts.group_by(column=texts.col, type=p.word("text")).agg(distinct=texts.v.nunique())
    levels = levels.mutate(**unknown, integers=p.truth(value=False))
    return p.ordered(p.together([whole, levels]), "column", "type")


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
    portable=_portable,
)
