"""``case.performance(model, by=, group=)``: what scores are worth now, with labels and before, slice by slice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.calibration import MIN_ROWS, calibration
from workbench.analysis.cbpe import Metric, estimate
from workbench.analysis.comparison import compare_frames
from workbench.analysis.drift_decision import ALPHA
from workbench.analysis.slices import Figure, by_slice, fairness_gaps
from workbench.case.operations import Operation, Outcome
from workbench.case.reading import Reading
from workbench.errors import CouldNotRunError, UsageError
from workbench.model.findings import Evidence, Finding
from workbench.model.window import DAY_NS, Window
from workbench.playbook import compared_rows
from workbench.playbook.words import percent

HISTORY_NS = 31 * DAY_NS
MOST_SLICED = 12
"""Features that slices are made of where none are named: those of text."""
FOUR_FIFTHS = 0.8
"""Ratio of positive rates below which practice calls a gap unfair."""
METRICS: tuple[Metric, ...] = ("accuracy", "roc_auc", "brier")
GAP = 0.05
"""Smallest gap between groups, or between a slice and the rest, worth a finding."""


def run(
    reading: Reading, model: str, by: str = "", group: str = "", label: str = "", threshold: float = 0.5
) -> Outcome:
    """Say how scores of the selection are distributed, calibrated, right, and right for whom.

    *model* is a model's name. *by* names features, comma-separated, whose values are the slices; by default all of
    text. *group* is the declared feature that fairness gaps are measured by; without it none are. *label* is the
    name of the label, where there are several; it is positive from 0.5. *threshold* turns scores 0..1 into
    decisions. Without labels for the selection the figures are estimated (CBPE), with interval and blind spots.
    """
    window = reading.symptom.window
    entity = f"model:{model.removeprefix('model:')}"
    columns = compared_rows.columns_of(reading, entity, (window.start_ns - HISTORY_NS, window.end_ns))
    features = {c: k for c, k in columns.items() if c not in compared_rows.SERVED}
    named = [c.strip() for c in by.split(",") if c.strip()]
    sliced = named or sorted(c for c, kind in features.items() if kind == "text")[:MOST_SLICED]
    wanted = [*sliced, *([group] if group and group not in sliced else [])]
    if missing := sorted(set(wanted) - set(features)):
        raise UsageError(f"{entity} has no feature {', '.join(missing)}; there are: {', '.join(sorted(features)[:20])}")
    asked = {c: features[c] for c in wanted} | {"score": "number", "output": "text"}
    now, current = _rows(reading, entity, asked, (window.start_ns, window.end_ns), label)
    before, _ = _rows(reading, entity, asked, (window.start_ns - HISTORY_NS, window.start_ns), label)
    if now["score"].notna().sum() == 0:
        raise CouldNotRunError(f"no decision of {entity} in {window.words()} carries a score")
    return _said(entity, window, now, before, (sliced, group, threshold), current)


def _rows(
    reading: Reading, entity: str, columns: dict[str, str], span: tuple[int, int], label: str
) -> tuple[pd.DataFrame, Evidence]:
    """Return decisions with score, output, features and, where it came, ``label`` (0/1)."""
    frame, answer = compared_rows.sample(reading, entity, columns, windows=[span])
    told = reading.ask("labelled_predictions", start_ns=span[0], end_ns=span[1], model=entity.partition(":")[2],
                       label=label or None, arrived_before_ns=reading.symptom.window.end_ns).frame  # fmt: skip
    names = sorted(told["label"].dropna().unique()) if len(told) else []
    if len(names) > 1:
        raise UsageError(f"There are several labels: {', '.join(names)}. Name one: label={names[0]!r}.")
    value = pd.to_numeric(told["value"], errors="coerce") if len(told) else pd.Series(dtype=float)
    by_id = pd.Series(np.where(value.isna(), np.nan, value >= 0.5), index=told["prediction_id"] if len(told) else [])
    frame = frame.assign(label=answer.frame["row_id"].map(by_id).to_numpy(dtype=float, na_value=np.nan))
    return frame.reset_index(drop=True), answer.evidence


def _said(
    entity: str, window: Window, now: pd.DataFrame, before: pd.DataFrame, asked: tuple[list[str], str, float],
    evidence: Evidence,
) -> Outcome:  # fmt: skip
    by, group, threshold = asked
    labelled = int(now["label"].notna().sum())
    values: dict[str, Any] = {"rows": len(now), "labelled": labelled}
    frames, findings, told = {}, [], []
    moved = compare_frames(before[["score", "output"]], now[["score", "output"]], look_for_drivers="no")
    frames["distributions"], frames["histograms"] = moved.columns, moved.histograms
    for name in moved.decision.drifted:
        words = moved.columns.set_index("column").loc[name, "words"]
        findings.append(_finding(f"{words}.", entity, "score_distribution", evidence, 1 - ALPHA))
    if labelled >= MIN_ROWS:
        found = calibration(now["score"].to_numpy(float), now["label"].to_numpy(float))
        frames["reliability"] = found.bins
        values |= {"brier": found.brier, "ece": found.ece, "ece_by_chance": found.ece_by_chance,
                   "calibration_p_value": found.p_value}  # fmt: skip
        told.append(f"ECE {found.ece:.3f} (by chance {found.ece_by_chance:.3f}), Brier {found.brier:.3f}")
        if found.p_value <= ALPHA:
            text = f"Scores are not calibrated: ECE {found.ece:.3f}, by chance {found.ece_by_chance:.3f}."
            findings.append(_finding(text, entity, "calibration", evidence, 1 - found.p_value))
    else:
        told.append(f"labels came for {labelled} of {len(now)} decisions, too few to measure")
    frames["estimates"] = _estimates(before, now, threshold, values)
    told += [f"{r.metric} about {r.value:.3f} ({r.low:.3f} .. {r.high:.3f}), {r.reference:.3f} before"
             for r in frames["estimates"].head(1).itertuples()]  # fmt: skip
    figure: Figure = "accuracy" if labelled >= MIN_ROWS else "positive_rate"
    frames["slices"] = by_slice(now, by, figure=figure, threshold=threshold)
    values["slices"] = figure
    odd = frames["slices"][(frames["slices"]["q_value"] <= ALPHA) & (frames["slices"]["difference"].abs() >= GAP)]
    for row in odd.head(5).itertuples() if figure == "accuracy" else ():
        text = f"{row.column} = {row.value}: accuracy {percent(row.rate)}, elsewhere {percent(row.rest)}."
        findings.append(_finding(text, entity, "slice", evidence, 1 - float(row.q_value)))
    if group:
        frames["fairness"] = fairness_gaps(now if labelled else now.drop(columns="label"), group, threshold=threshold)
        findings += _unfair(frames["fairness"], entity, group, evidence)
    text = f"{entity.partition(':')[2]}, {window.words()}, {len(now):,} decisions: {'; '.join(told)}"
    text += f"; {len(odd)} of {len(frames['slices'])} slices differ in {figure.replace('_', ' ')}."
    return Outcome(tuple(findings), values, frames, text)


def _estimates(before: pd.DataFrame, now: pd.DataFrame, threshold: float, values: dict[str, Any]) -> pd.DataFrame:
    """Return figures estimated without the selection's labels, from those of the history; empty without enough."""
    names = ["metric", "value", "low", "high", "rows", "reference", "outside"]
    known = before[before["label"].notna() & before["score"].between(0, 1)]
    scores = now["score"].to_numpy(float)
    if len(known) < MIN_ROWS or known["label"].nunique() < 2:
        values["estimate"] = f"not possible: {len(known)} labelled decisions in the history, {MIN_ROWS} are needed"
        return pd.DataFrame(columns=names)
    made = [
        estimate(
            known["score"].to_numpy(float),
            known["label"].to_numpy(float),
            scores,
            metric=metric,
            threshold=threshold,
            resamples=60,
        )
        for metric in METRICS
    ]
    values |= {"estimate": "CBPE", "blind_spots": list(made[0].blind_spots)}
    return pd.DataFrame([{name: getattr(item, name) for name in names} for item in made])


def _unfair(gaps: pd.DataFrame, entity: str, group: str, evidence: Evidence) -> list[Finding]:
    out = []
    for row in gaps[(gaps["q_value"] <= ALPHA) & (gaps["gap"] >= GAP)].itertuples():
        rule = " (below four fifths)" if row.figure == "positive_rate" and row.ratio < FOUR_FIFTHS else ""
        text = (f"{str(row.figure).replace('_', ' ').capitalize()} by {group}: {row.least} {percent(row.gap)} below "
                f"{row.most}, ratio {row.ratio:.2f}{rule}.")  # fmt: skip
        out.append(_finding(text, entity, "fairness", evidence, 1 - float(row.q_value)))
    return out


def _finding(text: str, entity: str, signal: str, evidence: Evidence, strong: float) -> Finding:
    return Finding(text, entity, signal, (evidence,), strength=float(strong))


OPERATION = Operation("performance", "computed", run, run.__doc__ or "")
