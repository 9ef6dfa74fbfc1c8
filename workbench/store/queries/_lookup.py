"""Look-ups: rows of a small table as declared, without provenance, cut by a few columns."""

from __future__ import annotations

import pyarrow as pa

from workbench.model.tables import Table
from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import Conditions
from workbench.store.resolve import quoted


def lookup(
    session: Session,
    declared: Table,
    asked: Conditions,
    order: str,
    *,
    start_ns: int | None = None,
    end_ns: int | None = None,
) -> pa.Table:
    """Return the table's own columns, where *asked* holds, in *order*."""
    columns = ", ".join(quoted(c.name) for c in declared.own_columns)
    relation = session.relation(declared.name, start_ns, end_ns)
    return session.query(f"SELECT {columns} FROM {relation} {asked.where} ORDER BY {order}", asked.values)


def columns_of(declared: Table) -> dict[str, str]:
    """Return the columns that ``lookup`` answers with, and their meaning."""
    return {c.name: c.doc for c in declared.own_columns}
