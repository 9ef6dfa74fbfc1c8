"""When values of a column were first and last seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.model.tables import table as declared_table
from workbench.store.engines.duckdb import Session
from workbench.store.layout import time_column
from workbench.store.queries._conditions import Conditions
from workbench.store.query import Query
from workbench.store.resolve import quoted

if TYPE_CHECKING:
    from workbench.store.portable import Tables


def _run(
    session: Session,
    *,
    table: str,
    column: str = "source",
    start_ns: int | None = None,
    end_ns: int | None = None,
    equals: Mapping[str, Any] | None = None,
) -> pa.Table:
    declared = declared_table(table)
    asked = Conditions().columns(declared, equals)
    time = quoted(time_column(declared))
    sql = f"""
        SELECT CAST({quoted(declared.column(column).name)} AS VARCHAR) AS value, count(*) AS n, min({time}) AS first_ns,
               max({time}) AS last_ns, max(received_ns) AS last_received_ns
        FROM {session.relation(table, start_ns, end_ns)} {asked.where} GROUP BY ALL ORDER BY value NULLS FIRST"""
    return session.query(sql, asked.values)


def _portable(
    tables: Tables, *, table: str, column: str = "source", start_ns: int | None = None,
    end_ns: int | None = None, equals: Mapping[str, Any] | None = None,
) -> Any:  # fmt: skip
    from workbench.store import portable as p

    declared = declared_table(table)
    found = p.columns(tables.relation(table, start_ns, end_ns), declared, equals)
    time = found[time_column(declared)]
    answer = found.group_by(value=found[declared.column(column).name].cast("string")).agg(
        n=found.count(), first_ns=time.min(), last_ns=time.max(), last_received_ns=found.received_ns.max()
    )
    return answer.order_by(p.nulls_first(answer.value))


QUERY = Query(
    doc="Values of a column with how often, and when first and last, each was seen.",
    arguments={
        "table": "declared table",
        "column": "optional: its column; source if not said",
        "start_ns": "optional: from this time on",
        "end_ns": "optional: before this time",
        "equals": "optional: column -> value, list of values, or None for null",
    },
    columns={
        "value": "value as text",
        "n": "rows",
        "first_ns": "earliest time",
        "last_ns": "latest time",
        "last_received_ns": "when the intake last took one",
    },
    run=_run,
    portable=_portable,
)
