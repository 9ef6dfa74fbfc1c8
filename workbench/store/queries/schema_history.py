"""When a data set's schema changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import Conditions
from workbench.store.query import Query

if TYPE_CHECKING:
    from workbench.store.portable import Tables


def _run(
    session: Session, *, dataset: str | None = None, start_ns: int | None = None, end_ns: int | None = None
) -> pa.Table:
    asked = Conditions().equal("dataset", dataset).add("schema_digest IS NOT NULL")
    outer = Conditions().add("schema_digest IS DISTINCT FROM previous_digest")
    if start_ns is not None:
        outer.add(f"time_ns >= {int(start_ns)}")
    sql = f"""
        SELECT dataset, time_ns, version, job_run, schema_digest, schema, previous_digest, previous_schema FROM (
            SELECT dataset, time_ns, version, job_run, schema_digest, schema,
                   lag(schema_digest) OVER w AS previous_digest, lag(schema) OVER w AS previous_schema
            FROM {session.relation("dataset_versions", None, end_ns)} {asked.where}
            WINDOW w AS (PARTITION BY dataset ORDER BY time_ns, version, job_run))
        {outer.where} ORDER BY dataset, time_ns, version, job_run"""
    return session.query(sql, asked.values)


def _portable(
    tables: Tables, *, dataset: str | None = None, start_ns: int | None = None, end_ns: int | None = None,
) -> Any:  # fmt: skip
    from workbench.store import portable as p

    rows = p.equal(tables.relation("dataset_versions", None, end_ns), "dataset", dataset)
    rows = rows.filter(rows.schema_digest.notnull())
    order = [p.nulls_last(rows[name]) for name in ("time_ns", "version", "job_run")]
    before = p.window(["dataset"], order)
    rows = rows.select(
        "dataset", "time_ns", "version", "job_run", "schema_digest", schema=rows["schema"],
        previous_digest=rows.schema_digest.lag().over(before), previous_schema=rows["schema"].lag().over(before),
    )  # fmt: skip
    found = rows.filter(rows.previous_digest.isnull() | (rows.previous_digest != rows.schema_digest))
    if start_ns is not None:
        found = found.filter(found.time_ns >= int(start_ns))
    return p.ordered(found, "dataset", "time_ns", "version", "job_run")


QUERY = Query(
    doc="First schema of each data set and every change of it.",
    arguments={
        "dataset": "optional: name, or a list",
        "start_ns": "optional: only changes from this time on; what stood before is still known",
        "end_ns": "optional: before this time",
    },
    columns={
        "dataset": "name",
        "time_ns": "when the version with this schema was written",
        "version": "that version",
        "job_run": "run that wrote it",
        "schema_digest": "digest",
        "schema": "JSON list of {name, type}",
        "previous_digest": "digest before; null at the first",
        "previous_schema": "schema before; null at the first",
    },
    run=_run,
    portable=_portable,
)
