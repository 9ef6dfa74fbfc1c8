"""The joined timeline over a case: fixed lanes from business to metal out of what is frozen; a brush selects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.case.case import Case
from workbench.views.bind import wire
from workbench_widgets.timeline import Timeline

MOST_SERIES = 4
AROUND = 3
"""Lanes reach so many lengths of the selection before it, and one after it."""
NS_PER_MS = 1_000_000
_EMPTY = "nothing is frozen for this lane yet"


def timeline(case: Case) -> Timeline:
    """Return the joined timeline of a case; the button beside the brush is ``case.select(…)``."""
    symptom = case.symptom
    windows = [(w.start_ns, w.end_ns) for w in symptom.baseline.windows] if symptom and symptom.baseline else []
    board = Timeline(list(_lanes(case)), changes=list(changes_of(case)), baseline=windows, caption=_caption(case))
    if symptom is not None:
        board.selection = [symptom.window.start_ns // NS_PER_MS, symptom.window.end_ns // NS_PER_MS]
        board.view = {**board.view, "start": symptom.window.start_ns / NS_PER_MS - _reach(case),
                      "end": symptom.window.end_ns / NS_PER_MS + _reach(case) / AROUND}  # fmt: skip

    def refresh() -> None:
        board.caption = _caption(case)

    wire(board, case, refresh)
    return board


def _caption(case: Case) -> str:
    scope = case.outcomes.get("scope")
    selected = f"Selection {case.symptom.words()}." if case.symptom else "The case has not begun."
    return f"{selected} {scope.summary if scope else ''}".strip()


def _reach(case: Case) -> float:
    return AROUND * case.symptom.window.duration_ns / NS_PER_MS if case.symptom else 0.0


def frozen(case: Case, query: str) -> pd.DataFrame:
    """Return all frozen answers of a named query below each other; empty where it was never asked."""
    found = [case.frame(e.id) for e in case.evidence.values() if e.query.partition("(")[0] == query]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def _series(name: str, times: pd.Series, values: pd.Series) -> dict[str, Any]:
    rows = pd.DataFrame({"t": times.astype("int64"), "v": pd.to_numeric(values, errors="coerce")})
    rows = rows.groupby("t", sort=True)["v"].mean().reset_index()
    return {"name": name, "times": rows["t"].to_numpy(dtype=np.int64), "values": rows["v"].to_numpy(dtype=float)}


def _lane(title: str, unit: str, series: list[dict[str, Any]]) -> dict[str, Any]:
    kept = [one for one in series if np.isfinite(one["values"]).sum() > 1][:MOST_SERIES]
    return {"title": title, "unit": unit, "series": kept, "state": "" if kept else _EMPTY}


def _lanes(case: Case) -> Iterator[dict[str, Any]]:
    """Yield the eight lanes, from business to metal."""
    symptom = case.symptom
    kpis, metrics, spans, parts = (frozen(case, q) for q in ("kpi_series", "metric_series", "span_percentiles",
                                                            "latency_parts"))  # fmt: skip
    own = metrics[(metrics["entity"] == symptom.entity) & (metrics["metric"] == symptom.signal)] if (
        symptom and len(metrics)) else pd.DataFrame()  # fmt: skip
    figures = [_series(str(n), f["time_ns"], f["value"]) for n, f in kpis.groupby("kpi")] if len(kpis) else []
    figures += [_series(symptom.signal, own["time_ns"], own["value"])] if symptom and len(own) else []
    yield _lane("Business", "", figures)
    made = frozen(case, "prediction_series")
    score = [_series(c.replace("_", " "), made["start_ns"], made[c]) for c in ("mean_score", "n") if c in made]
    yield _lane("Predictions", "", score[:1])
    busy = spans.groupby("service")["count"].sum().sort_values(ascending=False).index[:2] if len(spans) else []
    yield _lane("Requests, p95", "ms", [_series(f"{s} p95", spans.loc[spans["service"] == s, "start_ns"],
                                              spans.loc[spans["service"] == s, "p95_ms"]) for s in busy])  # fmt: skip
    yield _lane("Failed requests", "", [_series("errors", spans["start_ns"], spans["errors"])] if len(spans) else [])
    named = ("mean_queue_wait_ms", "mean_forward_pass_ms")
    yield _lane("Queue and forward pass", "ms", [_series(c[5:-3], parts["start_ns"], parts[c]) for c in named
                                               if c in parts])  # fmt: skip
    metal = metrics[metrics["entity"].str.startswith(("gpu:", "host:"))] if len(metrics) else metrics
    named_metal = metal.assign(of=metal["metric"] + " " + metal["entity"]) if len(metal) else metal
    yield _lane("GPU and hosts", "", _by(named_metal, "of", "time_ns", "value"))
    nulls, rows = frozen(case, "null_history"), frozen(case, "volume_history")
    share = nulls.assign(share=nulls["nulls"] / nulls["rows"]) if {"nulls", "rows"} <= set(nulls) else nulls
    yield _lane("Nulls in data", "share", _by(share, "column", "start_ns", "share"))
    yield _lane("Rows of data", "rows", _by(rows, "entity", "start_ns", "rows"))


def _by(frame: pd.DataFrame, key: str, time: str, value: str) -> list[dict[str, Any]]:
    """Return one series for each *key*, those that vary most first; none where a column is missing."""
    if not {key, time, value} <= set(frame):
        return []
    found = [_series(str(name), own[time], own[value]) for name, own in frame.groupby(key, sort=True)]
    return sorted(found, key=lambda one: -_unrest(one["values"]))


def _unrest(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known.std() / (abs(known.mean()) + 1e-9)) if len(known) > 1 else 0.0


def changes_of(case: Case) -> Iterator[dict[str, Any]]:
    """Yield the frozen changes of a case as a timeline draws them."""
    rows = frozen(case, "changes")
    for row in rows.drop_duplicates("change_id").to_dict("records") if len(rows) else ():
        yield {"time_ns": int(row["time_ns"]), "kind": str(row["kind"]), "title": str(row["title"])}
