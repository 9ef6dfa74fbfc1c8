"""Samples of metrics, as they are or thinned out without losing extremes."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from workbench.errors import UsageError
from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import END, START, Conditions
from workbench.store.queries._series_alone import thinned_alone
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
    relation = session.relation("metric_samples", start_ns, end_ns)
    source = f"(SELECT {_COLUMNS} FROM {relation} {asked.where})"
    if points is not None:
        width = _width(start_ns, end_ns, points)
        words = {"entity": entity, "metric": metric, "series": series}
        found = thinned_alone(session, words, int(start_ns), int(end_ns), width)
        found = _one_series(session, relation, asked, int(start_ns), width) if found is None else found
        if found is not None:
            return found
        rows = f"(SELECT series, (time_ns - {int(start_ns)}) // {width} AS part, time_ns, value FROM {source})"
        picked = session.query(_extremes(rows), asked.values)
        source = f"""(SELECT {_COLUMNS} FROM {source} SEMI JOIN {session.register("picked", picked)}
            USING (series, time_ns))"""
    return session.query(f"SELECT {_COLUMNS} FROM {source} ORDER BY series, time_ns", asked.values)


def _one_series(session: Session, relation: str, asked: Conditions, start_ns: int, width: int) -> pa.Table | None:
    """Return the extremes of a single series whose times ascend, read once; None where it is not as simple as that."""
    names = session.query(f"SELECT DISTINCT series FROM {relation} {asked.where} LIMIT 2", asked.values)
    if names.num_rows != 1:
        return None
    rows = session.query(f"SELECT time_ns, value FROM {relation} {asked.where}", asked.values)
    times, values = (rows.column(name).to_numpy() for name in ("time_ns", "value"))
    if np.isnan(values).any() or not (times[1:] > times[:-1]).all():
        return None
    places = _places(times, values, start_ns, width)
    register = session.register("picked", pa.table({"time_ns": times[places], "value": values[places]}))
    # A series is the digest of entity, metric and labels: one row tells them for all.
    one = f"(SELECT series, entity, metric, labels FROM {relation} {asked.where} LIMIT 1)"
    own = f"(SELECT time_ns, unit, type FROM {relation} {asked.where})"
    return session.query(
        f"SELECT {_COLUMNS} FROM {own} JOIN {register} USING (time_ns) CROSS JOIN {one} ORDER BY series, time_ns",
        asked.values,
    )


def _places(times: np.ndarray, values: np.ndarray, start_ns: int, width: int) -> np.ndarray:
    """Return where each bucket's lowest and highest value stand, the earliest of equal ones, in order."""
    first, last = (int(times[0]) - start_ns) // width, (int(times[-1]) - start_ns) // width
    edges = np.searchsorted(times, start_ns + np.arange(first, last + 2) * width).tolist()
    places = []
    for low, high in itertools.pairwise(edges):
        if high > low:
            part = values[low:high]
            places += [low + int(part.argmin()), low + int(part.argmax())]
    return np.unique(places)


def _extremes(rows: str) -> str:
    """Return SQL for (series, time_ns) of each bucket's lowest and highest sample, the earliest of equal ones.

    Where all are null it is the earliest. Extremes at their own times: a dropout or spike cannot be averaged away.
    Numbering the rows of each bucket would sort all of them, and joining each to its bucket would hash all of them; so
    the second pass keeps first what has any bucket's extreme value, which few rows have.
    """
    return f"""
        WITH bounds AS MATERIALIZED (
                SELECT series, part, min(value) AS low, max(value) AS high, min(time_ns) AS first_ns
                FROM {rows} GROUP BY ALL),
             wanted AS MATERIALIZED (SELECT low AS value FROM bounds UNION SELECT high FROM bounds),
             near AS MATERIALIZED (
                SELECT series, part, value, min(time_ns) AS time_ns FROM {rows}
                WHERE value IN (SELECT value FROM wanted) GROUP BY ALL)
        SELECT series, time_ns FROM near JOIN bounds USING (series, part) WHERE near.value IN (low, high)
        UNION SELECT series, first_ns FROM bounds WHERE low IS NULL"""


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
