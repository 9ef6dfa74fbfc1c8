"""``case.simulate(cause)``: what the figure and the latency would have been without a cause."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis import simulate as estimating
from workbench.analysis.simulate import Estimate
from workbench.case.human import cause_key
from workbench.case.operations import Operation, Outcome, Standing
from workbench.case.reading import Reading
from workbench.errors import CouldNotRunError, UsageError
from workbench.model.entities import split
from workbench.model.findings import Cause, Evidence, Finding
from workbench.model.window import DAY_NS, HOUR_NS
from workbench.playbook.symptoms import family
from workbench.playbook.times import Times, times
from workbench.playbook.words import count, figure, percent

DONOR_DAYS = 3
"""Rows of so many days before the onset stand for what went unharmed."""
MOST_TEXTS = 2
MOST_LEVELS = 12
MOST_SPANS = 40_000
P95 = 0.95


def run(reading: Reading, cause: str) -> Outcome:
    """Estimate what decisions and latency would have been without *cause* (``kind entity``, or its rank).

    Harmed are the decisions of the bad version, or all since the onset. Compared are recorded requests of
    other versions, or those before the onset, weighted to the harmed ones' mix; without overlap it says so.
    """
    ranked = reading.earlier("rank")
    causes = ranked.ranking.causes if ranked and ranked.ranking else ()
    found = next((c for c in causes if cause_key(c) == cause), None)
    if found is None:
        raise CouldNotRunError(f"{cause} is not among the ranked causes of this selection")
    when, version = times(reading), _version(found)
    rows = [*_decisions(reading, when, found, version), *_latency(reading, when, version)]
    if not rows:
        raise CouldNotRunError("neither decisions nor spans of the stretch are kept")
    table = pd.DataFrame([{"figure": what, "unit": unit, "was": e.was, "would": e.would, "low": e.low, "high": e.high,
                           "overlap": e.overlap, "harmed": e.harmed, "compared": e.donors, "why_not": e.why_not}
                          for what, unit, e, _ in rows])  # fmt: skip
    for name in ("was", "would", "low", "high"):
        table[name] = table[name].astype(float)
    findings = tuple(_finding(found, *row) for row in rows)
    said = [f.statement for f in findings]
    values = {"cause": cause, "version": version, "estimated": sum(not e.why_not for _, _, e, _ in rows)}
    return Outcome(findings, values, {"estimates": table}, " ".join(said))


def _version(cause: Cause) -> str | None:
    """Return the model version that a cause is about, as decisions name it; None where it is about none."""
    named = [cause.entity, *(f.entity for f in cause.evidence_for if f.signal in ("version_effect", "new_version"))]
    found = next((e for e in named if e.startswith("model_version:")), None)
    return found.rpartition("/")[2] if found else None


def _decisions(
    reading: Reading, when: Times, cause: Cause, version: str | None
) -> list[tuple[str, str, Estimate, Evidence]]:
    span = {"start_ns": when.start_ns - DONOR_DAYS * DAY_NS, "end_ns": when.end_ns}
    known = reading.ask("rows", table="predictions", start_ns=when.start_ns, end_ns=when.end_ns,
                        columns=["feature_texts"], limit=200)  # fmt: skip
    if known.frame.empty:
        return []
    fed = {split(e)[1].rpartition(".")[2] for e in (cause.entity, *cause.path)}
    names = sorted({str(k) for cell in known.frame["feature_texts"] for k in dict(cell or {})} - fed)
    answer = reading.ask("prediction_sample", **span, texts=names)
    rows = answer.frame
    if rows.empty:
        return []
    columns = [f"texts.{i}" for i in range(len(names)) if 1 < rows[f"texts.{i}"].nunique() <= MOST_LEVELS][:MOST_TEXTS]
    mixed = rows.assign(hour=(rows["time_ns"] % DAY_NS // (6 * HOUR_NS)).astype(str))
    stratum = estimating.strata(mixed, [*columns, "hour"])
    late = (rows["time_ns"] >= when.start_ns).to_numpy()
    harmed = late if version is None else late & (rows["model_version"] == version).to_numpy()
    usable = harmed | ~late | ((rows["model_version"] != version).to_numpy() if version else False)
    figures = _figures(reading, rows)
    return [(what, unit, estimating.mean(np.where(usable, values, np.nan), harmed, stratum), answer.evidence)
            for what, unit, values in figures]  # fmt: skip


def _figures(reading: Reading, rows: pd.DataFrame) -> list[tuple[str, str, Any]]:
    """Return the share of the decision that the symptom's name speaks of, and the mean score."""
    words = f"{reading.symptom.signal} {reading.symptom.entity}".lower()
    found: list[tuple[str, str, Any]] = []
    for output in sorted({str(o) for o in rows["output"].dropna()}):
        if len(output) > 3 and output.lower()[:6] in words:
            share = np.where(rows["output"].isna(), np.nan, (rows["output"] == output).astype(float))
            found.append((f"share decided {output}", "share", share))
    scores = rows["score"].to_numpy(dtype=float, na_value=np.nan)
    return [*found, ("mean score", "", scores)] if np.isfinite(scores).any() else found


