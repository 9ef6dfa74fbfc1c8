"""Which service ran where, which model it named, and which version of itself it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import END, START
from workbench.store.query import Query

if TYPE_CHECKING:
    from workbench.store.portable import Tables


def _run(session: Session, *, start_ns: int, end_ns: int) -> pa.Table:
    sql = f"""
        SELECT service, host, gpu, model, model_version, region,
               map_extract_value(resource, 'service.version') AS service_version,
               count(*) AS n, count(*) FILTER (WHERE status = 'error') AS errors,
               min(start_ns) AS first_ns, max(start_ns) AS last_ns
        FROM {session.relation("spans", start_ns, end_ns)} WHERE service IS NOT NULL GROUP BY ALL
        ORDER BY ALL"""
    return session.query(sql)


def _portable(tables: Tables, *, start_ns: int, end_ns: int) -> Any:
    from workbench.store import portable as p

    spans = tables.relation("spans", start_ns, end_ns)
    spans = spans.filter(spans.service.notnull())
    names = ("service", "host", "gpu", "model", "model_version", "region")
    by = {name: spans[name] for name in names} | {"service_version": spans.resource.get("service.version")}
    found = spans.group_by(**by).agg(
        n=spans.count(), errors=p.count_where(spans.status == "error"),
        first_ns=spans.start_ns.min(), last_ns=spans.start_ns.max(),
    )  # fmt: skip
    return p.ordered(found, *by)


QUERY = Query(
    doc="Distinct combinations of service, host, GPU, model, versions and region in spans.",
    arguments={"start_ns": START, "end_ns": END},
    columns={
        "service": "service.name",
        "host": "host or pod",
        "gpu": "GPU",
        "model": "registered model that the spans name",
        "model_version": "its version",
        "region": "region",
        "service_version": "service.version of the resource",
        "n": "spans",
        "errors": "of these, with status error",
        "first_ns": "earliest",
        "last_ns": "latest",
    },
    run=_run,
    portable=_portable,
)
