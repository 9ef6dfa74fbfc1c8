"""The symptom as a series over time, wherever it is kept, and the same figure recounted from decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from workbench.case.reading import Answer, Reading
from workbench.errors import CouldNotRunError
from workbench.model.entities import split
from workbench.model.findings import Evidence
from workbench.model.window import DAY_NS, MINUTE_NS
from workbench.playbook.times import HISTORY_NS, SLOT_NS

Family = Literal["outcome", "volume", "latency", "errors", "cost", "quality"]
_WORDS: tuple[tuple[Family, tuple[str, ...]], ...] = (
    ("errors", ("error", "fail", "5xx", "availab", "fallback", "timeout")),
    (
        "quality",
        (
            "groundedness",
            "faithfulness",
            "hallucination",
            "precision",
            "recall",
            "accuracy",
            "_auc",
            "f1_score",
            "brier",
            "logloss",
            "calibration",
        ),
    ),
    ("cost", ("cost", "spend")),
    ("latency", ("duration", "latency", "_ms", "seconds", "p95", "p99", "p50", "queue_wait", "wait_ms", "waiting")),
    (
        "volume",
        (
            "per_hour",
            "per_second",
            "per_minute",
            "per_day",
            "count",
            "volume",
            "rows",
            "requests",
            "throughput",
            "_total",
        ),
    ),
)
_SHARES = ("_rate", "_ratio", "_share", "_percent", "_pct")
"""Ends of names of shares, which are outcomes unless they count failures."""


@dataclass(frozen=True)
class About:
    """Name the figure that a series is of."""

    entity: str
    signal: str
    labels: Mapping[str, str]
    """Labels of its alert; a series that contradicts them is another one."""


@dataclass(frozen=True)
class Series:
    """The symptom over time: *frame* has time_ns and value, sorted; times are begins of intervals."""

    frame: pd.DataFrame
    evidence: Evidence
    family: Family
    labels: dict[str, str]


def family(signal: str) -> Family:
    """Return what kind of harm a signal measures, by the words in its name; outcomes of decisions otherwise."""
    low = signal.lower()
    if low.endswith(_SHARES) and not any(word in low for word in _WORDS[0][1]):
        return "outcome"
    return next((name for name, words in _WORDS if any(word in low for word in words)), "outcome")


def history_start(reading: Reading) -> int:
    """Return where the history of a case begins, in ns."""
    symptom = reading.symptom
    return max(symptom.history_start_ns or 0, symptom.window.start_ns - HISTORY_NS)


def about(reading: Reading) -> About:
    """Return what the case is about."""
    symptom = reading.symptom
    return About(symptom.entity, symptom.signal, dict((symptom.alert or {}).get("labels") or {}))


def others(reading: Reading, alerts: pd.DataFrame) -> list[About]:
    """Return what the other firing alerts are about, by name; each figure once."""
    own = (reading.symptom.entity, reading.symptom.signal)
    found: dict[tuple[str, str], About] = {}
    for row in alerts.dropna(subset=["entity", "signal"]).sort_values(["entity", "signal", "starts_ns"]).itertuples():
        key = (str(row.entity), str(row.signal))
        if key != own:
            found.setdefault(key, About(*key, dict(row.labels or {})))
    return list(found.values())


def series(reading: Reading, of: About | None = None) -> Series:
    """Return the series of a figure, by default the symptom's: a metric, a business figure, or what spans say."""
    symptom = of or about(reading)
    end_ns = reading.symptom.window.end_ns
    span = {"start_ns": history_start(reading), "end_ns": end_ns}
    _, name = split(symptom.entity)
    answer = samples(reading, symptom)
    rows = _of_entity(answer.frame, symptom.entity)
    if len(rows):
        rows, labels = _one_series(rows, symptom.labels)
        return Series(rows, answer.evidence, family(symptom.signal), labels)
    kpis = reading.ask("kpi_series", **span, kpi=name)
    if len(kpis.frame):
        whole = kpis.frame[kpis.frame["segment"] == ""]
        rows = whole if len(whole) else kpis.frame
        frame = rows.groupby("time_ns", as_index=False)["value"].mean()
        return Series(frame, kpis.evidence, family(symptom.signal), {})
    return _from_spans(reading, symptom, span)


def samples(reading: Reading, of: About | None = None) -> Answer:
    """Return all samples of a figure's metric, by default the symptom's, of whatever entity and labels."""
    symptom = of or about(reading)
    kind = symptom.entity.partition(":")[0]
    names = sorted({symptom.signal, f"{kind}_{symptom.signal}"})
    return reading.ask(
        "metric_series", start_ns=history_start(reading), end_ns=reading.symptom.window.end_ns, metric=names
    )


def _of_entity(rows: pd.DataFrame, entity: str) -> pd.DataFrame:
    """Return the rows of an entity: by its name, else by a label that names it, else all there are."""
    own = rows[rows["entity"] == entity]
    if len(own) or rows.empty:
        return own
    name = entity.partition(":")[2]
    labelled = rows[[name in dict(labels or {}).values() for labels in rows["labels"]]]
    return labelled if len(labelled) else rows


