"""Apply a declared mapping: own columns to the columns of a declared table, the rest into its maps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from workbench.columnar import build, schema
from workbench.errors import UnknownNameError, UsageError
from workbench.model.tables import PROVENANCE, Column, Table
from workbench.sources import Batch, Context, Rejection
from workbench.sources import _frames_convert as convert
from workbench.sources._frames_read import Own
from workbench.sources._rows import digest

_MOST_REJECTIONS = 1000
"""So many rows of a piece are refused one by one; the rest are counted."""
_REST: Mapping[str, tuple[str | None, str]] = {
    "predictions": ("feature_numbers", "feature_texts"), "table_rows": ("numbers", "texts"),
    "spans": (None, "attributes"), "logs": (None, "attributes"), "changes": (None, "attributes"),
    "metric_samples": (None, "labels"), "alerts": (None, "labels"), "runs": (None, "tags"),
}  # fmt: skip
"""Declared table -> where numeric and other columns go that the mapping does not name."""
_TRACE_IDS = ("trace_id",)
_SKIPPED = {"environment", *(column.name for column in PROVENANCE)}


@dataclass
class Plan:
    """Say for one file how its columns become a declared table's."""

    table: Table
    own: Mapping[str, str]
    """Declared column -> own column."""
    constants: Mapping[str, str]
    """Declared column -> text that every row has (written ``column==text``)."""
    file: str
    is_text: bool
    figures: set[str] | None = field(default=None)
    """Unmapped columns that hold numbers, decided by the first piece."""
    rows_before: int = 0


def plan(table: Table, mapping: Mapping[str, str], own: Own) -> Plan:
    """Check a mapping against the table and the file; UsageError names what is missing and what there is.

    A declared column may be named without its unit: ``time`` for ``time_ns``. A value
    that begins with ``=`` is a constant. Columns not named, yet called exactly like a
    declared one, are taken as that one.
    """
    columns, constants = {}, {}
    for given, value in mapping.items():
        declared = _declared(table, given)
        if value in own.columns:
            columns[declared] = value
        elif value.startswith("="):
            constants[declared] = value[1:]
        else:
            raise UnknownNameError(f"column of {own.name}", value, own.columns)
    for name in ("environment", *(column.name for column in table.own_columns)):
        if name in own.columns and name not in {*columns, *constants, *columns.values()}:
            columns[name] = name
    made = Plan(table, columns, constants, own.name, own.is_text)
    missing = [c.name for c in table.own_columns if c.required and not _can_fill(c, made)]
    if missing:
        free = sorted(set(own.columns) - set(columns.values()))
        raise UsageError(
            f"{table.name} needs {', '.join(missing)}; name the column of {own.name} that holds it, as in "
            f"--map {missing[0]}=COLUMN. Columns not yet used: {', '.join(free) or 'none'}."
        )
    return made


def _declared(table: Table, given: str) -> str:
    names = [column.name for column in table]
    if given in names:
        return given
    longer = [name for name in names if name.rpartition("_")[0] == given]
    return longer[0] if len(longer) == 1 else table.column(given).name


def _can_fill(column: Column, made: Plan) -> bool:
    have = {*made.own, *made.constants}
    if column.name in have:
        return True
    need: Mapping[tuple[str, str], set[str]] = {
        ("table_rows", "dataset"): set(), ("table_rows", "row_id"): set(), ("labels", "name"): {"value"},
        ("kpis", "kpi"): {"value"}, ("kpis", "segment"): set(), ("metric_samples", "series"): {"entity", "metric"},
        ("spans", "duration_ns"): {"start_ns", "end_ns"},
    }  # fmt: skip
    needed = need.get((made.table.name, column.name))
    return needed is not None and needed <= have


def mapped(batch: pa.RecordBatch, made: Plan, context: Context) -> Batch:
    """Return one piece's rows; those that lack what the table requires are refused, each by itself."""
    rows = batch.num_rows
    own = {name: convert.plain(batch.column(i)) for i, name in enumerate(batch.schema.names)}
    columns = {name: _converted(made.table.column(name), own[column]) for name, column in made.own.items()}
    for name, text in made.constants.items():
        columns[name] = _converted(made.table.column(name), pa.repeat(pa.scalar(text), rows))
    _fill(columns, made, rows)
    numbers = pa.array(np.arange(made.rows_before + 1, made.rows_before + rows + 1))
    places = pc.binary_join_element_wise(context.place, numbers.cast(pa.string()), ":")
    columns |= _rest(own, made, rows, set(columns))
    environment = columns.get("environment", pa.nulls(rows, pa.string())).fill_null(context.environment)
    source, received = pa.repeat(pa.scalar("frames"), rows), pa.repeat(pa.scalar(context.received_ns), rows)
    columns |= {"environment": environment, "place": places, "source": source, "received_ns": received}
    made.rows_before += rows
    return _kept(batch, columns, made)


