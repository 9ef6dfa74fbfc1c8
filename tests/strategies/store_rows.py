"""Hypothesis strategies made from the declared tables: rows of any table, hostile texts and extremes among them."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from workbench.columnar import build
from workbench.model.tables import TABLES, Column, Table

DAY_NS = 86_400 * 10**9
BASE_NS = 20_500 * DAY_NS
HOSTILE = ["", "'; DROP TABLE spans; --", "../../etc/passwd", "<script>", "null", "é\u0000\U0001f600", '"', "%2e"]
_TEXTS = st.sampled_from(HOSTILE) | st.text(max_size=6)
_FLOATS = st.sampled_from([0.0, -0.0, float("nan"), float("inf"), float("-inf"), 1.5, -2.0, 5e-324])
_INTS = st.sampled_from([0, -1, 2**63 - 1, -(2**63), 7])
# Two days around midnight, so that rows of one key can differ in their day.
_TIMES = st.sampled_from([BASE_NS - 1, BASE_NS, BASE_NS + 1, BASE_NS + DAY_NS - 1, BASE_NS + DAY_NS, 0, -1])
_CELLS: dict[str, st.SearchStrategy[Any]] = {
    "text": _TEXTS,
    "json": st.sampled_from(["[]", '{"a":1}', "null"]),
    "int": _INTS,
    "time_ns": _TIMES,
    "float": _FLOATS,
    "bool": st.booleans(),
    "texts": st.dictionaries(_TEXTS, st.none() | _TEXTS, max_size=3),
    "numbers": st.dictionaries(_TEXTS, st.none() | _FLOATS, max_size=3),
}


def cells(table: Table, column: Column) -> st.SearchStrategy[Any]:
    """Return values for a column; keys come from few values, so that they collide."""
    if column.name in table.key and column.type == "text":
        values: st.SearchStrategy[Any] = st.sampled_from(["a", "b", HOSTILE[1]])
    elif column.name in table.key and column.type == "time_ns":
        values = st.sampled_from([BASE_NS - 1, BASE_NS])
    else:
        values = _CELLS[column.type]
    return values if column.required else st.none() | values


def row(table: Table) -> st.SearchStrategy[dict[str, Any]]:
    """Return rows of a table in the environment ``prod``."""
    chosen = {c.name: cells(table, c) for c in table if c.name != "environment"}
    return st.fixed_dictionaries(chosen).map(lambda values: {"environment": "prod", **values})


def as_table(table: Table, rows: list[dict[str, Any]]) -> pa.Table:
    """Return rows as Arrow."""
    return build(table, {c.name: [r[c.name] for r in rows] for c in table})


@st.composite
def table_and_rows(draw: st.DrawFn) -> tuple[Table, list[dict[str, Any]]]:
    """Return a declared table and one to eight rows of it."""
    table = TABLES[draw(st.sampled_from(sorted(TABLES)))]
    return table, draw(st.lists(row(table), min_size=1, max_size=8))
