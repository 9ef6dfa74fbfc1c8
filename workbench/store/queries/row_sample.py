"""Rows of a data set or model with chosen columns side by side, at most so many, chosen by digest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.store.engines.duckdb import Session
from workbench.store.queries._columns import ENTITY, number_cell, origin, portable_number, portable_text, text_cell
from workbench.store.queries._conditions import Conditions, inside_windows, window_pairs
from workbench.store.query import Query
from workbench.store.resolve import quoted

if TYPE_CHECKING:
    from workbench.store.portable import Tables

_NAMES = {"dataset": ("row_id", "data_version"), "model": ("prediction_id", "model_version")}


def _run(
    session: Session,
    *,
    entity: str,
    windows: Sequence[Sequence[int]] | None = None,
    numbers: Sequence[str] = (),
    texts: Sequence[str] = (),
    version: str | None = None,
    max_rows: int = 50_000,
) -> pa.Table:
    source = origin(entity)
    own_id, own_version = (quoted(name) for name in _NAMES[source.kind])
    asked = Conditions().equal(quoted(source.owner), source.name).equal(own_version, version)
    start = end = None
    if windows is not None:
        inside, start, end = inside_windows("time_ns", windows)
        asked.add(inside)
    cells = [
        f"{cell(source, name, asked.bind(name))} AS {quoted(f'{side}.{place}')}"
        for side, wanted, cell in (("numbers", numbers, _number), ("texts", texts, _text))
        for place, name in enumerate(wanted)
    ]
    sql = f"""
        SELECT {", ".join([f"{own_id} AS row_id", "time_ns", f"{own_version} AS version", *cells])}
        FROM {session.relation(source.table.name, start, end)} {asked.where}
        QUALIFY row_number() OVER (ORDER BY md5({own_id}), {own_id}) <= {int(max_rows)}
        ORDER BY time_ns, row_id"""
    values = {name: value for name, value in asked.values.items() if f"${name}" in sql}
    return session.query(sql, values)


_number, _text = number_cell, text_cell


def _portable(
    tables: Tables, *, entity: str, windows: Sequence[Sequence[int]] | None = None, numbers: Sequence[str] = (),
    texts: Sequence[str] = (), version: str | None = None, max_rows: int = 50_000,
) -> Any:  # fmt: skip
    from workbench.store import portable as p

    source = origin(entity)
    pairs = None if windows is None else window_pairs(windows)
    hull = (None, None) if pairs is None else (min(low for low, _ in pairs), max(high for _, high in pairs))
    rows = tables.relation(source.table.name, *hull)
    own_id, own_version = _NAMES[source.kind]
    rows = p.equal(rows.filter(rows[source.owner] == source.name), own_version, version)
    rows = rows if pairs is None else rows.filter(p.inside(rows.time_ns, pairs))
    cells = {
        f"{side}.{place}": cell(source, rows, name)
        for side, wanted, cell in (("numbers", numbers, portable_number), ("texts", texts, portable_text))
        for place, name in enumerate(wanted)
    }
    chosen = rows.select("time_ns", row_id=rows[own_id], version=rows[own_version], **cells)
    chosen = p.lowest_digests(chosen, "row_id", max_rows).select("row_id", "time_ns", "version", *cells)
    return p.ordered(chosen, "time_ns", "row_id")


QUERY = Query(
    doc="Rows in order of time with chosen columns; where there are too many, those whose key has the lowest digest.",
    arguments={
        "entity": ENTITY,
        "windows": "optional: list of (start_ns, end_ns); all times if not said",
        "numbers": "optional: numeric columns; the i-th becomes the column numbers.i",
        "texts": "optional: other columns; the i-th becomes the column texts.i",
        "version": "optional: only rows of this data version, or of this version of the model",
        "max_rows": "optional: at most so many, 50000 if not said",
    },
    columns={
        "row_id": "key of the row, or id of the prediction",
        "time_ns": "time of the row",
        "version": "data version, or version of the model",
    },
    run=_run,
    portable=_portable,
)
