"""What was changed on purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.model.tables import CHANGES
from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import END, START, Conditions
from workbench.store.queries._lookup import columns_of, lookup
from workbench.store.query import Query

if TYPE_CHECKING:
    from workbench.store.portable import Tables


def _run(session: Session, *, start_ns: int, end_ns: int, kind: Any = None, entity: Any = None) -> pa.Table:
    asked = Conditions().equal("kind", kind).equal("entity", entity)
    return lookup(session, CHANGES, asked, "time_ns, change_id", start_ns=start_ns, end_ns=end_ns)


def _portable(tables: Tables, *, start_ns: int, end_ns: int, kind: Any = None, entity: Any = None) -> Any:
    from workbench.store import portable as p

    found = p.equal(p.equal(tables.relation("changes", start_ns, end_ns), "kind", kind), "entity", entity)
    return p.lookup(found, CHANGES, "time_ns", "change_id")


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
    portable=_portable,
)
