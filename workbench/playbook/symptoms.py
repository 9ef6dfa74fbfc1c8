"""The symptom as a series over time, wherever it is kept, and the same figure recounted from decisions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from workbench.case.reading import Reading
from workbench.case.symptom import Symptom
from workbench.errors import CouldNotRunError
from workbench.model.entities import split
from workbench.model.findings import Evidence
from workbench.model.window import DAY_NS, MINUTE_NS
from workbench.playbook.times import HISTORY_NS, SLOT_NS

Family = Literal["outcome", "volume", "latency", "errors"]
_WORDS: tuple[tuple[Family, tuple[str, ...]], ...] = (
    ("errors", ("error", "fail", "5xx", "availab", "fallback", "timeout")),
    ("latency", ("duration", "latency", "_ms", "seconds", "p95", "p99", "p50", "queue", "wait")),
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
    return next((name for name, words in _WORDS if any(word in low for word in words)), "outcome")


def history_start(reading: Reading) -> int:
    """Return where the history of a case begins, in ns."""
    symptom = reading.symptom
    return max(symptom.history_start_ns or 0, symptom.window.start_ns - HISTORY_NS)


def series(reading: Reading) -> Series:
    """Return the symptom's own series: a metric, a business figure, or what decisions and spans say."""
    symptom = reading.symptom
    span = {"start_ns": history_start(reading), "end_ns": symptom.window.end_ns}
    kind, name = split(symptom.entity)
    answer = reading.ask("metric_series", **span, entity=symptom.entity)
    rows = answer.frame[answer.frame["metric"].isin([symptom.signal, f"{kind}_{symptom.signal}"])]
    if rows.empty:
        rows = answer.frame[answer.frame["metric"].str.contains(symptom.signal, regex=False)]
    if len(rows):
        rows, labels = _one_series(rows, symptom.alert)
        return Series(rows, answer.evidence, family(symptom.signal), labels)
    kpis = reading.ask("kpi_series", **span, kpi=name)
    if len(kpis.frame):
        whole = kpis.frame[kpis.frame["segment"] == ""]
        rows = whole if len(whole) else kpis.frame
        frame = rows.groupby("time_ns", as_index=False)["value"].mean()
        return Series(frame, kpis.evidence, family(symptom.signal), {})
    return _from_spans(reading, kind, name, span)


def _one_series(rows: pd.DataFrame, alert: object) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the series whose labels agree with the alert's, with as few other labels as possible."""
    named = dict((alert or {}).get("labels") or {}) if isinstance(alert, dict) else {}
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


def _from_spans(reading: Reading, kind: str, name: str, span: dict[str, int]) -> Series:
    symptom = reading.symptom
    found = family(symptom.signal)
    if kind == "service":
        answer = reading.ask("span_percentiles", **span, every_ns=SLOT_NS, equals={"service": name})
        rows = answer.frame
        column = {"errors": rows["errors"] / rows["count"], "latency": rows["p95_ms"]}.get(found, rows["count"])
        frame = pd.DataFrame({"time_ns": rows["start_ns"], "value": column.astype(float)})
    elif kind in ("model", "dataset"):
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


def recount(reading: Reading, symptom: Series, *, every_ns: int = 60 * MINUTE_NS) -> Recount | None:
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
        weight = scored.groupby("start_ns")["n"].sum()
        mean = (scored["mean_score"] * scored["n"]).groupby(scored["start_ns"]).sum() / weight
        options.append(("mean score", "", mean))
    known = symptom.frame.assign(bucket=symptom.frame["time_ns"] - symptom.frame["time_ns"] % every_ns)
    figure = known.groupby("bucket")["value"].mean()
    return _closest(options, figure, totals, answer.evidence, reading.symptom)


def _closest(
    options: list[tuple[str, str, pd.Series]], told: pd.Series, totals: pd.Series, evidence: Evidence, symptom: Symptom
) -> Recount | None:
    """Return the figure that is nearest to what is told: same level, same ups and downs, same name."""
    best: Recount | None = None
    words = set(symptom.signal.lower().split("_")) | set(symptom.entity.lower().replace(":", "_").split("_"))
    for what, output, values in options:
        both = pd.concat([told, values, totals], axis=1, keys=["a", "b", "n"]).dropna()
        quiet = both[both.index < symptom.window.start_ns - DAY_NS // 2]
        if len(quiet) < 48 or quiet["a"].std() == 0 or quiet["b"].std() == 0:
            continue
        coarse = quiet.groupby(quiet.index // (6 * 60 * MINUTE_NS))[["a", "b"]].mean()
        together = float(np.nan_to_num(np.corrcoef(coarse["a"], coarse["b"])[0, 1]))
        level = float(np.average(quiet["b"], weights=quiet["n"]))
        off = abs(float(quiet["a"].mean()) - level) / max(abs(float(quiet["a"].mean())), 1e-9)
        near = max(0.0, 1.0 - 5 * off)
        score = round(together + near + (1.0 if output and output.lower() in words else 0.0), 9)
        if best is None or score > best.correlation:
            frame = pd.DataFrame({"time_ns": values.index, "value": values.to_numpy(),
                                  "n": totals.reindex(values.index).to_numpy()})  # fmt: skip
            best = Recount(frame, what, output, score, evidence)
    return best if best is not None and best.correlation >= 0.3 else None
