"""Outcomes of data-quality checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.model.tables import ASSERTIONS
from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import END, START, Conditions
from workbench.store.queries._lookup import columns_of, lookup
from workbench.store.query import Query

if TYPE_CHECKING:
    from workbench.store.portable import Tables


def _run(session: Session, *, start_ns: int, end_ns: int, dataset: Any = None, success: bool | None = None) -> pa.Table:
    asked = Conditions().equal("dataset", dataset).equal("success", success)
    order = 'time_ns, dataset, "column", assertion, job_run'
    return lookup(session, ASSERTIONS, asked, order, start_ns=start_ns, end_ns=end_ns)


def _portable(tables: Tables, *, start_ns: int, end_ns: int, dataset: Any = None, success: bool | None = None) -> Any:
    from workbench.store import portable as p

    rows = tables.relation("assertions", start_ns, end_ns)
    found = p.equal(p.equal(rows, "dataset", dataset), "success", success)
    return p.lookup(found, ASSERTIONS, "time_ns", "dataset", "column", "assertion", "job_run")


QUERY = Query(
    doc="Data-quality checks in order of time.",
    arguments={
        "start_ns": START,
        "end_ns": END,
        "dataset": "optional: data set, or a list",
        "success": "optional: true for those that held, false for those that failed",
    },
    columns=columns_of(ASSERTIONS),
    run=_run,
    portable=_portable,
)
