"""Rows of a declared table, one a key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.model.tables import table
from workbench.store.engines.duckdb import Session
from workbench.store.query import Query
from workbench.store.resolve import key_columns, quoted

if TYPE_CHECKING:
    from workbench.store.portable import Tables


def _run(
    session: Session,
    *,
    table: str,
    start_ns: int | None = None,
    end_ns: int | None = None,
    columns: Sequence[str] | None = None,
    equals: Mapping[str, Any] | None = None,
    limit: int | None = None,
) -> pa.Table:
    declared = _declared(table)
    chosen = [declared.column(name).name for name in (columns or [c.name for c in declared])]
    terms, values = [], {}
    for index, (name, value) in enumerate((equals or {}).items()):
        column = quoted(declared.column(name).name)
        if value is None:
            terms.append(f"{column} IS NULL")
        elif isinstance(value, list | tuple | set | frozenset):
            terms.append(f"list_contains($v{index}, {column})" if value else "false")
            values[f"v{index}"] = sorted(value)
        else:
            terms.append(f"{column} = $v{index}")
            values[f"v{index}"] = value
    where = f"WHERE {' AND '.join(terms)}" if terms else ""
    cut = "" if limit is None else f"LIMIT {int(limit)}"
    sql = (
        f"SELECT {', '.join(quoted(c) for c in chosen)} FROM {session.relation(table, start_ns, end_ns)} {where} "
        f"ORDER BY {key_columns(declared)} {cut}"
    )
    values = {name: value for name, value in values.items() if f"${name}" in sql}
    return session.query(sql, values)


_declared = table


def _portable(
    tables: Tables, *, table: str, start_ns: int | None = None, end_ns: int | None = None,
    columns: Sequence[str] | None = None, equals: Mapping[str, Any] | None = None, limit: int | None = None,
) -> Any:  # fmt: skip
    from workbench.store import portable as p

    declared = _declared(table)
    chosen = [declared.column(name).name for name in (columns or [c.name for c in declared])]
    found = p.columns(tables.relation(table, start_ns, end_ns), declared, equals)
    hidden = {f"{p.HIDDEN}{name}": found[name] for name in declared.key if name not in chosen}
    order = [name if name in chosen else f"{p.HIDDEN}{name}" for name in declared.key]
    answer = p.ordered(found.select(*chosen, **hidden), *order)
    return answer if limit is None else answer.limit(int(limit))


QUERY = Query(
    doc="Rows of any declared table, one a key, ordered by key.",
    arguments={
        "table": "declared table",
        "start_ns": "optional: from this time on, ns UTC",
        "end_ns": "optional: before this time, ns UTC",
        "columns": "optional: only these columns",
        "equals": "optional: column -> value, a list of values, or None for null",
        "limit": "optional: at most so many rows",
    },
    columns={},
    run=_run,
    portable=_portable,
)
