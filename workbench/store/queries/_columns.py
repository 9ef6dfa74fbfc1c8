"""Columns of people's own data: rows of tables and features of predictions, under one roof."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from workbench.errors import UsageError
from workbench.model.entities import split
from workbench.model.tables import PREDICTIONS, TABLE_ROWS, Table
from workbench.store.queries._conditions import text
from workbench.store.resolve import literal, quoted

ENTITY = "dataset:NAME (rows of a table) or model:NAME (predictions and their features)"


@dataclass(frozen=True)
class Origin:
    """Where an entity's cells stand."""

    table: Table
    owner: str
    """Column that names the data set or model."""
    name: str
    numbers: str
    texts: str
    typed_numbers: tuple[str, ...]
    typed_texts: tuple[str, ...]

    @property
    def kind(self) -> str:
        """Kind of the entity."""
        return "dataset" if self.table is TABLE_ROWS else "model"


def origin(entity: str) -> Origin:
    """Return where the cells of ``dataset:NAME`` or ``model:NAME`` stand."""
    kind, name = split(entity)
    if kind == "dataset":
        return Origin(TABLE_ROWS, "dataset", name, "numbers", "texts", (), ("data_version",))
    if kind == "model":
        numbers = ("score", "tokens_in", "tokens_out", "cost")
        texts = ("output", "model_version", "feature_version", "run_id")
        return Origin(PREDICTIONS, "model", name, "feature_numbers", "feature_texts", numbers, texts)
    raise UsageError(f"Columns belong to a dataset or a model; got {entity!r}.")


def text_cell(source: Origin, column: str, placeholder: str) -> str:
    """Return SQL for a cell as text; *placeholder* is the bound column name."""
    return (
        quoted(column) if column in source.typed_texts else f"map_extract_value({quoted(source.texts)}, {placeholder})"
    )


def number_cell(source: Origin, column: str, placeholder: str) -> str:
    """Return SQL for a cell as a number; *placeholder* is the bound column name."""
    if column in source.typed_numbers:
        return f"CAST({quoted(column)} AS DOUBLE)"
    return f"map_extract_value({quoted(source.numbers)}, {placeholder})"


def cells(source: Origin, side: Literal["numbers", "texts"]) -> str:
    """Return SQL for every cell (start_ns, col, v) of the relation ``r`` of an origin's rows, null ones included."""
    column = quoted(source.numbers if side == "numbers" else source.texts)
    typed = source.typed_numbers if side == "numbers" else source.typed_texts
    parts = [f"SELECT start_ns, unnest(map_keys({column})) AS col, unnest(map_values({column})) AS v FROM r"]
    parts += [f"SELECT start_ns, {literal(name)} AS col, {quoted(name)} AS v FROM r" for name in typed]
    return " UNION ALL ".join(parts)


def portable_text(source: Origin, rows: Any, column: str) -> Any:
    """Return a cell as text of an Ibis table of the origin's rows."""
    return rows[column] if column in source.typed_texts else rows[source.texts].get(text("column", column))


def portable_number(source: Origin, rows: Any, column: str) -> Any:
    """Return a cell as a number of an Ibis table of the origin's rows."""
    if column in source.typed_numbers:
        return rows[column].cast("float64")
    return rows[source.numbers].get(text("column", column))


def portable_cells(source: Origin, rows: Any, side: Literal["numbers", "texts"], *kept: str) -> Any:
    """Return every cell (kept columns, ``col``, ``v``) of an Ibis table of the origin's rows, null ones included."""
    from workbench.store import portable as p

    column = source.numbers if side == "numbers" else source.texts
    type_ = "float64" if side == "numbers" else "string"
    mapped = p.cells(rows.select(*kept, column), column)
    parts = [mapped.select(*kept, "col", v=mapped.v.cast(type_))]
    typed = source.typed_numbers if side == "numbers" else source.typed_texts
    parts += [rows.select(*kept, col=p.word(name), v=rows[name].cast(type_)) for name in typed]
    return p.together(parts)
