"""Training, evaluation and scoring runs."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from workbench.model.tables import RUNS
from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import Conditions
from workbench.store.queries._lookup import columns_of, lookup
from workbench.store.query import Query


def _run(
    session: Session,
    *,
    start_ns: int | None = None,
    end_ns: int | None = None,
    run_id: Any = None,
    experiment: Any = None,
) -> pa.Table:
    asked = Conditions().equal("run_id", run_id).equal("experiment", experiment)
    if start_ns is not None:
        asked.add(f"coalesce(end_ns, start_ns, updated_ns) >= {int(start_ns)}")
    if end_ns is not None:
        asked.add(f"coalesce(start_ns, end_ns, updated_ns) < {int(end_ns)}")
    return lookup(session, RUNS, asked, "coalesce(start_ns, updated_ns), run_id")


QUERY = Query(
    doc="Runs that touch a window, in order of their begin.",
    arguments={
        "start_ns": "optional: ended (or begun, if still running) at or after this time",
        "end_ns": "optional: begun before this time",
        "run_id": "optional: run, or a list",
        "experiment": "optional: experiment, or a list",
    },
    columns=columns_of(RUNS),
    run=_run,
)
