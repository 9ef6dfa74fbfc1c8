"""One trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.model.tables import SPANS
from workbench.store.engines.duckdb import Session
from workbench.store.query import Query
from workbench.store.resolve import all_columns

if TYPE_CHECKING:
    from workbench.store.portable import Tables


_MANY = 8
"""Segments from which on it pays to find out first when the trace was."""


def _run(session: Session, *, trace_id: str, start_ns: int | None = None, end_ns: int | None = None) -> pa.Table:
    asked = {"trace_id": trace_id.lower()}
    if len(session.segments("spans")) > _MANY and (start_ns is None or end_ns is None):
        # Opening every column of many files takes longer than asking each first whether it holds the trace at all.
        low, high = _when(session, asked, start_ns, end_ns)
        start_ns, end_ns = (0, 0) if low is None else (low, high + 1)
    sql = (
        f"SELECT {all_columns(SPANS)} FROM {session.relation('spans', start_ns, end_ns)} WHERE trace_id = $trace_id "
        "ORDER BY start_ns, span_id"
    )
    return session.query(sql, asked)


def _when(session: Session, asked: dict[str, str], start_ns: int | None, end_ns: int | None) -> tuple[Any, Any]:
    """Return when the trace's first and last span began; None where there is none."""
    relation = session.relation("spans", start_ns, end_ns)
    sql = f"SELECT min(start_ns) AS low, max(start_ns) AS high FROM {relation} WHERE trace_id = $trace_id"
    found = session.query(sql, asked).to_pylist()[0]
    return found["low"], found["high"]


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
