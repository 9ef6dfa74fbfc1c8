"""Decisions with their features side by side, at most so many, chosen by digest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.model.tables import PREDICTIONS
from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import END, START, Conditions
from workbench.store.query import Query
from workbench.store.resolve import quoted

if TYPE_CHECKING:
    from workbench.store.portable import Tables


def _run(
    session: Session,
    *,
    start_ns: int,
    end_ns: int,
    model: str | None = None,
    numbers: Sequence[str] = (),
    texts: Sequence[str] = (),
    max_rows: int = 50_000,
) -> pa.Table:
    asked = Conditions().columns(PREDICTIONS, None if model is None else {"model": model})
    cells = [
        f"map_extract_value(feature_{kind}, {asked.bind(name)}) AS {quoted(f'{kind}.{place}')}"
        for kind, wanted in (("numbers", numbers), ("texts", texts))
        for place, name in enumerate(wanted)
    ]
    kept = "prediction_id, time_ns, model_version, score, output, row_ref"
    sql = f"""
        SELECT {", ".join([kept, *cells])} FROM {session.relation("predictions", start_ns, end_ns)} {asked.where}
        QUALIFY row_number() OVER (ORDER BY md5(prediction_id), prediction_id) <= {int(max_rows)}
        ORDER BY time_ns, prediction_id"""
    return session.query(sql, asked.values)


def _portable(
    tables: Tables, *, start_ns: int, end_ns: int, model: str | None = None, numbers: Sequence[str] = (),
    texts: Sequence[str] = (), max_rows: int = 50_000,
) -> Any:  # fmt: skip
    from workbench.store import portable as p

    rows = p.equal(tables.relation("predictions", start_ns, end_ns), "model", model)
    cells = {
        f"{kind}.{place}": rows[f"feature_{kind}"].get(name)
        for kind, wanted in (("numbers", numbers), ("texts", texts))
        for place, name in enumerate(wanted)
    }
    kept = ("prediction_id", "time_ns", "model_version", "score", "output", "row_ref")
    return p.ordered(p.lowest_digests(rows.select(*kept, **cells), "prediction_id", max_rows), "time_ns", kept[0])


QUERY = Query(
    doc="Decisions in order of time with chosen features as columns; where there are too many, those of lowest digest.",
    arguments={
        "start_ns": START,
        "end_ns": END,
        "model": "optional: registered model",
        "numbers": "optional: numeric features; the i-th becomes the column numbers.i",
        "texts": "optional: categorical features; the i-th becomes the column texts.i",
        "max_rows": "optional: at most so many, 50000 if not said",
    },
    columns={
        "prediction_id": "id",
        "time_ns": "when it was decided",
        "model_version": "version of the model",
        "score": "score",
        "output": "the decision",
        "row_ref": "key of the source row",
    },
    run=_run,
    portable=_portable,
)