def _converted(column: Column, own: pa.Array) -> pa.Array:
    if column.name in _TRACE_IDS:
        return convert.trace_ids(own)
    if column.type in ("texts", "numbers"):
        return convert.own_map(own, pa.string() if column.type == "texts" else pa.float64())
    return convert.CONVERT[column.type](own)


def _fill(columns: dict[str, pa.Array], made: Plan, rows: int) -> None:
    """Add required columns that follow from others: file name, row number, own column's name, difference, digest."""
    stem = made.file.partition(".")[0]
    name = made.table.name
    if name == "table_rows":
        columns.setdefault("dataset", pa.repeat(pa.scalar(stem), rows))
        if "row_id" not in columns:
            numbers = pa.array(np.arange(made.rows_before + 1, made.rows_before + rows + 1)).cast(pa.string())
            columns["row_id"] = pc.binary_join_element_wise(made.file, numbers, ":")
    elif name == "labels" and "name" not in columns:
        columns["name"] = pa.repeat(pa.scalar(made.own.get("value", "value")), rows)
    elif name == "kpis":
        columns.setdefault("segment", pa.repeat(pa.scalar(""), rows))
        columns.setdefault("kpi", pa.repeat(pa.scalar(made.own.get("value", "value")), rows))
        columns["segment"] = columns["segment"].fill_null("")
    elif name == "spans" and "duration_ns" not in columns:
        columns["duration_ns"] = pc.subtract(columns["end_ns"], columns["start_ns"])
    elif name == "metric_samples" and "series" not in columns:
        pairs = pc.binary_join_element_wise(columns["entity"], columns["metric"], "\x1f")
        encoded = pairs.dictionary_encode()
        digests = [None if pair is None else digest(*pair.split("\x1f", 1)) for pair in encoded.dictionary.to_pylist()]
        columns["series"] = pa.array(digests, pa.string()).take(encoded.indices)


def _rest(own: Mapping[str, pa.Array], made: Plan, rows: int, filled: set[str]) -> dict[str, pa.Array]:
    """Return the maps of columns that the mapping does not name."""
    into_numbers, into_texts = _REST.get(made.table.name, (None, None))
    left = {n: c for n, c in own.items() if n not in made.own.values() and n not in _SKIPPED}
    if into_texts is None or not left:
        return {}
    if made.figures is None:
        made.figures = {n for n, c in left.items() if into_numbers and convert.holds_figures(c)}
    numeric = {n: convert.floats(c) for n, c in left.items() if n in made.figures}
    textual = {n: convert.texts(c) for n, c in left.items() if n not in made.figures}
    found = {}
    if into_numbers and into_numbers not in filled and numeric:
        found[into_numbers] = convert.maps(numeric, rows, pa.float64())
    if into_texts not in filled and textual:
        found[into_texts] = convert.maps(textual, rows, pa.string())
    return found


def _kept(batch: pa.RecordBatch, columns: dict[str, pa.Array], made: Plan) -> Batch:
    bad = np.zeros(batch.num_rows, dtype=bool)
    rejections: list[Rejection] = []
    for column in made.table.own_columns:
        if column.required:
            empty = pc.is_null(columns[column.name]).to_numpy(zero_copy_only=False)
            rejections += _refused(batch, np.flatnonzero(empty & ~bad), column, made)
            bad |= empty
    table = _table(made.table, columns, pa.array(~bad) if bad.any() else None)
    return Batch({made.table.name: table}, tuple(rejections))


def _table(table: Table, columns: Mapping[str, pa.Array], good: pa.Array | None) -> pa.Table:
    known = schema(table)
    given = {name: column.cast(known.field(name).type) for name, column in columns.items()}
    if good is not None:
        given = {name: column.filter(good) for name, column in given.items()}
    return build(table, given)


def _shown(cell: pa.Scalar) -> object:
    """Return a cell as a plain value; Arrow holds times that Python cannot."""
    try:
        return cell.as_py()
    except (OverflowError, ValueError):
        return str(cell.type)


def _refused(batch: pa.RecordBatch, at: np.ndarray, column: Column, made: Plan) -> list[Rejection]:
    what = "a time" if column.type == "time_ns" else f"of type {column.type}"
    reason = f"{made.table.name}.{column.name} is empty or not {what}"
    before = made.rows_before - batch.num_rows
    refused = []
    for row in at[:_MOST_REJECTIONS].tolist():
        cells = {name: _shown(batch.column(i)[row]) for i, name in enumerate(batch.schema.names)}
        content = orjson.dumps(cells, default=str, option=orjson.OPT_NON_STR_KEYS)
        known = Rejection.of(reason, f"{made.file}:{before + row + 1}", content)
        refused.append(Rejection(reason, known.place, known.length, known.sha256, content))
    if len(at) > _MOST_REJECTIONS:
        more = f"{reason} ({len(at) - _MOST_REJECTIONS} more rows)"
        refused.append(Rejection.of(more, f"{made.file}:{before + int(at[_MOST_REJECTIONS]) + 1}", b""))
    return refused