def _one_series(rows: pd.DataFrame, named: Mapping[str, str]) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the series whose labels agree with the alert's, with as few other labels as possible."""
    best: tuple[tuple[int, int, str], str] | None = None
    for identity, labels in rows.groupby("series")["labels"].first().items():
        own = dict(labels or {})
        differ = sum(1 for key, value in own.items() if key in named and named[key] != value)
        order = (differ, len(own), str(identity))
        if best is None or order < best[0]:
            best = (order, str(identity))
    assert best is not None
    chosen = rows[rows["series"] == best[1]].sort_values("time_ns")
    labels = {str(k): str(v) for k, v in dict(chosen["labels"].iloc[0] or {}).items()}
    return chosen[["time_ns", "value"]].reset_index(drop=True), labels


def _from_spans(reading: Reading, symptom: About, span: dict[str, int]) -> Series:
    kind, name = split(symptom.entity)
    found = family(symptom.signal)
    if kind == "service":
        answer = reading.ask("span_percentiles", **span, every_ns=SLOT_NS, equals={"service": name})
        rows = answer.frame
        column = {"errors": rows["errors"] / rows["count"], "latency": rows["p95_ms"]}.get(found, rows["count"])
        frame = pd.DataFrame({"time_ns": rows["start_ns"], "value": column.astype(float)})
    elif kind in ("model", "dataset") and found == "volume":
        answer = reading.ask("volume_history", **span, every_ns=SLOT_NS * 4, entity=symptom.entity)
        frame = answer.frame.rename(columns={"start_ns": "time_ns", "rows": "value"})[["time_ns", "value"]]
    else:
        raise CouldNotRunError(
            f"nothing measures {symptom.signal} of {symptom.entity}; send the metric or the table behind it"
        )
    if frame.empty:
        raise CouldNotRunError(f"no sample of {symptom.signal} of {symptom.entity} lies in the history")
    return Series(frame.sort_values("time_ns").reset_index(drop=True), answer.evidence, found, {})


@dataclass(frozen=True)
class Recount:
    """The symptom counted again from rows of decisions: *frame* has time_ns, value, n."""

    frame: pd.DataFrame
    what: str
    output: str
    """The decision that it counts; empty for the volume or the mean score."""
    correlation: float
    """How well it agrees with the symptom over the quiet history; higher is better, -1 .. 3."""
    evidence: Evidence


def recount(
    reading: Reading, symptom: Series, of: About | None = None, *, every_ns: int = 60 * MINUTE_NS
) -> Recount | None:
    """Return the figure of decisions that moved with the symptom over the quiet history; None where none did."""
    span = {"start_ns": history_start(reading), "end_ns": reading.symptom.window.end_ns}
    answer = reading.ask("prediction_series", **span, every_ns=every_ns)
    if answer.frame.empty:
        return None
    rows = answer.frame.assign(n=answer.frame["n"].astype(float), output=answer.frame["output"].fillna("(none)"))
    totals = rows.groupby("start_ns")["n"].sum()
    options: list[tuple[str, str, pd.Series]] = []
    if symptom.family == "volume":
        options.append(("decisions", "", totals))
    else:
        for output, group in rows.groupby("output", sort=True):
            share = group.groupby("start_ns")["n"].sum().reindex(totals.index, fill_value=0.0) / totals
            options.append((f"share decided {output}", str(output), share))
        scored = rows.dropna(subset=["mean_score"])
        # Decisions without the model have no score: a decision that many fall back to must not weigh more for it.
        each = scored["scored" if "scored" in scored else "n"].astype(float)
        mean = (scored["mean_score"] * each).groupby(scored["start_ns"]).sum() / each.groupby(scored["start_ns"]).sum()
        options.append(("mean score", "", mean))
    known = symptom.frame.assign(bucket=symptom.frame["time_ns"] - symptom.frame["time_ns"] % every_ns)
    figure = known.groupby("bucket")["value"].mean()
    return _closest(options, figure, totals, answer.evidence, of or about(reading), reading.symptom.window.start_ns)


def _closest(
    options: list[tuple[str, str, pd.Series]],
    told: pd.Series,
    totals: pd.Series,
    evidence: Evidence,
    of: About,
    start_ns: int,
) -> Recount | None:
    """Return the figure that is nearest to what is told: same level, same ups and downs, same name."""
    best: Recount | None = None
    words = set(of.signal.lower().split("_")) | set(of.entity.lower().replace(":", "_").split("_"))
    for what, output, values in options:
        both = pd.concat([told, values, totals], axis=1, keys=["a", "b", "n"]).dropna()
        quiet = both[both.index < start_ns - DAY_NS // 2]
        if len(quiet) < 48 or quiet["a"].std() == 0 or quiet["b"].std() == 0:
            continue
        coarse = quiet.groupby(quiet.index // (6 * 60 * MINUTE_NS))[["a", "b"]].mean()
        together = float(np.nan_to_num(np.corrcoef(coarse["a"], coarse["b"])[0, 1]))
        level = float(np.average(quiet["b"], weights=quiet["n"]))
        off = abs(float(quiet["a"].mean()) - level) / max(abs(float(quiet["a"].mean())), 1e-9)
        near = max(0.0, 1.0 - 5 * off)
        score = round(together + near + (1.0 if output and output.lower() in words else 0.0), 9)
        if best is None or score > best.correlation:
            frame = pd.DataFrame(
                {"time_ns": values.index, "value": values.to_numpy(), "n": totals.reindex(values.index).to_numpy()}
            )
            best = Recount(frame, what, output, score, evidence)
    return best if best is not None and best.correlation >= 0.3 else None
