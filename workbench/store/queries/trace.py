"""One trace."""

from __future__ import annotations

import pyarrow as pa

from workbench.model.tables import SPANS
from workbench.store.engines.duckdb import Session
from workbench.store.query import Query
from workbench.store.resolve import all_columns


def _run(session: Session, *, trace_id: str, start_ns: int | None = None, end_ns: int | None = None) -> pa.Table:
    sql = (
        f"SELECT {all_columns(SPANS)} FROM {session.relation('spans', start_ns, end_ns)} WHERE trace_id = $trace_id "
        "ORDER BY start_ns, span_id"
    )
    return session.query(sql, {"trace_id": trace_id.lower()})


QUERY = Query(
    doc="All spans of one trace, in order of their begin.",
    arguments={
        "trace_id": "32 hex digits",
        "start_ns": "optional: from this time on; knowing the day makes it faster",
        "end_ns": "optional: before this time",
    },
    columns={c.name: c.doc for c in SPANS},
    run=_run,
)
