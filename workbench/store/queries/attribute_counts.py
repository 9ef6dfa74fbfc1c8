"""Which values stand out in a selection: counts per attribute and value, against a baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.errors import UsageError
from workbench.model.tables import LOGS, PREDICTIONS, SPANS, TABLE_ROWS, Table
from workbench.store.engines.duckdb import Session
from workbench.store.layout import time_column
from workbench.store.queries._conditions import Conditions, inside_windows, window_pairs
from workbench.store.query import Query
from workbench.store.resolve import literal, quoted

if TYPE_CHECKING:
    from workbench.store.portable import Tables

_TYPED = {
    "spans": (
        "service", "name", "kind", "status", "run_id", "model", "model_version", "feature_version", "data_version",
        "host", "gpu", "region",
    ),
    "logs": ("service", "severity"),
    "predictions": ("model", "model_version", "run_id", "feature_version", "output"),
    "table_rows": ("dataset", "data_version"),
}  # fmt: skip
_MAPS = {
    "spans": ("attributes", "resource"),
    "logs": ("attributes",),
    "predictions": ("feature_texts", "attributes"),
    "table_rows": ("texts",),
}
_BAD = {"spans": "status = 'error'", "logs": "severity IN ('error', 'fatal')"}
_BAD_VALUES = {"spans": ("status", ("error",)), "logs": ("severity", ("error", "fatal"))}


def _run(
    session: Session,
    *,
    selection: Sequence[Sequence[int]],
    baseline: Sequence[Sequence[int]],
    table: str = "spans",
    keys: Sequence[str] | None = None,
    equals: Mapping[str, Any] | None = None,
    max_values: int = 1000,
) -> pa.Table:
    declared = _countable(table)
    asked = Conditions().columns(declared, equals)
    sides = _sides(session, declared, selection, baseline, asked)
    typed = [c for c in _TYPED[table] if keys is None or c in keys]
    parts = [_of_column(typed, c) for c in typed]
    both = f"({' UNION ALL '.join(f'SELECT {n} AS side, * FROM {rows}' for n, rows in enumerate(sides))})"
    parts += [_counted(f"SELECT side, bad, unnest({entries}, recursive := true) FROM {both}")
              for entries in _entries(declared, keys, asked)]  # fmt: skip
    if not parts:
        raise UsageError(f"None of {list(keys or ())!r} is a key of {table}; map keys are written map.key.")
    counted = " UNION ALL ".join(_sets(typed, n, rows) for n, rows in enumerate(sides))
    sql = f"""
        WITH sets AS MATERIALIZED ({counted})
        SELECT counted.*, selection_total, baseline_total
        FROM ({" UNION ALL ".join(parts)}) counted,
             (SELECT {_summed("n", 0)} AS selection_total, {_summed("n", 1)} AS baseline_total
              FROM sets WHERE grouped = {2 ** len(typed) - 1})
        QUALIFY row_number() OVER (PARTITION BY key ORDER BY selection + baseline DESC, value) <= {int(max_values)}
        ORDER BY key, selection DESC, value"""
    return session.query(sql, asked.values)


def _sets(typed: Sequence[str], side: int, rows: str) -> str:
    """Return SQL that counts every typed column of one side in one pass over its rows.

    Each column is a group of its own, and nothing else is part of the group: so the engine looks a file's dictionary
    entries up once and only counts rows, several times faster than by (column, side, failed). *grouped* says, as
    GROUPING does, which columns a line does not speak of.
    """
    names = ", ".join(quoted(c) for c in typed)
    lists = ", ".join(f"({', '.join(map(quoted, s))})" for s in [*([c] for c in typed), []])
    return (
        f"SELECT {side} AS side, {names}{', ' if typed else ''}{f'GROUPING({names})' if typed else '0'} AS grouped, "
        f"count(*) AS n, count_if(bad) AS failed FROM {rows} GROUP BY GROUPING SETS ({lists})"
    )


def _of_column(typed: Sequence[str], column: str) -> str:
    """Return SQL for the counts of a typed column's values."""
    grouped = sum(2 ** (len(typed) - 1 - place) for place, c in enumerate(typed) if c != column)
    return (
        f"SELECT {literal(column)} AS key, {quoted(column)} AS value, {_summed('n', 0)} AS selection, "
        f"{_summed('n', 1)} AS baseline, {_summed('failed', 0)} AS selection_bad, "
        f"{_summed('failed', 1)} AS baseline_bad "
        f"FROM sets WHERE grouped = {grouped} AND {quoted(column)} IS NOT NULL GROUP BY {quoted(column)}"
    )


def _summed(column: str, side: int) -> str:
    return f"CAST(coalesce(sum({column}) FILTER (WHERE side = {side}), 0) AS BIGINT)"


def _countable(name: str) -> Table:
    declared = {t.name: t for t in (SPANS, LOGS, PREDICTIONS, TABLE_ROWS)}.get(name)
    if declared is None:
        raise UsageError(f"Attributes are counted in spans, logs, predictions or table_rows; got {name!r}.")
    return declared


def _side_count(side: int, also: str = "") -> str:
    return f"count(*) FILTER (WHERE side = {side}{also})"


def _counted(pairs: str) -> str:
    """Return SQL for counts of each key and value of (key, value, side, bad)."""
    return (
        f"SELECT key, value, {_side_count(0)} AS selection, {_side_count(1)} AS baseline, "
        f"{_side_count(0, ' AND bad')} AS selection_bad, {_side_count(1, ' AND bad')} AS baseline_bad "
        f"FROM ({pairs}) WHERE value IS NOT NULL GROUP BY key, value"
    )


