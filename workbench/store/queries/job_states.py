"""States of job runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.model.tables import JOB_RUNS
from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import END, START, Conditions
from workbench.store.queries._lookup import columns_of, lookup
from workbench.store.query import Query

if TYPE_CHECKING:
    from workbench.store.portable import Tables


def _run(session: Session, *, start_ns: int, end_ns: int, job: Any = None, state: Any = None) -> pa.Table:
    asked = Conditions().equal("job", job).equal("state", state)
    return lookup(session, JOB_RUNS, asked, "time_ns, job, job_run, state", start_ns=start_ns, end_ns=end_ns)


def _portable(tables: Tables, *, start_ns: int, end_ns: int, job: Any = None, state: Any = None) -> Any:
    from workbench.store import portable as p

    found = p.equal(p.equal(tables.relation("job_runs", start_ns, end_ns), "job", job), "state", state)
    return p.lookup(found, JOB_RUNS, "time_ns", "job", "job_run", "state")


QUERY = Query(
    doc="Events of job runs in order of time.",
    arguments={
        "start_ns": START,
        "end_ns": END,
        "job": "optional: job, or a list",
        "state": "optional: state, or a list",
    },
    columns=columns_of(JOB_RUNS),
    run=_run,
    portable=_portable,
)
