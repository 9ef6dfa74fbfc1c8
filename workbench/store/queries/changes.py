"""What was changed on purpose."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from workbench.model.tables import CHANGES
from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import END, START, Conditions
from workbench.store.queries._lookup import columns_of, lookup
from workbench.store.query import Query


def _run(session: Session, *, start_ns: int, end_ns: int, kind: Any = None, entity: Any = None) -> pa.Table:
    asked = Conditions().equal("kind", kind).equal("entity", entity)
    return lookup(session, CHANGES, asked, "time_ns, change_id", start_ns=start_ns, end_ns=end_ns)


QUERY = Query(
    doc="Changes that took effect in a window, in order of time.",
    arguments={
        "start_ns": START,
        "end_ns": END,
        "kind": "optional: kind, or a list",
        "entity": "optional: kind:name, or a list",
    },
    columns=columns_of(CHANGES),
    run=_run,
)
