"""Lines of the joined timeline out of what a case has frozen: each figure with its unit, unknown left unknown."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.deviation import HOUR_NS
from workbench.analysis.impact import levels
from workbench.case.case import Case
from workbench.case.human import cause_key
from workbench.model.entities import split
from workbench.model.window import MINUTE_NS
from workbench.playbook.words import short

MOST_DRIFTED = 3
BUCKET_NS = 5 * MINUTE_NS
MIN_ROWS = 20
"""Decisions that an hour needs for a distance: fewer wander too far by chance."""


@dataclass(frozen=True)
class Line:
    """One figure over time: *times* in ns, sorted and each once, *values* with NaN for unknown; both ``(n,)``."""

    name: str
    unit: str
    times: NDArray[np.int64]
    values: NDArray[np.float64]


def answers(case: Case, query: str) -> Iterator[pd.DataFrame]:
    """Yield the frozen answers of a named query that hold rows, oldest first."""
    for item in case.evidence.values():
        if item.query.partition("(")[0] == query and item.rows:
            yield case.frame(item.id)


def frozen(case: Case, query: str) -> pd.DataFrame:
    """Return all frozen answers of a named query below each other; empty where it was never asked."""
    found = list(answers(case, query))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def of_symptom(case: Case, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the samples of the symptom's own metric, by its entity or by a label that names it; the busiest series.

    The metric is called as the signal is, or as the entity's kind and the signal: ``model_error_rate``.
    """
    if case.symptom is None or frame.empty:
        return frame[:0]
    kind, name = split(case.symptom.entity)
    rows = frame[frame["metric"].isin([case.symptom.signal, f"{kind}_{case.symptom.signal}"])]
    own = rows[rows["entity"] == case.symptom.entity]
    if own.empty and len(rows):
        own = rows[[name in dict(labels or {}).values() for labels in rows["labels"]]]
    if own.empty:
        return own
    return own[own["series"] == own["series"].value_counts().index[0]]


def line(name: str, unit: str, times: pd.Series, values: pd.Series) -> Line | None:
    """Return a line of sorted times; equal times are averaged, and fewer than two known values are no line."""
    rows = pd.DataFrame({"t": times.astype("Int64"), "v": pd.to_numeric(values, errors="coerce")}).dropna(subset="t")
    means = rows.groupby("t", sort=True)["v"].mean()
    drawn = means.to_numpy(dtype=float, na_value=np.nan)
    if np.isfinite(drawn).sum() < 2:
        return None
    return Line(name, unit, means.index.to_numpy(dtype=np.int64), drawn)


def weighted(frame: pd.DataFrame, value: str, weight: str, by: str = "start_ns") -> pd.Series:
    """Return the mean of *value* for each *by*, weighted by *weight*; rows whose value is unknown weigh nothing."""
    known = frame.dropna(subset=[value, weight])
    total = (known[value].astype(float) * known[weight]).groupby(known[by]).sum()
    return total / known[weight].astype(float).groupby(known[by]).sum().replace(0.0, np.nan)


def _of(name: str, unit: str, found: pd.Series) -> Line | None:
    return line(name, unit, found.index.to_series(), found)


