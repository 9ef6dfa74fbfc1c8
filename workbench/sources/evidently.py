"""Evidently 0.7: reports and workspace snapshots as history, read as plain JSON; its presets run on chosen windows.

Reading imports nothing of Evidently. Only `run_preset` does, when it is called: 7 s and 300 MB.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from workbench.errors import SourceError, UsageError
from workbench.model.tables import ASSERTIONS, METRICS
from workbench.sources import Batch, Context, Head, Rejection, Source
from workbench.sources._json import documents, figure, mapping, objects, text
from workbench.sources._rows import Rows, digest
from workbench.sources._time import iso_ns

if TYPE_CHECKING:
    import pandas as pd

_SIGN = b"evidently:metric"
_FIGURES = ("value", "count", "share", "mean", "std")
_PRESETS = {"drift": "DataDriftPreset", "summary": "DataSummaryPreset"}
_NO_NAME = "evidently report"


def recognise(head: Head) -> float:
    """Recognise the types that every metric of Evidently carries."""
    return 1.0 if head.start.lstrip()[:1] in (b"{", b"[") and _SIGN in head.start else 0.0


def read(what: BinaryIO | Path, context: Context) -> Iterator[Batch]:
    """Yield one report's or snapshot's figures and test outcomes a document."""
    stream = what.open("rb") if isinstance(what, Path) else what
    rows = Rows("evidently", context, (METRICS, ASSERTIONS))
    for document in documents(stream, context.place):
        if isinstance(document, Rejection):
            rows.reject(document)
            continue
        place, value = document
        report = mapping(value)
        if not _take(report, rows, context, place):
            rows.reject(
                Rejection.of(
                    "no report or snapshot of Evidently 0.7 with figures", place, str(value).encode("utf-8", "replace")
                )
            )
    if len(rows):
        yield rows.batch()


def _take(report: Mapping[str, Any], rows: Rows, context: Context, place: str) -> bool:
    time_ns = iso_ns(report.get("timestamp")) or context.received_ns
    name = text(report.get("name")) or text(mapping(report.get("metadata")).get("dataset")) or _NO_NAME
    found = False
    for params, figures in (*_reported(report), *_kept(report)):
        kind = str(params.get("type", "")).rpartition(":")[2]
        column = text(params.get("column"))
        for part, number in figures:
            labels = {str(k): text(v) for k, v in params.items() if k != "type" and v is not None}
            entity = f"column:{name}.{column}" if column else f"dataset:{name}"
            metric = f"evidently_{kind}" + (f"_{part}" if part != "value" else "")
            series = digest(entity, metric, *(f"{k}={v}" for k, v in sorted(labels.items())))
            rows.add(
                METRICS,
                {
                    "series": series,
                    "time_ns": time_ns,
                    "entity": entity,
                    "metric": metric,
                    "value": number,
                    "type": "gauge",
                    "labels": labels,
                },
                place,
            )
            found = True
    for test in objects(report.get("tests")):
        params = mapping(mapping(test.get("metric_config")).get("params"))
        if text(test.get("status")) in {"SUCCESS", "FAIL", "WARNING"}:
            rows.add(
                ASSERTIONS,
                {
                    "dataset": name,
                    "column": text(params.get("column")) or "",
                    "assertion": text(test.get("name")) or "test",
                    "job_run": "",
                    "time_ns": time_ns,
                    "success": test["status"] == "SUCCESS",
                    "actual": text(test.get("description")),
                    "severity": "warn" if test["status"] == "WARNING" else "error",
                },
                place,
            )
            found = True
    return found


def _reported(report: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], list[tuple[str, float]]]]:
    """Yield what ``Snapshot.json()`` holds: parameters of each metric and its figures."""
    for metric in objects(report.get("metrics")):
        yield mapping(metric.get("config")), _figures(metric.get("value"))


def _kept(report: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], list[tuple[str, float]]]]:
    """Yield what a workspace keeps of each metric."""
    for result in mapping(report.get("metric_results")).values():
        params = mapping(mapping(mapping(mapping(result).get("metric_value_location")).get("metric")).get("params"))
        yield params, _figures({name: _inner(mapping(result).get(name)) for name in _FIGURES})


def _inner(value: object) -> object:
    return mapping(value).get("value") if isinstance(value, dict) else value


def _figures(value: object) -> list[tuple[str, float]]:
    if isinstance(value, dict):
        return [
            (str(k), number) for k, v in value.items() if (number := figure(v)) is not None and not isinstance(v, str)
        ]
    number = None if isinstance(value, str) else figure(value)
    return [] if number is None else [("value", number)]


def run_preset(
    reference: pd.DataFrame, current: pd.DataFrame, context: Context, *, preset: Literal["drift", "summary"] = "drift"
) -> tuple[bytes, Batch]:
    """Run a preset of Evidently's on two frames and return its report as JSON, and the rows that it becomes."""
    if preset not in _PRESETS:
        raise UsageError(f"preset is one of {', '.join(_PRESETS)}; got {preset!r}.")
    try:
        import evidently
        from evidently import presets
    except ImportError as error:
        raise SourceError(
            f"Evidently cannot be imported ({error}); install it: pip install 'evidently>=0.7.20,<0.8'."
        ) from error
    definition = evidently.DataDefinition()
    now, before = (evidently.Dataset.from_pandas(f, data_definition=definition) for f in (current, reference))
    report = (
        evidently.Report([getattr(presets, _PRESETS[preset])()], include_tests=True).run(now, before).json().encode()
    )
    return report, next(read(io.BytesIO(report), context), Batch())


SOURCE = Source(
    name="evidently",
    title="Evidently",
    doc="Reports (Snapshot.json()) and snapshots of workspaces, as figures over time and outcomes of tests.",
    reads=("metric_samples", "assertions"),
    recognise=recognise,
    read=read,
)
