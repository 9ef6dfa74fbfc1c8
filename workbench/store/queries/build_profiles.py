"""Columns counted on their grids, bucket by bucket: what profiles are made of, computed where the rows lie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.model.grid import INFINITE_EXPONENT, Grid
from workbench.store.engines.duckdb import Session
from workbench.store.queries._columns import ENTITY, cells, origin, portable_cells
from workbench.store.queries._conditions import END, EVERY, START, Conditions, bucket
from workbench.store.query import Query
from workbench.store.resolve import quoted

if TYPE_CHECKING:
    from workbench.store.portable import Tables


def _run(
    session: Session, *, entity: str, start_ns: int, end_ns: int, every_ns: int, grids: Mapping[str, str]
) -> pa.Table:
    source = origin(entity)
    asked = Conditions().equal(quoted(source.owner), source.name)
    known = {name: Grid.parse(text) for name, text in grids.items()}
    constants = session.register("grids", _constants(known))
    relation = session.relation(source.table.name, start_ns, end_ns)
    rows = f"(SELECT *, {bucket('time_ns', every_ns)} AS start_ns FROM {relation} {asked.where})"
    sql = f"""
        WITH r AS MATERIALIZED {rows},
        n AS (SELECT start_ns, col, CAST(v AS DOUBLE) AS v FROM ({cells(source, "numbers")})),
        t AS (SELECT start_ns, col, CAST(v AS VARCHAR) AS v FROM ({cells(source, "texts")})),
        z AS (SELECT n.start_ns, n.col, n.v, n.v - g.center AS z, g.shift, g.base, g.top,
                     abs(n.v - g.center) + g.scale AS y, g.limit_ AS last
              FROM n JOIN {constants} g ON g.col = n.col AND g.kind = 'numbers'),
        b AS (SELECT *, CASE WHEN v IS NULL OR isnan(v) THEN NULL
                             ELSE (CAST(CAST(y AS BIT) AS BIGINT) >> CAST(shift AS INTEGER)) - base END AS size FROM z)
        SELECT start_ns, col AS "column",
               CASE WHEN size IS NULL THEN 'null' WHEN size >= last THEN 'infinite' ELSE 'bin' END AS stat,
               CASE WHEN size < last THEN CASE WHEN z < 0 THEN -size ELSE size END END AS bin,
               NULL AS level, count(*) AS n,
               fsum(z ORDER BY z) FILTER (WHERE size < last) AS sum,
               fsum(z * z ORDER BY z) FILTER (WHERE size < last) AS sumsq,
               min(v) FILTER (WHERE size < last) AS min, max(v) FILTER (WHERE size < last) AS max
        FROM b GROUP BY ALL
        UNION ALL
        SELECT start_ns, t.col, CASE WHEN v IS NULL THEN 'null' ELSE 'level' END, NULL,
               CASE WHEN g.kind = 'hashed' THEN '#' || substr(md5(v), 1, 4) ELSE v END AS level, count(*),
               NULL, NULL, NULL, NULL
        FROM t JOIN {constants} g ON g.col = t.col AND g.kind <> 'numbers' GROUP BY ALL
        UNION ALL
        SELECT start_ns, '*', 'rows', NULL, NULL, count(*), NULL, NULL, min(time_ns) / 1e9, max(time_ns) / 1e9
        FROM r GROUP BY ALL
        ORDER BY "column", start_ns, stat, bin, level"""
    return session.query(sql, asked.values)


def _constants(grids: Mapping[str, Grid]) -> pa.Table:
    held = sorted(grids.items())
    return pa.table({
        "col": pa.array([name for name, _ in held], pa.string()),
        "kind": pa.array([g.kind for _, g in held], pa.string()),
        "center": pa.array([g.center for _, g in held], pa.float64()),
        "scale": pa.array([g.scale for _, g in held], pa.float64()),
        "shift": pa.array([g.shift for _, g in held], pa.int64()),
        "base": pa.array([g.base for _, g in held], pa.int64()),
        "top": pa.array([INFINITE_EXPONENT << g.bits for _, g in held], pa.int64()),
        "limit_": pa.array([g.limit for _, g in held], pa.int64()),
    })  # fmt: skip


def _portable(
    tables: Tables, *, entity: str, start_ns: int, end_ns: int, every_ns: int, grids: Mapping[str, str]
) -> Any:
    from workbench.store import portable as p

    source = origin(entity)
    rows = tables.relation(source.table.name, start_ns, end_ns)
    rows = rows.filter(rows[source.owner] == source.name).mutate(start_ns=p.begin(rows.time_ns, every_ns))
    constants = tables.register(_constants({name: Grid.parse(text) for name, text in grids.items()}))
    both = rows.group_by("start_ns").agg(n=rows.count(), least=rows.time_ns.min(), most=rows.time_ns.max())
    table = both.select("start_ns", "n", column=p.word("*"), stat=p.word("rows"), bin=p.unknown("int64"),
                        level=p.unknown("string"), sum=p.unknown("float64"), sumsq=p.unknown("float64"),
                        min=p.quotient(both.least, 1e9), max=p.quotient(both.most, 1e9))  # fmt: skip
    order = ("start_ns", "column", "stat", "bin", "level", "n", "sum", "sumsq", "min", "max")
    parts = [_portable_bins(portable_cells(source, rows, "numbers", "start_ns"), constants),
             _portable_levels(portable_cells(source, rows, "texts", "start_ns"), constants), table]  # fmt: skip
    found = p.together([part.select(*order) for part in parts])
    return p.ordered(found, "column", "start_ns", "stat", "bin", "level")


def _portable_bins(cells: Any, constants: Any) -> Any:
    from workbench.store import portable as p

    grid = constants.filter(constants.kind == "numbers").rename(grid="col")
    cells = cells.inner_join(grid, [cells.col == grid.grid])
    cells = cells.mutate(z=cells.v - cells.center, known=cells.v.notnull() & ~cells.v.isnan())
    size = p.top_bits(cells.z.abs() + cells.scale, cells.shift) - cells.base
    cells = cells.mutate(size=p.either(cells.known, p.either(p.finite(cells.z), size, cells.limit_), None))
    inside = p.coalesce(cells["size"] < cells.limit_, p.truth(value=False))
    stat = p.either(cells["size"].isnull(), p.word("null"), p.either(inside, p.word("bin"), p.word("infinite")))
    signed = p.either(cells.z < 0, -cells["size"], cells["size"])
    cells = cells.mutate(stat=stat, bin=p.either(inside, signed, None), inside=inside)
    by = {"start_ns": cells.start_ns, "column": cells.col, "stat": cells.stat, "bin": cells.bin}
    found = cells.group_by(**by).agg(
        n=cells.count(), sum=cells.z.sum(where=cells.inside), sumsq=(cells.z * cells.z).sum(where=cells.inside),
        min=cells.v.min(where=cells.inside), max=cells.v.max(where=cells.inside),
    )  # fmt: skip
    return found.mutate(level=p.unknown("string"))


def _portable_levels(cells: Any, constants: Any) -> Any:
    from workbench.store import portable as p

    grid = constants.filter(constants.kind != "numbers").rename(grid="col")
    cells = cells.inner_join(grid, [cells.col == grid.grid])
    hashed = p.word("#").concat(p.digest(cells.v).substr(0, 4))
    by = {
        "start_ns": cells.start_ns, "column": cells.col,
        "stat": p.either(cells.v.isnull(), p.word("null"), p.word("level")),
        "level": p.either(cells.kind == "hashed", hashed, cells.v),
    }  # fmt: skip
    unknown = {name: p.unknown("float64") for name in ("sum", "sumsq", "min", "max")}
    return cells.group_by(**by).agg(n=cells.count()).mutate(bin=p.unknown("int64"), **unknown)


QUERY = Query(
    doc="Rows per bin or level of every column that has a grid, in buckets of time.",
    arguments={
        "entity": ENTITY,
        "start_ns": START,
        "end_ns": END,
        "every_ns": EVERY,
        "grids": "column -> grid id, as workbench.model.grid writes it",
    },
    columns={
        "start_ns": "begin of the bucket",
        "column": "column or feature; * for the whole table",
        "stat": "bin, level, null, infinite, or rows of the whole table",
        "bin": "number of the bin, for numbers",
        "level": "value, or its digest, for text",
        "n": "rows",
        "sum": "sum of differences from the grid's centre",
        "sumsq": "sum of their squares",
        "min": "least value; of the whole table the earliest time, in s",
        "max": "greatest value; of the whole table the latest time, in s",
    },
    run=_run,
    portable=_portable,
)
