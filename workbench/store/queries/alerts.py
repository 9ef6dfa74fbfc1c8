"""Alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.model.tables import ALERTS
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
    fingerprint: str | None = None,
    entity: str | None = None,
) -> pa.Table:
    asked = Conditions().equal("fingerprint", fingerprint).equal("entity", entity)
    if start_ns is not None:
        asked.add(f"(ends_ns IS NULL OR ends_ns >= {int(start_ns)})")
    return lookup(session, ALERTS, asked, "starts_ns, fingerprint", end_ns=end_ns)


def _portable(
    tables: Tables, *, start_ns: int | None = None, end_ns: int | None = None, fingerprint: str | None = None,
    entity: str | None = None,
) -> Any:  # fmt: skip
    from workbench.store import portable as p

    found = tables.relation("alerts", None, end_ns)
    found = p.equal(p.equal(found, "fingerprint", fingerprint), "entity", entity)
    if start_ns is not None:
        found = found.filter(found.ends_ns.isnull() | (found.ends_ns >= int(start_ns)))
    return p.lookup(found, ALERTS, "starts_ns", "fingerprint")


QUERY = Query(
    doc="Alerts that fired at some time of a window, in order of their begin.",
    arguments={
        "start_ns": "optional: still firing at or after this time",
        "end_ns": "optional: begun before this time",
        "fingerprint": "optional: identity, or a list",
        "entity": "optional: kind:name, or a list",
    },
    columns=columns_of(ALERTS),
    run=_run,
    portable=_portable,
)
