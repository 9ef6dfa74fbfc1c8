"""``case.evidently(dataset, current=, baseline=, preset=)``: a preset of Evidently on the windows, as evidence."""

from __future__ import annotations

import json
from typing import Any, Literal

import pandas as pd

from workbench.case.operations import Operation, Outcome
from workbench.case.reading import Reading
from workbench.errors import CouldNotRunError, SourceError
from workbench.model.entities import split
from workbench.model.findings import Evidence, Finding
from workbench.model.window import DAY_NS, Window
from workbench.playbook import compared_baseline, compared_rows
from workbench.playbook.compared_history import history_of, snapped

KEPT = ("dataset", "column", "assertion", "success", "actual", "severity")
MOST_LEVELS = 1000
"""Texts of more levels are keys, which a preset says nothing about."""


def run(
    reading: Reading, dataset: str, current: str = "", baseline: str = "", preset: Literal["drift", "summary"] = "drift"
) -> Outcome:
    """Run a preset of Evidently's on the rows of two windows and keep its report in the case.

    *dataset*, *current* and *baseline* are those of ``case.compare``. *preset* is ``drift`` (DataDriftPreset) or
    ``summary`` (DataSummaryPreset), with its own tests. Its verdicts are its own: nulls are never scored, and equal
    widths hide a change of unit (docs/drift.md). Replaying needs Evidently in the same version.
    """
    from workbench.sources import Context, evidently

    symptom = reading.symptom
    entity = dataset if dataset.startswith(("dataset:", "model:")) else f"dataset:{dataset}"
    window = Window.parse(current, day_of=symptom.window.start_ns) if current else symptom.window
    before, now, evidence, stated = _sides(reading, entity, window, baseline)
    # A time of the report would differ at each replay; rows say when they are from.
    context = Context(symptom.environment, "evidently", window.end_ns)
    try:
        report, batch = evidently.run_preset(before, now, context, preset=preset)
    except SourceError as error:
        raise CouldNotRunError(str(error)) from error
    document = json.loads(report)
    figures = pd.DataFrame(batch.tables["metric_samples"].to_pylist() if "metric_samples" in batch.tables else [],
                           columns=["entity", "metric", "value"])  # fmt: skip
    tests = pd.DataFrame(batch.tables["assertions"].to_pylist() if "assertions" in batch.tables else [],
                         columns=list(KEPT))  # fmt: skip
    failed = tests[~tests["success"].astype(bool)]
    name = split(entity)[1]
    findings = tuple(_finding(entity, row, evidence) for row in failed.head(20).to_dict("records"))
    summary = (f"Evidently's {preset} preset on {name}, {stated}: {len(failed)} of {len(tests)} of its tests failed, "
               f"{len(figures)} figures.")  # fmt: skip
    values: dict[str, Any] = {"preset": preset, "tests": len(tests), "failed": len(failed), "compared": stated,
                              "report": _timeless(document)}  # fmt: skip
    return Outcome(findings, values, {"figures": figures, "tests": tests}, summary)


def _sides(
    reading: Reading, entity: str, window: Window, baseline: str
) -> tuple[pd.DataFrame, pd.DataFrame, Evidence, str]:
    """Return the rows of both sides with the columns that both have, what they rest on, and which they are."""
    other = compared_baseline.other(baseline)
    if other is not None:
        kind, name = other
        if kind == "training":
            before, now = compared_rows.of_training(reading, entity, window)
        elif kind == "version":
            before, now = compared_rows.of_version(reading, entity, window, name)
        else:
            before, now = compared_rows.of_environment(reading, entity, window, name)
        left, right = compared_rows.shared(before.frame, now.frame)
        return _plain(left), _plain(right), now.answer.evidence, f"{now.words} against {before.words}"
    history, _, _ = history_of(reading, entity, window.start_ns - 31 * DAY_NS, window)
    chosen, _ = snapped(history, window)
    against = compared_baseline.against(reading.symptom, history, chosen, baseline)
    columns = {c: k for c, k in compared_rows.columns_of(reading, entity).items() if c != "run_id"}
    right, answer = compared_rows.sample(reading, entity, columns, windows=[(chosen.start_ns, chosen.end_ns)])
    left, _ = compared_rows.sample(reading, entity, columns, windows=against.windows)
    if left.empty or right.empty:
        raise CouldNotRunError(f"Evidently needs rows and only profiles of {entity} are kept; ingest its table")
    left, right = compared_rows.shared(left, right)
    words = f"{chosen.words()} against {against.rule}{compared_baseline.short(against.windows, chosen)}"
    return _plain(left), _plain(right), answer.evidence, words


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the columns that a preset can take: no empty ones, no keys; texts as objects."""
    kept = [c for c in frame.columns if frame[c].notna().any()
            and (frame[c].dtype.kind in "fiu" or frame[c].nunique() <= MOST_LEVELS)]  # fmt: skip
    return frame[kept].astype({c: object for c in kept if frame[c].dtype.kind not in "fiu"})


def _timeless(document: Any) -> Any:
    """Return the report without what differs at every run: times, ids and its drawings."""
    if isinstance(document, dict):
        return {str(k): _timeless(v) for k, v in document.items()
                if k not in {"id", "metric_id", "timestamp", "widget", "snapshot_id"}}  # fmt: skip
    if isinstance(document, list):
        return [_timeless(item) for item in document]
    if isinstance(document, float) and document != document:
        return None
    return document


def _finding(entity: str, row: dict[str, Any], evidence: Evidence) -> Finding:
    name = split(entity)[1]
    about = f"column:{name}.{row['column']}" if row["column"] and entity.startswith("dataset:") else entity
    said = f": {row['actual']}" if row["actual"] else ""
    return Finding(f"Evidently's test {row['assertion']} failed{said}", about, "evidently", (evidence,), strength=0.5)


OPERATION = Operation("evidently", "computed", run, run.__doc__ or "", settle=compared_baseline.settled)