def _latency(reading: Reading, when: Times, version: str | None) -> list[tuple[str, str, Estimate, Evidence]]:
    kind, name = split(reading.symptom.entity)
    if kind != "service" and version is None and family(reading.symptom.signal) != "latency":
        return []
    equals = {"service": name} if kind == "service" else {}
    columns = ["start_ns", "service", "name", "duration_ns", "model_version", "region"]
    answer = reading.ask("rows", table="spans", start_ns=when.start_ns - 6 * HOUR_NS, end_ns=when.end_ns,
                         columns=columns, equals={**equals, "kind": "server"}, limit=MOST_SPANS)  # fmt: skip
    rows = answer.frame
    if rows.empty:
        return []
    late = (rows["start_ns"] >= when.start_ns).to_numpy()
    harmed = late if version is None else late & (rows["model_version"] == version).to_numpy()
    usable = harmed | ~late | ((rows["model_version"] != version).to_numpy() if version else False)
    took = np.where(usable & (rows["duration_ns"] >= 0), rows["duration_ns"] / 1e6, np.nan)
    stratum = estimating.strata(rows, ["service", "name"])
    return [("p95 of requests", "ms", estimating.quantile(took, harmed, stratum, P95), answer.evidence)]


def _finding(cause: Cause, what: str, unit: str, e: Estimate, evidence: Evidence) -> Finding:
    if e.why_not or e.was is None or e.would is None or e.low is None or e.high is None:
        text = f"{what}: cannot be estimated: {e.why_not}."
        return Finding(text, cause.entity, f"without the cause: {what}", (evidence,), "clear", strength=0.0, values={})

    def shown(value: float) -> str:
        return f"{100 * value:.1f} %" if unit == "share" else f"{figure(value)}{f' {unit}' if unit else ''}"

    text = (
        f"{what} was {shown(e.was)} and would have been {shown(e.would)} ({shown(e.low)} to {shown(e.high)}, 95 %) "
        f"without it, by {count(e.donors)} unharmed rows that look like {percent(e.overlap)} of {count(e.harmed)} "
        "harmed ones."
    )
    figures: dict[str, float | int | str | None] = {
        "was": e.was,
        "would": e.would,
        "low": e.low,
        "high": e.high,
        "overlap": e.overlap,
    }
    return Finding(text, cause.entity, f"without the cause: {what}", (evidence,), "clear", strength=0.0, values=figures)


def _settle(case: Standing, arguments: dict[str, Any]) -> dict[str, Any]:
    if not arguments["cause"].isdigit():
        return arguments
    ranks = {str(c.rank): cause_key(c) for c in case.ranking or ()}
    if arguments["cause"] not in ranks:
        raise UsageError(f"No cause has rank {arguments['cause']}; ranks: {', '.join(ranks) or 'none yet'}.")
    return {**arguments, "cause": ranks[arguments["cause"]]}


OPERATION = Operation("simulate", "computed", run, run.__doc__ or "", settle=_settle)
