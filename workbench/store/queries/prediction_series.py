"""What models decided over time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.model.tables import PREDICTIONS
from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import END, EVERY, START, Conditions, bucket
from workbench.store.query import Query

if TYPE_CHECKING:
    from workbench.store.portable import Tables


def _run(
    session: Session, *, start_ns: int, end_ns: int, every_ns: int, equals: Mapping[str, Any] | None = None
) -> pa.Table:
    asked = Conditions().columns(PREDICTIONS, equals)
    sql = f"""
        SELECT start_ns, model, model_version, output, n, scored, mean_score, n / sum(n) OVER w AS share FROM (
            SELECT {bucket("time_ns", every_ns)} AS start_ns, model, model_version, output, count(*) AS n,
                   count(score) AS scored, fsum(score ORDER BY score) / count(score) AS mean_score
            FROM {session.relation("predictions", start_ns, end_ns)} {asked.where} GROUP BY ALL)
        WINDOW w AS (PARTITION BY start_ns, model, model_version)
        ORDER BY start_ns, model NULLS FIRST, model_version NULLS FIRST, output NULLS FIRST"""
    return session.query(sql, asked.values)


def _portable(
    tables: Tables, *, start_ns: int, end_ns: int, every_ns: int, equals: Mapping[str, Any] | None = None,
) -> Any:  # fmt: skip
    from workbench.store import portable as p

    rows = p.columns(tables.relation("predictions", start_ns, end_ns), PREDICTIONS, equals)
    by = {"start_ns": p.begin(rows.time_ns, every_ns), "model": rows.model, "model_version": rows.model_version}
    found = rows.group_by(**by, output=rows.output).agg(
        n=rows.count(), scored=rows.score.count(), mean_score=p.quotient(rows.score.sum(), rows.score.count())
    )
    whole = found.n.sum().over(p.window([found[name] for name in by], []))
    found = found.mutate(share=p.quotient(found.n, whole))
    return found.order_by([
        p.nulls_last(found.start_ns), *(p.nulls_first(found[c]) for c in ("model", "model_version", "output")),
    ])  # fmt: skip


QUERY = Query(
    doc="Predictions per bucket, model, version and output.",
    arguments={
        "start_ns": START,
        "end_ns": END,
        "every_ns": EVERY,
        "equals": "optional: column of predictions -> value, list of values, or None for null",
    },
    columns={
        "start_ns": "begin of the bucket",
        "model": "registered model",
        "model_version": "its version",
        "output": "the decision",
        "n": "predictions",
        "scored": "those of them that have a score",
        "mean_score": "mean score of those that have one; null where none has",
        "share": "share of this output among the version's predictions in the bucket, 0..1",
    },
    run=_run,
    portable=_portable,
)
