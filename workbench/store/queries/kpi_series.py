"""Business figures over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.model.tables import KPIS
from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import END, START, Conditions
from workbench.store.queries._lookup import columns_of, lookup
from workbench.store.query import Query

if TYPE_CHECKING:
    from workbench.store.portable import Tables


def _run(session: Session, *, start_ns: int, end_ns: int, kpi: Any = None, segment: Any = None) -> pa.Table:
    asked = Conditions().equal("kpi", kpi).equal("segment", segment)
    return lookup(session, KPIS, asked, "kpi, segment, time_ns", start_ns=start_ns, end_ns=end_ns)


def _portable(tables: Tables, *, start_ns: int, end_ns: int, kpi: Any = None, segment: Any = None) -> Any:
    from workbench.store import portable as p

    found = p.equal(p.equal(tables.relation("kpis", start_ns, end_ns), "kpi", kpi), "segment", segment)
    return p.lookup(found, KPIS, "kpi", "segment", "time_ns")


QUERY = Query(
    doc="Business figures by name, segment and time.",
    arguments={
        "start_ns": START,
        "end_ns": END,
        "kpi": "optional: name, or a list",
        "segment": "optional: segment, or a list",
    },
    columns=columns_of(KPIS),
    run=_run,
    portable=_portable,
)
