"""Requests and decisions of a store, linked to the runs behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from workbench.analysis import linkage

Ask = Callable[..., pa.Table]
SPAN_COLUMNS = ["trace_id", "span_id", "run_id", "model", "model_version", "prediction_id", "source"]
PREDICTION_COLUMNS = ["prediction_id", "trace_id", "run_id", "model", "model_version"]


@dataclass(frozen=True)
class Linked:
    """Hold links (left, right, rule) and what could not be linked (subject, reason, seen)."""

    links: pd.DataFrame
    unresolved: pd.DataFrame
    conflicts: pd.DataFrame
    """Subjects where a sender states another run: columns subject, run_id, rule, conflict."""


def link_runs(spans: pd.DataFrame, predictions: pd.DataFrame, runs: Iterable[str], versions: pd.DataFrame) -> Linked:
    """Link traces and decisions with each other and with their runs."""
    claims = pd.concat(
        [
            linkage.claims_of_spans(spans),
            linkage.claims_of_predictions(predictions, spans),
        ],
        ignore_index=True,
    ).drop_duplicates()
    subjects = {
        *("trace:" + spans["trace_id"].astype("object")),
        *("prediction:" + predictions["prediction_id"].astype("object")),
    }
    found = linkage.resolve_runs(claims, runs, versions, subjects)
    to_run = pd.DataFrame(
        {
            "left": found.links["subject"],
            "right": "run:" + found.links["run_id"].astype("object"),
            "rule": found.links["rule"],
        }
    )
    pairs = linkage.pairs_of(predictions, spans)
    conflicts = found.links[found.links["conflict"] != ""].reset_index(drop=True)
    return Linked(pd.concat([to_run, pairs], ignore_index=True), found.unresolved, conflicts)


def link_window(ask: Ask, start_ns: int, end_ns: int) -> Linked:
    """Link every trace and decision of a window of a store."""
    spans = ask("rows", table="spans", columns=SPAN_COLUMNS, start_ns=start_ns, end_ns=end_ns).to_pandas()
    predictions = ask(
        "rows", table="predictions", columns=PREDICTION_COLUMNS, start_ns=start_ns, end_ns=end_ns
    ).to_pandas()
    return link_runs(spans, predictions, ask("runs").to_pandas()["run_id"], ask("model_versions").to_pandas())
