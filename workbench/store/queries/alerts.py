"""Alerts."""

from __future__ import annotations

import pyarrow as pa

from workbench.model.tables import ALERTS
from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import Conditions
from workbench.store.queries._lookup import columns_of, lookup
from workbench.store.query import Query


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
)
