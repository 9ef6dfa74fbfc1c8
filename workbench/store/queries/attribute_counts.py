"""Which values stand out in a selection: counts per attribute and value, against a baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from workbench.errors import UsageError
from workbench.model.tables import LOGS, PREDICTIONS, SPANS, TABLE_ROWS, Table
from workbench.store.engines.duckdb import Session
from workbench.store.layout import time_column
from workbench.store.queries._conditions import Conditions, windows_relation
from workbench.store.query import Query
from workbench.store.resolve import literal, quoted

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
    declared = {t.name: t for t in (SPANS, LOGS, PREDICTIONS, TABLE_ROWS)}.get(table)
    if declared is None:
        raise UsageError(f"Attributes are counted in spans, logs, predictions or table_rows; got {table!r}.")
    asked = Conditions().columns(declared, equals)
    source, total = _marked(session, declared, selection, baseline, asked)
    counted = f"""
        SELECT key, value, count(*) FILTER (WHERE side = 0) AS selection, count(*) FILTER (WHERE side = 1) AS baseline,
               count(*) FILTER (WHERE side = 0 AND bad) AS selection_bad,
               count(*) FILTER (WHERE side = 1 AND bad) AS baseline_bad
        FROM (SELECT side, bad, unnest({_pairs(declared, keys, asked)}, recursive := true) FROM marked)
        WHERE value IS NOT NULL GROUP BY key, value"""
    sql = f"""
        WITH marked AS MATERIALIZED ({source}), totals AS ({total})
        SELECT counted.*, selection_total, baseline_total FROM ({counted}) counted, totals
        QUALIFY row_number() OVER (PARTITION BY key ORDER BY selection + baseline DESC, value) <= {int(max_values)}
        ORDER BY key, selection DESC, value"""
    return session.query(sql, asked.values)


def _marked(
    session: Session, declared: Table, selection: Sequence[Sequence[int]], baseline: Sequence[Sequence[int]],
    asked: Conditions,
) -> tuple[str, str]:  # fmt: skip
    """Return SQL for the rows of both sides (side 0 selection, 1 baseline), and for their totals."""
    columns = ", ".join(quoted(c) for c in (*_TYPED[declared.name], *_MAPS[declared.name]))
    time = quoted(time_column(declared))
    sides = []
    for side, windows in enumerate((selection, baseline)):
        relation, low, high = windows_relation(session, windows, f"windows of side {side}")
        rows = f"(SELECT * FROM {session.relation(declared.name, low, high)} {asked.where})"
        sides.append(
            f"SELECT {side} AS side, coalesce({_BAD.get(declared.name, 'false')}, false) AS bad, {columns} FROM {rows} s "
            f"SEMI JOIN {relation} w ON s.{time} >= w.start_ns AND s.{time} < w.end_ns"
        )
    total = "SELECT count(*) FILTER (WHERE side = 0) AS selection_total, count(*) FILTER (WHERE side = 1) AS baseline_total FROM marked"
    return " UNION ALL ".join(sides), total


def _pairs(declared: Table, keys: Sequence[str] | None, asked: Conditions) -> str:
    """Return SQL for a row's list of {key, value}: typed columns by name, map entries as ``map.key``."""
    typed = [c for c in _TYPED[declared.name] if keys is None or c in keys]
    parts = [f"[{', '.join(f'{{key: {literal(c)}, value: {quoted(c)}}}' for c in typed)}]"] if typed else []
    for column in _MAPS[declared.name]:
        prefix = f"{column}."
        if keys is None:
            entries = f"map_entries({quoted(column)})"
        else:
            wanted = [k.removeprefix(prefix) for k in keys if k.startswith(prefix)]
            if not wanted:
                continue
            entries = f"list_filter(map_entries({quoted(column)}), lambda e: list_contains({asked.bind(wanted)}, e.key))"
        parts.append(f"list_transform({entries}, lambda e: {{key: {literal(prefix)} || e.key, value: e.value}})")
    if not parts:
        raise UsageError(f"None of {list(keys or ())!r} is a key of {declared.name}; map keys are written map.key.")
    return " || ".join(f"coalesce({p}, [])" for p in parts)


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
)
