"""Versions of registered models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.model.tables import MODEL_VERSIONS
from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import Conditions
from workbench.store.queries._lookup import columns_of, lookup
from workbench.store.query import Query

if TYPE_CHECKING:
    from workbench.store.portable import Tables


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


def _portable(
    tables: Tables, *, model: Any = None, version: Any = None, run_id: Any = None, until_ns: int | None = None,
) -> Any:  # fmt: skip
    from workbench.store import portable as p

    found = tables.relation("model_versions")
    for column, value in (("model", model), ("version", version), ("run_id", run_id)):
        found = p.equal(found, column, value)
    if until_ns is not None:
        found = found.filter(p.coalesce(found.created_ns, found.updated_ns) < int(until_ns))
    return p.lookup(found, MODEL_VERSIONS, "model", ("created_ns", "updated_ns"), "version")


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
    portable=_portable,
)
