"""Training, evaluation and scoring runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.model.tables import RUNS
from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import Conditions
from workbench.store.queries._lookup import columns_of, lookup
from workbench.store.query import Query

if TYPE_CHECKING:
    from workbench.store.portable import Tables


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


def _portable(
    tables: Tables, *, start_ns: int | None = None, end_ns: int | None = None, run_id: Any = None,
    experiment: Any = None,
) -> Any:  # fmt: skip
    from workbench.store import portable as p

    found = p.equal(p.equal(tables.relation("runs"), "run_id", run_id), "experiment", experiment)
    if start_ns is not None:
        found = found.filter(p.coalesce(found.end_ns, found.start_ns, found.updated_ns) >= int(start_ns))
    if end_ns is not None:
        found = found.filter(p.coalesce(found.start_ns, found.end_ns, found.updated_ns) < int(end_ns))
    return p.lookup(found, RUNS, ("start_ns", "updated_ns"), "run_id")


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
    portable=_portable,
)