def _finest(found: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Return the answer with the most times; buckets of different lengths do not add up."""
    return max(found, key=lambda frame: frame["start_ns"].nunique(), default=pd.DataFrame())


def _metrics(case: Case) -> pd.DataFrame:
    rows = frozen(case, "metric_series")
    return rows.drop_duplicates(["entity", "metric", "series", "time_ns"]) if len(rows) else rows


def _short(entity: object) -> str:
    """Return a name without server and database, which all tables of a place share."""
    return short(str(entity).rpartition("/")[2] if "://" in str(entity) else str(entity), limit=40)


def _unit(rows: pd.DataFrame) -> str:
    known = rows["unit"].dropna()
    return str(known.iloc[0]) if len(known) else ""


def business(case: Case) -> Iterator[Line | None]:
    """Yield business figures as a whole, the symptom's own, and failing both the rows that the symptom counts."""
    assert case.symptom is not None
    kpis = frozen(case, "kpi_series")
    for name, rows in kpis.drop_duplicates(["kpi", "segment", "time_ns"]).groupby("kpi") if len(kpis) else ():
        whole = rows[rows["segment"] == ""]
        for segment, own in (whole if len(whole) else rows).groupby("segment"):
            yield line(f"{name}, {segment}" if segment else str(name), _unit(own), own["time_ns"], own["value"])
    metrics = _metrics(case)
    own = of_symptom(case, metrics)
    if len(own):
        yield line(case.symptom.signal, _unit(own), own["time_ns"], own["value"])
    sent = metrics[metrics["entity"].str.startswith("kpi:") & ~metrics["series"].isin(own["series"])] if (
        len(metrics)) else metrics  # fmt: skip
    for (entity, metric), every in sent.groupby(["entity", "metric"], sort=True) if len(sent) else ():
        # The series with the fewest labels is the whole; others are parts of it.
        whole = min(every.groupby("series")["labels"].first().items(), key=lambda x: (len(dict(x[1] or {})), str(x[0])))
        rows, name = every[every["series"] == whole[0]], split(str(entity))[1]
        yield line(name if name in metric else f"{metric} of {name}", _unit(rows), rows["time_ns"], rows["value"])
    if len(kpis) or len(own) or len(sent):
        return
    rows = _finest(f[f["entity"] == case.symptom.entity] for f in answers(case, "volume_history"))
    if len(rows):
        sums = rows.groupby("start_ns")["rows"].sum(min_count=1)
        yield _of(f"rows of {_short(case.symptom.entity)}", "rows", sums)


def predictions(case: Case) -> Iterator[Line | None]:
    """Yield the mean score over all decisions, and how many there were."""
    rows = _finest(answers(case, "prediction_series"))
    if len(rows):
        # Answers frozen before scores were counted weigh by all decisions.
        yield _of("mean score", "", weighted(rows, "mean_score", "scored" if "scored" in rows else "n"))
        yield _of("predictions", "an interval", rows.groupby("start_ns")["n"].sum(min_count=1))


def requests(case: Case) -> Iterator[Line | None]:
    """Yield percentiles of the busiest services, each as fine as it was asked for, and failures of all together."""
    found = list(answers(case, "span_percentiles"))
    if not found:
        return
    widest = max(found, key=lambda frame: (frame["service"].nunique(), frame["start_ns"].nunique()))
    busiest = widest.groupby("service")["count"].sum().sort_values(ascending=False).index[:2]
    for place, service in enumerate(busiest):
        own = _finest(frame[frame["service"] == service] for frame in found)
        yield line(f"p95 of {service}", "ms", own["start_ns"], own["p95_ms"])
        if place == 0:
            yield line(f"p50 of {service}", "ms", own["start_ns"], own["p50_ms"])
    yield _of("failed requests", "an interval", widest.groupby("start_ns")["errors"].sum(min_count=1))


def parts(case: Case) -> Iterator[Line | None]:
    """Yield the queue wait, and on top of it the forward pass, of the mean request: in five minutes, or as asked."""
    rows = _finest([*answers(case, "latency_parts"), _bucketed(frozen(case, "rows"))])
    if rows.empty:
        return
    queue, forward = (weighted(rows, f"mean_{part}_ms", "n") for part in ("queue_wait", "forward_pass"))
    yield _of("queue wait", "ms", queue)
    yield _of("queue wait + forward pass" if len(queue) else "forward pass", "ms",
              queue.add(forward) if len(queue) else forward)  # fmt: skip


def _bucketed(spans: pd.DataFrame) -> pd.DataFrame:
    """Return frozen spans that say their queue wait or forward pass as rows of ``latency_parts``, one for each span."""
    named = ["queue_wait_ms", "forward_pass_ms"]
    if not {"trace_id", "span_id", "start_ns", *named} <= set(spans):
        return pd.DataFrame({"start_ns": []})
    known = spans.dropna(subset=named, how="all").dropna(subset=["start_ns"]).drop_duplicates(["trace_id", "span_id"])
    begins = known["start_ns"].astype("int64")
    return known[named].add_prefix("mean_").assign(n=1, start_ns=begins - begins % BUCKET_NS)


def machines(case: Case) -> Iterator[Line | None]:
    """Yield a line for each metric: of the machine whose figure moved most in the selection."""
    rows = _metrics(case)
    if rows.empty:
        return
    # Memory of single programs adds up to no figure of the device; the board of devices shows it.
    rows = rows[rows["entity"].str.startswith(("gpu:", "host:")) & ~rows["metric"].str.startswith("gpu_process")]
    best: dict[str, Line] = {}
    for (entity, metric), own in rows.groupby(["entity", "metric"], sort=True):
        made = line(f"{metric} of {_short(entity)}", _unit(own), own["time_ns"], own["value"])
        if made and (metric not in best or _moved(case, made) > _moved(case, best[metric])):
            best[metric] = made
    yield from sorted(best.values(), key=lambda x: -_moved(case, x))


def data_sets(case: Case) -> Iterator[Line | None]:
    """Yield missing shares, rows and ages of what the lead names, then of what moved most in the selection."""
    standing = (c for c in case.causes if cause_key(c) not in case.state.rejected)
    named = next((split(c.entity)[1] for c in standing), "")
    kinds = [_nulls(case), _rows(case), _ages(case)]
    for place, found in enumerate(kinds):
        ordered = sorted(found, key=lambda x: (not (named and named in x[0]), -_moved(case, x[1])))
        yield from (x for _, x in ordered[: 2 if place == 0 else 1])


def _nulls(case: Case) -> Iterator[tuple[str, Line]]:
    rows = frozen(case, "null_history")
    if rows.empty:
        return
    rows = rows.drop_duplicates(["entity", "origin", "column", "start_ns"])
    missing = rows[rows["nulls"] > 0][["entity", "column"]].drop_duplicates()
    for (entity, column), own in rows[rows["rows"] > 0].merge(missing).groupby(["entity", "column"], sort=True):
        sums = own.groupby("start_ns")[["nulls", "rows"]].sum(min_count=1)
        home = split(str(entity))[1]
        made = _of(f"missing in {column} of {_short(entity)}", "share", sums["nulls"] / sums["rows"])
        if made:
            yield f"{home}.{column}", made


def _rows(case: Case) -> Iterator[tuple[str, Line]]:
    rows = _finest(answers(case, "volume_history"))
    for entity, own in rows.groupby("entity", sort=True) if len(rows) else ():
        # What writers say and what rows count are the same rows: one of both, not their sum.
        said = own[own["origin"] == own["origin"].iloc[0]].groupby("start_ns")["rows"].sum(min_count=1)
        name = split(str(entity))[1]
        made = _of(f"rows of {_short(entity)}", "rows", said) if str(entity).startswith("dataset:") else None
        if made:
            yield name, made


def _ages(case: Case) -> Iterator[tuple[str, Line]]:
    rows = _finest(answers(case, "freshness_history"))
    for entity, own in rows.groupby("entity", sort=True) if len(rows) else ():
        name = split(str(entity))[1]
        made = _of(f"age of {_short(entity)}", "s", weighted(own, "median_age_s", "n"))
        if made:
            yield name, made


def drift(case: Case) -> Iterator[Line | None]:
    """Yield the greatest distance of any column of each compared table, and that of inputs of decisions by hour."""
    for entry in reversed(case.state.in_force):
        told = case.outcome(entry.seq).frames.get("history") if entry.operation == "compare" else None
        if told is not None and {"start_ns", "drift"} <= set(told):
            name = str(entry.arguments["dataset"])
            name = name.partition(":")[2] or name
            yield line(f"greatest distance in {name}", "", told["start_ns"], told["drift"])
    yield from _inputs(case)


def _inputs(case: Case) -> Iterator[Line | None]:
    step = case.outcomes.get("drift")
    item = next((e for e in reversed(case.evidence.values()) if e.query.startswith("prediction_sample(")), None)
    if step is None or item is None or not item.rows or case.symptom is None:
        return
    said = [split(f.entity)[1] for f in step.findings if f.signal == "drift"]
    columns = {name: f"{kind}.{place}" for kind in ("numbers", "texts")
               for place, name in enumerate(question(item.query).get(kind) or ())}  # fmt: skip
    rows = case.frame(item.id)
    quiet = (rows["time_ns"] < case.symptom.window.start_ns).to_numpy()
    hours = rows["time_ns"] - rows["time_ns"] % HOUR_NS
    for name in [n for n in dict.fromkeys(said) if columns.get(n) in rows][:MOST_DRIFTED]:
        level = pd.Series(np.asarray(levels(rows[columns[name]], quiet)), index=rows.index)
        shares = pd.crosstab(hours, level)
        shares = shares[shares.sum(axis=1) >= MIN_ROWS]
        usual = level[quiet].value_counts(normalize=True).reindex(shares.columns)
        distance = shares.div(shares.sum(axis=1), axis=0).sub(usual.fillna(0.0), axis=1).abs().sum(axis=1) / 2
        yield _of(f"distance of {name}", "", distance)


def question(text: str) -> dict[str, Any]:
    """Return the arguments of a frozen query, which is written as a call with plain values."""
    call = ast.parse(text, mode="eval").body
    return {str(k.arg): ast.literal_eval(k.value) for k in call.keywords} if isinstance(call, ast.Call) else {}


def _moved(case: Case, of: Line) -> float:
    """Return how far the mean in the selection lies from the one before it, in spreads; 0 where either is unknown."""
    assert case.symptom is not None
    window = case.symptom.window
    known = np.isfinite(of.values)
    before = of.values[known & (of.times < window.start_ns)]
    inside = of.values[known & (of.times >= window.start_ns) & (of.times < window.end_ns)]
    if not len(before) or not len(inside):
        return 0.0
    # A figure that never moved has no spread: a thousandth of its level stands in for it.
    return float(abs(inside.mean() - before.mean()) / (before.std() + 1e-3 * abs(before.mean()) + 1e-12))