def _sides(
    session: Session, declared: Table, selection: Sequence[Sequence[int]], baseline: Sequence[Sequence[int]],
    asked: Conditions,
) -> list[str]:  # fmt: skip
    """Return SQL for the rows of the selection and of the baseline; a row may stand in both."""
    columns = ", ".join(quoted(c) for c in (*_TYPED[declared.name], *_MAPS[declared.name]))
    sides = []
    for windows in (selection, baseline):
        inside, low, high = inside_windows(quoted(time_column(declared)), windows)
        # The relation holds to the windows' hull already: a single window needs no further look at times.
        further = f"WHERE {inside}" if len(windows) > 1 else ""
        rows = f"(SELECT * FROM {session.relation(declared.name, low, high)} {asked.where})"
        sides.append(
            f"(SELECT coalesce({_BAD.get(declared.name, 'false')}, false) AS bad, {columns} FROM {rows} {further})"
        )
    return sides


def _entries(declared: Table, keys: Sequence[str] | None, asked: Conditions) -> list[str]:
    """Return SQL for each map's list of {key, value}, the keys written ``map.key``."""
    lists = []
    for column in _MAPS[declared.name]:
        prefix = f"{column}."
        entries = f"map_entries({quoted(column)})"
        if keys is not None:
            wanted = [k.removeprefix(prefix) for k in keys if k.startswith(prefix)]
            if not wanted:
                continue
            entries = f"list_filter({entries}, lambda e: list_contains({asked.bind(wanted)}, e.key))"
        lists.append(f"list_transform({entries}, lambda e: {{key: {literal(prefix)} || e.key, value: e.value}})")
    return lists


def _portable_side(
    tables: Tables, declared: Table, windows: Sequence[Sequence[int]], equals: Mapping[str, Any] | None, side: int
) -> Any:
    from workbench.store import portable as p

    pairs = window_pairs(windows)
    rows = tables.relation(declared.name, min(start for start, _ in pairs), max(end for _, end in pairs))
    rows = p.columns(rows, declared, equals)
    rows = rows.filter(p.inside(rows[time_column(declared)], pairs))
    column, values = _BAD_VALUES.get(declared.name, ("source", ()))
    bad = rows[column].isin(values) if values else p.truth(value=False)
    return rows.select(*_TYPED[declared.name], *_MAPS[declared.name], side=p.whole(side),
                       bad=p.coalesce(bad, p.truth(value=False)))  # fmt: skip


def _portable_counted(pairs: Any) -> Any:
    from workbench.store import portable as p

    pairs = pairs.filter(pairs.value.notnull())
    first, second = pairs.side == 0, pairs.side == 1
    return pairs.group_by("key", "value").agg(
        selection=p.count_where(first), baseline=p.count_where(second),
        selection_bad=p.count_where(first & pairs.bad), baseline_bad=p.count_where(second & pairs.bad),
    )  # fmt: skip


def _portable(
    tables: Tables, *, selection: Sequence[Sequence[int]], baseline: Sequence[Sequence[int]],
    table: str = "spans", keys: Sequence[str] | None = None, equals: Mapping[str, Any] | None = None,
    max_values: int = 1000,
) -> Any:  # fmt: skip
    from workbench.store import portable as p

    declared = _countable(table)
    sides = []
    for side, windows in enumerate((selection, baseline)):
        sides.append(_portable_side(tables, declared, windows, equals, side))
    rows = p.together(sides)
    parts = [
        rows.select("side", "bad", key=p.word(c), value=rows[c]) for c in _TYPED[table] if keys is None or c in keys
    ]
    for m in _MAPS[table]:
        wanted = None if keys is None else [k.removeprefix(f"{m}.") for k in keys if k.startswith(f"{m}.")]
        if wanted is None or wanted:
            entries = p.cells(rows.select("side", "bad", m), m)
            entries = entries if wanted is None else entries.filter(entries.col.isin(wanted))
            parts.append(entries.select("side", "bad", key=p.named(f"{m}.", entries.col), value=entries.v))
    if not parts:
        raise UsageError(f"None of {list(keys or ())!r} is a key of {table}; map keys are written map.key.")
    counted = p.together([_portable_counted(part) for part in parts])
    often = (counted.selection + counted.baseline).desc()
    counted = p.first_of(counted, ["key"], [often, p.nulls_last(counted.value)], int(max_values))
    totals = rows.agg(selection_total=p.count_where(rows.side == 0), baseline_total=p.count_where(rows.side == 1))
    found = counted.cross_join(totals)
    return found.order_by([p.nulls_last(found.key), found.selection.desc(), p.nulls_last(found.value)])


QUERY = Query(
    doc="Rows per attribute and value in a selection and in a baseline, typed columns and map keys alike.",
    arguments={
        "selection": "list of (start_ns, end_ns)",
        "baseline": "list of (start_ns, end_ns)",
        "table": "optional: spans (if not said), logs, predictions or table_rows",
        "keys": "optional: only these keys; map keys are written map.key, such as attributes.http.route",
        "equals": "optional: column -> value, list of values, or None for null, on both sides",
        "max_values": "optional: the most frequent values of each key, 1000 if not said",
    },
    columns={
        "key": "column, or map.key",
        "value": "value as text; rows without one are not counted",
        "selection": "rows in the selection",
        "baseline": "rows in the baseline",
        "selection_bad": "of these, failed: span status error, log severity error or fatal",
        "baseline_bad": "of these, failed",
        "selection_total": "all rows of the selection",
        "baseline_total": "all rows of the baseline",
    },
    run=_run,
    portable=_portable,
)
