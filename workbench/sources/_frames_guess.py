"""Guess what a table of one's own could be: offered with reasons, never assumed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from workbench.sources import _frames_convert as convert
from workbench.sources._frames_read import Own, opened

_SAMPLE_ROWS = 2_000
_NAMES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "predictions": {
        "prediction_id": ("prediction_id", "pred_id", "decision_id", "request_id", "inference_id", "id"),
        "time_ns": ("time_ns", "timestamp", "ts", "time", "event_time", "created_at", "datetime", "predicted_at"),
        "score": ("score", "p", "prob", "probability", "y_pred_proba", "confidence", "prediction_score"),
        "output": ("output", "decision", "prediction", "y_pred", "label_pred", "predicted_class"),
        "trace_id": ("trace_id", "traceid", "otel_trace_id"),
        "model": ("model", "model_name"), "model_version": ("model_version", "version"),
        "run_id": ("run_id", "mlflow_run_id"),
        "row_ref": ("row_ref", "order_id", "transaction_id", "customer_id", "entity_id"),
    },
    "labels": {
        "prediction_id": ("prediction_id", "pred_id", "decision_id", "request_id", "id"),
        "value": ("value", "label", "y_true", "target", "outcome", "is_fraud", "ground_truth"),
        "arrived_ns": ("arrived_ns", "arrived_at", "labelled_at", "timestamp", "ts", "time"),
    },
    "kpis": {
        "kpi": ("kpi", "metric", "name"), "value": ("value", "figure", "amount"),
        "time_ns": ("time_ns", "timestamp", "ts", "time", "date", "day", "hour"),
        "segment": ("segment", "region", "country"),
    },
    "table_rows": {
        "row_id": ("row_id", "id", "order_id", "key", "transaction_id", "uuid"),
        "time_ns": ("time_ns", "timestamp", "ts", "time", "event_time", "created_at", "updated_at", "date", "datetime"),
        "data_version": ("data_version", "snapshot", "snapshot_id"),
    },
}  # fmt: skip
"""Declared table -> declared column -> usual names, likeliest first; tables in the order of preference."""
_NEEDS = {
    "predictions": ({"prediction_id", "time_ns"}, {"score", "output"}),
    "labels": ({"prediction_id", "value"}, {"arrived_ns"}),
    "kpis": ({"kpi", "value", "time_ns"}, {"kpi"}), "table_rows": ({"time_ns"}, {"time_ns"}),
}  # fmt: skip
"""Declared table -> columns that must all be there, and of which one must."""


def guess(path: Path | str) -> dict[str, str]:
    """Return ``as``, ``map`` and ``because`` of the likeliest declared table; only ``because`` where nothing fits."""
    own = opened(path)
    first = next(own.batches, None)
    if first is None or first.num_rows == 0:
        return {"because": f"{own.name} has no rows; columns: {', '.join(own.columns)}"}
    sample = {n: convert.plain(first.column(i).slice(0, _SAMPLE_ROWS)) for i, n in enumerate(own.columns)}
    for table, names in _NAMES.items():
        found = {declared: _match(own, usual, declared, sample) for declared, usual in names.items()}
        columns = {declared: column for declared, column in found.items() if column is not None}
        all_of, one_of = _NEEDS[table]
        if all_of <= set(columns) and one_of & set(columns):
            pairs = ",".join(f"{declared}={column}" for declared, column in columns.items())
            return {"as": table, "map": pairs, "because": _because(columns, sample)}
    times = [name for name, column in sample.items() if _is_time(column)]
    if times:
        because = f"{times[0]} holds times; each row becomes one of table_rows"
        return {"as": "table_rows", "map": f"time_ns={times[0]}", "because": because}
    return {"because": f"no column holds times; columns: {', '.join(own.columns)}"}


def _match(own: Own, usual: tuple[str, ...], declared: str, sample: Mapping[str, pa.Array]) -> str | None:
    """Return the own column with the likeliest name whose cells are of the right type."""
    by_name = {name.lower(): name for name in own.columns}
    for name in usual:
        column = by_name.get(name)
        if column is None:
            continue
        if declared in ("score", "value") and not convert.holds_figures(sample[column]):
            continue
        if declared.endswith("_ns") and not _is_time(sample[column]):
            continue
        return column
    return None


def _is_time(column: pa.Array) -> bool:
    """Return whether every cell that holds anything is a time after 1990, in whatever form."""
    kind = column.type
    dated = pa.types.is_timestamp(kind) or pa.types.is_date(kind)
    if not (dated or convert.is_textual(kind) or convert.is_figure(kind)):
        return False
    if pa.types.is_boolean(kind) or column.null_count == len(column):
        return False
    found = convert.times(column)
    least = pc.min(found).as_py()
    return found.null_count == column.null_count and least is not None and least > 631_152_000_000_000_000


def _because(columns: Mapping[str, str], sample: Mapping[str, pa.Array]) -> str:
    said = []
    for declared, column in columns.items():
        cells = sample[column]
        if declared == "score":
            numbers = convert.floats(cells)
            said.append(f"{column} lies between {pc.min(numbers).as_py():.4g} and {pc.max(numbers).as_py():.4g}")
        elif declared.endswith("_ns"):
            said.append(f"{column} holds times")
        elif declared.endswith("_id") and declared != "trace_id":
            distinct = pc.count_distinct(cells).as_py()
            said.append(f"{column} has {distinct} distinct values in {len(cells)} rows")
        else:
            said.append(f"{column} by its name")
    return "; ".join(said)
