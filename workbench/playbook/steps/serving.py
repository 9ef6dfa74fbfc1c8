"""Errors and latency of every service, how much of each is its own, where requests wait, and what serving costs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.analysis.deviation import Deviation, Scale, deviate
from workbench.case.operations import Outcome
from workbench.case.reading import Answer, Reading
from workbench.errors import CouldNotRunError
from workbench.model.findings import Finding
from workbench.model.window import DAY_NS, HOUR_NS
from workbench.playbook import Step
from workbench.playbook.devices import requests
from workbench.playbook.spending import cost_findings
from workbench.playbook.splits import split_findings
from workbench.playbook.symptoms import family
from workbench.playbook.times import Times, times
from workbench.playbook.words import figure, percent, points

ERROR_EFFECT = 0.01
LATENCY_EFFECT = 0.15
TRACED_NS = 3 * DAY_NS


def run(reading: Reading) -> Outcome:
    """Compare each service's errors and times with its quiet windows; take off what it inherits from those it calls."""
    t = times(reading)
    metrics = reading.ask("metric_names", start_ns=t.end_ns - DAY_NS, end_ns=t.end_ns)
    calls = reading.ask("service_edges", start_ns=t.end_ns - TRACED_NS, end_ns=t.end_ns)
    services = sorted(e for e in metrics.frame["entity"].unique() if e.startswith("service:"))
    samples: Answer | None = None
    if services:
        samples = reading.ask("metric_series", start_ns=t.history_start_ns, end_ns=t.end_ns, entity=services)
    spans = reading.ask("span_percentiles", start_ns=t.end_ns - TRACED_NS, end_ns=t.end_ns, every_ns=HOUR_NS)
    if samples is None and spans.frame.empty:
        raise CouldNotRunError("no service sends spans or metrics; send traces or request metrics")
    callees = (
        calls.frame.groupby("caller")["callee"].agg(lambda c: sorted(set(c))).to_dict() if len(calls.frame) else {}
    )
    findings = []
    if samples is not None:
        for metric, group in samples.frame.groupby("metric", sort=True):
            if family(str(metric)) in ("errors", "latency"):
                findings += _metric(str(metric), group, samples, t, callees)
    covered = _measured(samples)
    findings += [f for f in _spans(spans, t, callees) if (f.entity, family(f.signal)) not in covered]
    findings.sort(
        key=lambda f: (-round(float(f.values.get("own") or 0.0), 9), -round(f.strength, 9), f.entity, f.signal)
    )
    findings += sorted(split_findings(requests(reading, t.end_ns), t), key=lambda f: (-round(f.strength, 9), f.entity))
    findings += cost_findings(reading, metrics.frame, t)
    names = sorted({str(s) for s in spans.frame["service"].dropna()} | {s.partition(":")[2] for s in services})
    summary = findings[0].statement if findings else f"All {len(names)} services answer as fast and as well as usual."
    return Outcome(tuple(findings), {"services": len(names)}, summary=summary)


def _measured(samples: Answer | None) -> set[tuple[str, str]]:
    """Return services and kinds of harm that metrics measure: over all requests, where spans are a sample of them."""
    if samples is None:
        return set()
    pairs = samples.frame[["entity", "metric"]].drop_duplicates()
    return {(str(e), family(str(m))) for e, m in zip(pairs["entity"], pairs["metric"], strict=True)}


def _metric(metric: str, rows: pd.DataFrame, answer: Answer, t: Times, callees: dict[str, list[str]]) -> list[Finding]:
    measured: dict[str, Deviation] = {}
    for entity, group in rows.groupby("entity", sort=True):
        series = group.groupby("time_ns")["value"].mean()
        found = _deviate(series, t, metric)
        if found is not None:
            measured[str(entity).partition(":")[2]] = found
    return _findings(metric, measured, answer, callees)


def _spans(answer: Answer, t: Times, callees: dict[str, list[str]]) -> list[Finding]:
    rows = answer.frame.dropna(subset=["service"])
    found = []
    for metric, column in (("error_rate", rows["errors"] / rows["count"]), ("p95_ms", rows["p95_ms"])):
        measured = {}
        for service, group in rows.assign(value=column.astype(float)).groupby("service", sort=True):
            deviation = _deviate(group.set_index("start_ns")["value"], t, metric)
            if deviation is not None:
                measured[str(service)] = deviation
        found += _findings(metric, measured, answer, callees)
    return found


def _deviate(series: pd.Series, t: Times, metric: str) -> Deviation | None:
    errors = family(metric) == "errors"
    scale: Scale = "absolute" if errors else "relative"
    return deviate(
        series.index.to_numpy(dtype=np.int64),
        series.to_numpy(dtype=float),
        t.window,
        max(t.history_start_ns, int(series.index.min())),
        scale=scale,
        floor=0.002 if errors else 0.02,
    )


def _findings(
    metric: str, measured: dict[str, Deviation], answer: Answer, callees: dict[str, list[str]]
) -> list[Finding]:
    found = []
    errors = family(metric) == "errors"
    for service, d in sorted(measured.items()):
        strong = d.strength
        enough = d.change >= ERROR_EFFECT if errors else d.relative >= LATENCY_EFFECT
        if strong < 0.95 or not enough:
            continue
        inherited = max((max(measured[c].change, 0.0) for c in callees.get(service, []) if c in measured), default=0.0)
        own = max(d.change - inherited, 0.0)
        share = own / d.change
        shown = (
            f"{percent(d.now)} of requests, usually {percent(d.usual)} ({points(d.change)})"
            if errors
            else f"{figure(d.now)}, usually {figure(d.usual)} (+{percent(d.relative)})"
        )
        text = f"{metric} of {service} is {shown}; {percent(share)} of the rise is its own."
        values: dict[str, float | int | str | None] = {
            "now": d.now,
            "usual": d.usual,
            "change": d.change,
            "own": own,
            "own_share": share,
            "z": float(np.clip(d.z, -1e6, 1e6)),
            "p_value": d.p_value,
            "family": family(metric),
            "onset_after_ns": d.onset_after_ns,
        }
        found.append(
            Finding(
                text,
                f"service:{service}",
                metric,
                (answer.evidence,),
                strength=strong,
                values=values,
                onset_ns=d.onset_ns,
            )
        )
    return found


STEP = Step(
    number=8,
    question="Which service is slow or failing by itself, and which only inherits it?",
    why="The deepest failing service is not always the cause, and a loud one that nothing waits for never is.",
    needs=("spans", "metric_samples"),
    run=run,
)
