"""``case.compare(dataset, current=, baseline=, policies=)``: what is different about a table between two moments."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis import drivers as driving
from workbench.analysis import table_signals
from workbench.analysis.comparison import Comparison, compare, compare_frames, strip
from workbench.analysis.deviation import strength
from workbench.analysis.profile_history import Windows
from workbench.case.operations import Operation, Outcome
from workbench.case.reading import Reading
from workbench.model.entities import split
from workbench.model.findings import Evidence, Finding
from workbench.model.window import DAY_NS, Window
from workbench.playbook import compared_baseline, compared_rows, compared_signals
from workbench.playbook.compared_history import history_of, snapped

MOST_FINDINGS = 40
MOST_DRIVEN = 3
"""Drifted columns whose drivers are looked for."""
DRIVERS = ["column", "segment", "size", "explained", "share_before", "share_now", "evidence", "overlaps"]
WORTH_SAYING = 0.3
"""Share of the divergence that a driver must explain to be said."""


def run(reading: Reading, dataset: str, current: str = "", baseline: str = "", policies: str = "") -> Outcome:
    """Compare a table in two windows and say which columns differ, how, driven by which rows, and by what evidence.

    A difference that is certain but below what is an alarm is said as *small*: it is no finding, and no evidence.
    *dataset* is a data set's name, ``dataset:NAME`` or ``model:NAME``. *current* is a window, ``START/END`` or clock
    times; by default the selection. *baseline* is ``same hours, 30 d`` (by default, unless one is pinned), ``same
    hours of the week, 30 d``, ``first 30 d`` (the first days that are kept), ``first 30 d, hours of the week``,
    ``pinned``, windows ``START/END, ...``, ``version NAME`` (of the data or the model), ``environment NAME``, or
    ``training`` (the snapshot that a model's serving version was trained on). *policies* are the fixed rules beside
    the statistics: by default those of the table's contract and for the rest those of practice; ``contract``,
    ``practice`` or ``none`` ask for one of them.
    """
    symptom = reading.symptom
    entity = dataset if dataset.startswith(("dataset:", "model:")) else f"dataset:{dataset}"
    window = Window.parse(current, day_of=symptom.window.start_ns) if current else symptom.window
    other = compared_baseline.other(baseline)
    if other is not None:
        return _of_rows(reading, entity, window, other, policies)
    span_start = min(symptom.history_start_ns or window.start_ns, window.start_ns - 31 * DAY_NS)
    history, answer, origin = history_of(reading, entity, span_start, window)
    now, widened = snapped(history, window)
    against = reading.share(compared_baseline.key(symptom, answer.evidence.sha256, now, baseline),
                            lambda: compared_baseline.against(symptom, history, now, baseline))  # fmt: skip
    rules = compared_signals.rules(reading, entity, now, policies)
    span = (now.start_ns, now.end_ns)
    found = compare(history, against.windows, [span], learned=against.learned, policies=rules.policies)
    found, note = _driven(reading, entity, found, against.windows, span)
    signals = compared_signals.signals(reading, entity, history, against.windows, now, found.decision)
    standing, used = compared_signals.standing(reading, entity, rules, found.decision, signals, now)
    stated = f"{now.words()} against {against.rule}{compared_baseline.short(against.windows, now)}; {origin}{widened}"
    findings = [
        *_rows_finding(entity, found, answer.evidence),
        *_findings(entity, found, answer.evidence),
        *compared_signals.findings_of(entity, signals, answer.evidence),
        *compared_signals.policy_findings(entity, standing, used or answer.evidence),
    ]
    frames = {"history": strip(history, against.windows), "signals": signals.table, "signal_history": signals.history,
              "policies": standing}  # fmt: skip
    values = {"baseline": against.kind, "policies": rules.words, "drivers": note}
    return _outcome(entity, found, findings, frames, values, stated)


def _of_rows(reading: Reading, entity: str, window: Window, other: tuple[str, str], policies: str) -> Outcome:
    """Compare rows with those of a version, an environment or a training snapshot: no history tells how they wander."""
    kind, name = other
    if kind == "training":
        before, now = compared_rows.of_training(reading, entity, window)
    elif kind == "version":
        before, now = compared_rows.of_version(reading, entity, window, name)
    else:
        before, now = compared_rows.of_environment(reading, entity, window, name)
    rules = compared_signals.rules(reading, entity, window, policies)
    left = ["data_version"] if kind == "version" and entity.startswith("dataset:") else []
    left += ["model_version", "run_id"] if kind == "version" and entity.startswith("model:") else []
    known = [p for p in rules.policies if p.figure not in {"row_ratio", "rows", "nulls", "duplicates"}]
    frames = compared_rows.shared(before.frame, now.frame, left)
    found = compare_frames(*frames, policies=known)
    # Rows of a version, or of a sample, say nothing about rows an hour.
    found = replace(found, decision=replace(found.decision, rows_verdict="no data", rows_p_value=math.nan))
    schema = table_signals.schema(_types(before.frame, left), _types(now.frame, left), 0)
    stated_signals = table_signals.stated(found.decision)
    signals = pd.concat([stated_signals[stated_signals["signal"] != "rows"], pd.DataFrame([schema])], ignore_index=True)
    held = compared_signals.Signals(signals, table_signals.history_of([]), {})
    standing, used = compared_signals.standing(
        reading, entity, replace(rules, policies=tuple(known)), found.decision, held, window
    )
    evidence = now.answer.evidence
    findings = [*_findings(entity, found, evidence), *compared_signals.findings_of(entity, held, evidence),
                *compared_signals.policy_findings(entity, standing, used or evidence)]  # fmt: skip
    stated = f"{now.words} against {before.words}; counted from rows, taken to be independent"
    values = {"baseline": kind, "policies": rules.words, "drivers": "looked for among the sampled rows"}
    return _outcome(entity, found, findings, {"signals": signals, "policies": standing}, values, stated)


def _types(frame: pd.DataFrame, left: list[str]) -> dict[str, str]:
    return {str(c): "number" if frame[c].dtype.kind in "fiu" else "text" for c in frame.columns if c not in left}


def _driven(
    reading: Reading, entity: str, found: Comparison, windows: Windows, span: tuple[int, int]
) -> tuple[Comparison, str]:
    """Return the comparison with the rows that drive it, and where they were looked for."""
    drifted = found.decision.drifted[:MOST_DRIVEN]
    if not drifted:
        return found, "nothing drifted, nothing drives"
    columns = {c: k for c, k in compared_rows.columns_of(reading, entity, span).items() if c != "run_id"}
    if not set(drifted) & set(columns):
        return found, "unknown: profiles hold no rows to take apart"
    now, _ = compared_rows.sample(reading, entity, columns, windows=[span])
    before, _ = compared_rows.sample(reading, entity, columns, windows=windows)
    if now.empty or before.empty:
        return found, "unknown: profiles hold no rows to take apart"
    parts = [driving.drivers(before, now, name).assign(column=name) for name in drifted if name in now.columns]
    table = pd.concat(parts, ignore_index=True)
    return replace(found, drivers=table), f"looked for among {len(before):,} rows before and {len(now):,} now"


def _outcome(
    entity: str, found: Comparison, findings: list[Finding], frames: dict[str, pd.DataFrame], values: dict[str, Any],
    stated: str,
) -> Outcome:  # fmt: skip
    table, d = found.columns, found.decision
    signals = frames["signals"]
    policies = frames["policies"]
    odd = signals[signals["verdict"].isin(("drifted", "silent"))]
    broken = policies[policies["state"] == "broken"]
    drivers = found.drivers.reindex(columns=DRIVERS) if len(found.drivers) else pd.DataFrame(columns=DRIVERS)
    changes = [(c, x.kind, x.statement, x.explained) for c, held in found.changes.items() for x in held]
    all_values = {
        "drifted": list(d.drifted), "small": list(d.small), "columns": len(table), "quiet_windows": d.quiet,
        "alpha": d.alpha, "rows": d.rows_verdict, "compared": stated, **values,
        "signals": {f"{r.signal} {r.column}".strip(): r.verdict for r in signals.itertuples()},
        "broken": sorted({str(p) for p in broken["policy"]}),
    }  # fmt: skip
    said = found.caption()
    beside = odd[~odd["signal"].isin(("rows", "nulls"))]["words"].tolist()[:2]
    said += "".join(f" {text[0].upper()}{text[1:]}." for text in beside)
    said += "".join(f" {text}" for text in _driver_words(drivers)[:1])
    rules = f"{values['policies']}: {len(all_values['broken'])} broken"
    summary = f"{split(entity)[1]}, {stated}: {len(d.drifted)} of {len(table)} columns drifted ({rules}). {said}"
    held = {"columns": table, "histograms": found.histograms, **frames, "drivers": drivers,
            "changes": pd.DataFrame(changes, columns=["column", "kind", "statement", "explained"])}  # fmt: skip
    return Outcome(tuple(findings[:MOST_FINDINGS]), all_values, {n: f.reset_index(drop=True) for n, f in held.items()},
                   summary)  # fmt: skip


def _driver_words(drivers: pd.DataFrame) -> list[str]:
    """Return what is gone without the best segment of each column."""
    best = drivers.drop_duplicates("column")
    return [
        f"Without {row.segment}, {row.explained:.0%} of the divergence of {row.column} is gone (association)."
        for row in best.itertuples() if row.explained >= WORTH_SAYING
    ]  # fmt: skip


def _rows_finding(entity: str, found: Comparison, evidence: Evidence) -> list[Finding]:
    d = found.decision
    if d.rows_verdict not in {"drifted", "silent"}:
        return []
    text = f"{split(entity)[1]} went from {d.rows_before:.3g} to {d.rows_now:.3g} rows an hour."
    strong = 1.0 if math.isnan(d.rows_p_value) else 1 - d.rows_p_value
    return [Finding(text, entity, "rows", (evidence,), strength=strong,
                    values={"now": d.rows_now, "usual": d.rows_before})]  # fmt: skip


def _findings(entity: str, found: Comparison, evidence: Evidence) -> list[Finding]:
    table = found.columns
    driven = found.drivers.drop_duplicates("column").set_index("column") if len(found.drivers) else pd.DataFrame()
    out = []
    for row in table[table["verdict"] == "drifted"].to_dict("records"):
        best = driven.loc[row["column"]] if row["column"] in driven.index else None
        out.append(_finding(entity, row, best, evidence))
    return out


def _finding(entity: str, row: dict[str, Any], best: pd.Series | None, evidence: Evidence) -> Finding:
    kind, name = split(entity)
    about = f"column:{name}.{row['column']}" if kind == "dataset" else f"feature:{row['column']}"
    chance = float(np.nanmin([row["p_value"], row["null_p_value"]]))
    figures = ("ks", "tv", "w1", "psi", "q_value", "null_rate_before", "null_rate_now", "mean_before", "mean_now")
    values: dict[str, float | int | str | None] = {k: None if math.isnan(row[k]) else float(row[k]) for k in figures}
    text = f"{row['words']}."
    if best is not None and best["explained"] >= WORTH_SAYING:
        text += f" Without {best['segment']}, {best['explained']:.0%} of the divergence is gone (association)."
        values |= {"driver": str(best["segment"]), "explained": float(best["explained"])}
    return Finding(text, about, "drift", (evidence,), strength=strength(10.0, chance), values=values)


OPERATION = Operation("compare", "computed", run, run.__doc__ or "", settle=compared_baseline.settled)
