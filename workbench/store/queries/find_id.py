"""Where an id or name occurs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.model.tables import TABLES, Table
from workbench.store.engines.duckdb import Session
from workbench.store.layout import time_column
from workbench.store.queries._conditions import text as as_text
from workbench.store.query import Query
from workbench.store.resolve import literal, quoted

if TYPE_CHECKING:
    from workbench.store.portable import Tables

_IN_MAPS = {"runs", "model_versions", "changes", "alerts"}
"""Small tables, where the values of maps are looked through too."""


def _parts(session: Session, declared: Table) -> str:
    time = quoted(time_column(declared))
    columns = [c for c in declared.own_columns if c.type == "text"]
    maps = [c for c in declared.own_columns if c.type == "texts" and declared.name in _IN_MAPS]
    tests = [(c.name, f"{quoted(c.name)} = $text") for c in columns]
    tests += [(c.name, f"list_contains(map_values({quoted(c.name)}), $text)") for c in maps]
    hits = ", ".join(f"CASE WHEN {test} THEN {literal(name)} END" for name, test in tests)
    any_hit = " OR ".join(test for _, test in tests)
    return (
        f'SELECT {literal(declared.name)} AS "table", hit AS "column", count(*) AS n, '
        "min(t) AS first_ns, max(t) AS last_ns "
        f"FROM (SELECT {time} AS t, unnest([{hits}]) AS hit FROM {session.relation(declared.name)} WHERE {any_hit}) "
        "WHERE hit IS NOT NULL GROUP BY hit"
    )


def _run(session: Session, *, text: str) -> pa.Table:
    wanted = as_text("text", text)
    filled = [t for t in TABLES.values() if session.segments(t.name) or session.pending(t.name)]
    empty = "SELECT '' AS \"table\", '' AS \"column\", 0::BIGINT AS n, 0::BIGINT AS first_ns, 0::BIGINT AS last_ns "
    empty += "WHERE false"
    sql = " UNION ALL ".join([empty, *(_parts(session, t) for t in filled)])
    return session.query(f"SELECT * FROM ({sql}) ORDER BY n DESC, 1, 2", {"text": wanted} if filled else None)


def _portable(tables: Tables, *, text: str) -> Any:
    from workbench.store import portable as p

    wanted = p.word(as_text("text", text))
    parts = []
    for declared in (t for t in TABLES.values() if tables.filled(t.name)):
        rows = tables.relation(declared.name)
        tests = {c.name: rows[c.name] == wanted for c in declared.own_columns if c.type == "text"}
        if declared.name in _IN_MAPS:
            maps = [c.name for c in declared.own_columns if c.type == "texts"]
            tests |= {name: rows[name].values().contains(wanted) for name in maps}
        parts.append(p.hits(rows, tests, declared.name, time_column(declared)))
    if not parts:
        parts.append(p.hits(tables.relation("kpis"), {"": p.truth(value=False)}, "", "time_ns"))
    found = p.together(parts)
    return found.order_by([found.n.desc(), p.nulls_last(found["table"]), p.nulls_last(found["column"])])


QUERY = Query(
    doc="Tables and columns in which a text stands as a whole value: an id, a name, a version.",
    arguments={"text": "id or name, exactly as stored"},
    columns={
        "table": "declared table",
        "column": "its column",
        "n": "rows",
        "first_ns": "earliest of them",
        "last_ns": "latest of them",
    },
    run=_run,
    portable=_portable,
)
