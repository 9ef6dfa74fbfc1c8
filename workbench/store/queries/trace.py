"""One trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.model.tables import SPANS
from workbench.store.by_id import rows_of_id
from workbench.store.engines.duckdb import Session
from workbench.store.query import Query

if TYPE_CHECKING:
    from workbench.store.portable import Tables


def _run(session: Session, *, trace_id: str, start_ns: int | None = None, end_ns: int | None = None) -> pa.Table:
    rows = rows_of_id(session, SPANS.name, "trace_id", trace_id.lower(), start_ns, end_ns)
    return rows.sort_by([("start_ns", "ascending"), ("span_id", "ascending")])


def _portable(tables: Tables, *, trace_id: str, start_ns: int | None = None, end_ns: int | None = None) -> Any:
    from workbench.store import portable as p

    spans = tables.relation("spans", start_ns, end_ns)
    found = spans.filter(spans.trace_id == trace_id.lower()).select([c.name for c in SPANS])
    return p.ordered(found, "start_ns", "span_id")


QUERY = Query(
    doc="All spans of one trace, in order of their begin.",
    arguments={
        "trace_id": "32 hex digits",
        "start_ns": "optional: from this time on; knowing the day makes it faster",
        "end_ns": "optional: before this time",
    },
    columns={c.name: c.doc for c in SPANS},
    run=_run,
    portable=_portable,
)
