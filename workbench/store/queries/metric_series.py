"""Samples of metrics, as they are or thinned out without losing extremes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.errors import UsageError
from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import END, START, Conditions
from workbench.store.query import Query

if TYPE_CHECKING:
    from workbench.store.portable import Tables

_COLUMNS = "series, entity, metric, unit, type, labels, time_ns, value"


def _run(
    session: Session,
    *,
    start_ns: int,
    end_ns: int,
    entity: Any = None,
    metric: Any = None,
    series: Any = None,
    points: int | None = None,
) -> pa.Table:
    asked = Conditions().equal("entity", entity).equal("metric", metric).equal("series", series)
    source = f"(SELECT {_COLUMNS} FROM {session.relation('metric_samples', start_ns, end_ns)} {asked.where})"
    if points is not None:
        width = _width(start_ns, end_ns, points)
        part = f"PARTITION BY series, (time_ns - {int(start_ns)}) // {width}"
        # Lowest and highest of each bucket, at their own times: a dropout or spike cannot be averaged away.
        source = f"""(SELECT {_COLUMNS} FROM {source}
            QUALIFY row_number() OVER ({part} ORDER BY value NULLS LAST, time_ns) = 1
                 OR row_number() OVER ({part} ORDER BY value DESC NULLS LAST, time_ns) = 1)"""
    return session.query(f"SELECT {_COLUMNS} FROM {source} ORDER BY series, time_ns", asked.values)


def _width(start_ns: int, end_ns: int, points: int) -> int:
    if points < 2:
        raise UsageError(f"A series is thinned to 2 points at least; got {points}.")
    return max(1, -(-(end_ns - start_ns) // (points // 2)))


def _portable(
    tables: Tables, *, start_ns: int, end_ns: int, entity: Any = None, metric: Any = None,
    series: Any = None, points: int | None = None,
) -> Any:  # fmt: skip
    from workbench.store import portable as p

    found = tables.relation("metric_samples", start_ns, end_ns)
    for column, value in (("entity", entity), ("metric", metric), ("series", series)):
        found = p.equal(found, column, value)
    found = found.select(_COLUMNS.split(", "))
    if points is not None:
        part = p.begin(found.time_ns - int(start_ns), _width(start_ns, end_ns, points))
        found = found.mutate(part=part)
        time = p.nulls_last(found.time_ns)
        lowest = p.place(found, ["series", "part"], [p.nulls_last(found.value), time])
        highest = p.place(found, ["series", "part"], [found.value.desc(nulls_first=False), time])
        found = found.mutate(lowest=lowest, highest=highest)
        found = found.filter((found.lowest == 0) | (found.highest == 0)).drop("part", "lowest", "highest")
    return p.ordered(found, "series", "time_ns")


QUERY = Query(
    doc="Samples of metrics by series and time; with points, the lowest and highest sample of each bucket.",
    arguments={
        "start_ns": START,
        "end_ns": END,
        "entity": "optional: kind:name, or a list",
        "metric": "optional: name of the metric, or a list",
        "series": "optional: digest of the series, or a list",
        "points": "optional: at most about so many samples a series",
    },
    columns={
        "series": "digest of entity, metric and labels",
        "entity": "kind:name",
        "metric": "name with unit",
        "unit": "unit",
        "type": "gauge, counter or histogram part",
        "labels": "map of the series' own labels",
        "time_ns": "when",
        "value": "the figure; null is unknown",
    },
    run=_run,
    portable=_portable,
)
