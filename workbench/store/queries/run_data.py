"""Which data runs read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.model.tables import RUN_DATA
from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import Conditions
from workbench.store.queries._lookup import columns_of, lookup
from workbench.store.query import Query

if TYPE_CHECKING:
    from workbench.store.portable import Tables


def _run(session: Session, *, run_id: Any = None, dataset: Any = None, data_version: Any = None) -> pa.Table:
    asked = Conditions().equal("run_id", run_id).equal("dataset", dataset).equal("data_version", data_version)
    return lookup(session, RUN_DATA, asked, "run_id, dataset, data_version, role")


def _portable(tables: Tables, *, run_id: Any = None, dataset: Any = None, data_version: Any = None) -> Any:
    from workbench.store import portable as p

    found = tables.relation("run_data")
    for column, value in (("run_id", run_id), ("dataset", dataset), ("data_version", data_version)):
        found = p.equal(found, column, value)
    return p.lookup(found, RUN_DATA, "run_id", "dataset", "data_version", "role")


QUERY = Query(
    doc="Data that runs read.",
    arguments={
        "run_id": "optional: run, or a list",
        "dataset": "optional: data set, or a list",
        "data_version": "optional: version, or a list",
    },
    columns=columns_of(RUN_DATA),
    run=_run,
    portable=_portable,
)
