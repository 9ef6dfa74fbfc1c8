"""Predictions with the truth that arrived later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import END, START, Conditions
from workbench.store.query import Query

if TYPE_CHECKING:
    from workbench.store.portable import Tables


def _run(
    session: Session,
    *,
    start_ns: int,
    end_ns: int,
    label: str | None = None,
    model: Any = None,
    arrived_before_ns: int | None = None,
) -> pa.Table:
    asked = Conditions().equal("p.model", model).equal("l.name", label)
    labels = session.relation("labels", None, arrived_before_ns)
    sql = f"""
        SELECT p.prediction_id, p.time_ns, p.model, p.model_version, p.score, p.output, l.name AS label,
               l.value, l.arrived_ns
        FROM {session.relation("predictions", start_ns, end_ns)} p JOIN {labels} l ON p.prediction_id = l.prediction_id
        {asked.where} ORDER BY p.time_ns, p.prediction_id, l.name"""
    return session.query(sql, asked.values)


def _portable(
    tables: Tables, *, start_ns: int, end_ns: int, label: str | None = None, model: Any = None,
    arrived_before_ns: int | None = None,
) -> Any:  # fmt: skip
    from workbench.store import portable as p

    rows = p.equal(tables.relation("predictions", start_ns, end_ns), "model", model)
    rows = rows.select("prediction_id", "time_ns", "model", "model_version", "score", "output")
    labels = p.equal(tables.relation("labels", None, arrived_before_ns), "name", label)
    labels = labels.select("value", "arrived_ns", of=labels.prediction_id, label=labels["name"])
    both = rows.inner_join(labels, rows.prediction_id == labels.of)
    return p.ordered(both.select(*rows.columns, "label", "value", "arrived_ns"), "time_ns", "prediction_id", "label")


QUERY = Query(
    doc="Predictions joined with their labels; those without one are left out.",
    arguments={
        "start_ns": START,
        "end_ns": END,
        "label": "optional: only this label",
        "model": "optional: registered model, or a list",
        "arrived_before_ns": "optional: only labels known before this time",
    },
    columns={
        "prediction_id": "id",
        "time_ns": "when it was decided",
        "model": "registered model",
        "model_version": "its version",
        "score": "score",
        "output": "the decision",
        "label": "name of the label",
        "value": "the truth",
        "arrived_ns": "when it became known",
    },
    run=_run,
    portable=_portable,
)
