"""Versions of registered models."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from workbench.model.tables import MODEL_VERSIONS
from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import Conditions
from workbench.store.queries._lookup import columns_of, lookup
from workbench.store.query import Query


def _run(
    session: Session,
    *,
    model: Any = None,
    version: Any = None,
    run_id: Any = None,
    until_ns: int | None = None,
) -> pa.Table:
    asked = Conditions().equal("model", model).equal("version", version).equal("run_id", run_id)
    if until_ns is not None:
        asked.add(f"coalesce(created_ns, updated_ns) < {int(until_ns)}")
    return lookup(session, MODEL_VERSIONS, asked, "model, coalesce(created_ns, updated_ns), version")


QUERY = Query(
    doc="Versions of registered models, oldest first.",
    arguments={
        "model": "optional: registered model, or a list",
        "version": "optional: version, or a list",
        "run_id": "optional: run that made it, or a list",
        "until_ns": "optional: only versions registered before this time",
    },
    columns=columns_of(MODEL_VERSIONS),
    run=_run,
)
