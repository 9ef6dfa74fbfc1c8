"""Which metrics there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import Conditions
from workbench.store.query import Query

if TYPE_CHECKING:
    from workbench.store.portable import Tables


def _run(
    session: Session, *, start_ns: int | None = None, end_ns: int | None = None, entity: str | None = None
) -> pa.Table:
    asked = Conditions().equal("entity", entity)
    sql = f"""
        SELECT entity, metric, any_value(unit ORDER BY unit) AS unit, any_value(type ORDER BY type) AS type,
               count(DISTINCT series) AS series, count(*) AS samples, min(time_ns) AS first_ns, max(time_ns) AS last_ns
        FROM {session.relation("metric_samples", start_ns, end_ns)} {asked.where}
        GROUP BY entity, metric ORDER BY entity, metric"""
    return session.query(sql, asked.values)


def _portable(
    tables: Tables, *, start_ns: int | None = None, end_ns: int | None = None, entity: str | None = None,
) -> Any:  # fmt: skip
    from workbench.store import portable as p

    rows = p.equal(tables.relation("metric_samples", start_ns, end_ns), "entity", entity)
    found = rows.group_by("entity", "metric").agg(
        unit=rows.unit.min(), type=rows["type"].min(), series=rows.series.nunique(), samples=rows.count(),
        first_ns=rows.time_ns.min(), last_ns=rows.time_ns.max(),
    )  # fmt: skip
    return p.ordered(found, "entity", "metric")


QUERY = Query(
    doc="Metrics by entity, with how many series and samples each has.",
    arguments={
        "start_ns": "optional: from this time on",
        "end_ns": "optional: before this time",
        "entity": "optional: kind:name, or a list",
    },
    columns={
        "entity": "kind:name",
        "metric": "name with unit",
        "unit": "unit",
        "type": "gauge, counter or histogram part",
        "series": "distinct label sets",
        "samples": "samples",
        "first_ns": "earliest sample",
        "last_ns": "latest sample",
    },
    run=_run,
    portable=_portable,
)
