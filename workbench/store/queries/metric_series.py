"""Samples of metrics, as they are or thinned out without losing extremes."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from workbench.errors import UsageError
from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import END, START, Conditions
from workbench.store.query import Query

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
        if points < 2:
            raise UsageError(f"A series is thinned to 2 points at least; got {points}.")
        width = max(1, -(-(end_ns - start_ns) // (points // 2)))
        part = f"PARTITION BY series, (time_ns - {int(start_ns)}) // {width}"
        # Lowest and highest of each bucket, at their own times: a dropout or spike cannot be averaged away.
        source = f"""(SELECT {_COLUMNS} FROM {source}
            QUALIFY row_number() OVER ({part} ORDER BY value NULLS LAST, time_ns) = 1
                 OR row_number() OVER ({part} ORDER BY value DESC NULLS LAST, time_ns) = 1)"""
    return session.query(f"SELECT {_COLUMNS} FROM {source} ORDER BY series, time_ns", asked.values)


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
)
