"""Outcomes of data-quality checks."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from workbench.model.tables import ASSERTIONS
from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import END, START, Conditions
from workbench.store.queries._lookup import columns_of, lookup
from workbench.store.query import Query


def _run(session: Session, *, start_ns: int, end_ns: int, dataset: Any = None, success: bool | None = None) -> pa.Table:
    asked = Conditions().equal("dataset", dataset).equal("success", success)
    order = 'time_ns, dataset, "column", assertion, job_run'
    return lookup(session, ASSERTIONS, asked, order, start_ns=start_ns, end_ns=end_ns)


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
)
