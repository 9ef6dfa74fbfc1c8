"""Widgets in a page of the app: the same ES modules as in a notebook, with the state of a case beside them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from workbench.apps.facts import standing_lead
from workbench.apps.screens._drawn import answers
from workbench.case.case import Case
from workbench.errors import UsageError
from workbench.model.entities import split

MOST_SERIES = 3
MOST_ASKS = 60
MOST_CHANGES = 60
AROUND = 3
"""Lanes reach so many lengths of the selection before it, and one after it."""


@cache
def kinds() -> frozenset[str]:
    """Return the names of the widgets that have a module."""
    names = {f.name.removesuffix(".js") for f in files("workbench_widgets").iterdir() if f.name.endswith(".js")}
    return frozenset(names - {"base"})


@cache
def code(kind: str) -> str:
    """Return a widget's whole ES module."""
    from workbench_widgets.board import module

    return module(kind)


def held(board: Any, kind: str, *, theme: str, height: int) -> Markup:
    """Return the place of a widget with its state; *height* in px is kept free until it is drawn."""
    state = {**board.state(), "theme": theme}
    content = json.dumps(state, default=_packed, allow_nan=False).replace("<", "\\u003c").replace("&", "\\u0026")
    return Markup('<div class="board" data-board="{}" data-height="{}"><script type="application/json">{}</script>'
                  "</div>").format(kind, height, Markup(content))  # fmt: skip


def _packed(raw: object) -> object:
    if isinstance(raw, bytes):
        return {"__bytes": base64.b64encode(raw).decode()}
    raise TypeError(f"A widget's state is plain data; got {type(raw).__name__}.")


def timeline(case: Case, theme: str) -> Markup | None:
    """Return the joined timeline of what is frozen in a case; None where no lane has anything to draw."""
    from workbench_widgets.timeline import Timeline

    symptom = case.symptom
    found = [lane for lane in _lanes(case) if lane["series"]]
    if symptom is None or not found:
        return None
    lead = standing_lead(case)
    ns = [(w.start_ns, w.end_ns) for w in symptom.baseline.windows] if symptom.baseline else []
    near = [pair for pair in ns if pair[1] > _span(case)[0]]
    caption = f"Selection {symptom.words()}."
    if lead is not None and lead.onset_ns is not None:
        caption += " The best lead begins before the symptom." if lead.onset_ns < symptom.window.start_ns else ""
    board = Timeline(found, changes=list(_changes(case)), baseline=near, caption=caption)
    board.selection = [symptom.window.start_ns // 10**6, symptom.window.end_ns // 10**6]
    return held(board, "timeline", theme=theme, height=190 + 58 * len(found))


def _span(case: Case) -> tuple[int, int]:
    assert case.symptom is not None
    window = case.symptom.window
    return window.start_ns - AROUND * window.duration_ns, window.end_ns + window.duration_ns


def _one(case: Case, name: str, times: pd.Series, values: pd.Series) -> dict[str, Any] | None:
    """Return a series of a lane, cut to what is around the selection; None for fewer than two points."""
    start, end = _span(case)
    rows = pd.DataFrame({"t": times.astype("Int64"), "v": pd.to_numeric(values, errors="coerce")}).dropna(subset="t")
    rows = rows[(rows["t"] >= start) & (rows["t"] < end)].groupby("t", sort=True)["v"].mean().reset_index()
    if rows["v"].notna().sum() < 2:
        return None
    return {"name": name, "times": rows["t"].to_numpy(dtype=np.int64), "values": rows["v"].to_numpy(dtype=float)}


def _lane(title: str, unit: str, found: list[dict[str, Any] | None]) -> dict[str, Any]:
    return {"title": title, "unit": unit, "series": [one for one in found if one is not None][:MOST_SERIES]}


def lineage(case: Case, theme: str) -> tuple[Markup, list[list[Any]]] | None:
    """Return the lineage explorer of a case and the rows of its twin; None where no lineage is frozen."""
    from workbench.views.bind_lineage import lineage as explorer

    board = explorer(case)
    if not board.nodes:
        return None
    rows = [[n["layer"], n["kind"], split(n["name"])[1], "on the path" if n["proven"] else "", n["health"],
             n["detail"], n["hidden_up"], n["hidden_down"]]
            for n in sorted(board.nodes, key=lambda n: (n["layer"], n["row"]))]  # fmt: skip
    return held(board, "lineage", theme=theme, height=720), rows


def devices(case: Case, theme: str) -> Markup | None:
    """Return the timeline of a case's devices; None where no device's figures are frozen."""
    from workbench.views.bind_gpu import gpu

    board = gpu(case)
    if not board.lanes:
        return None
    return held(board, "gpu", theme=theme, height=190 + 66 * len(board.lanes))


def answered(case: Case, kind: str, asked: str, theme: str) -> str:
    """Return a board's state as JSON after what a visitor has asked of it, one after the other; nothing is kept.

    *asked* is a JSON list of what the widget's own `ask` held; `UsageError` for anything else.
    """
    from workbench.views.bind_lineage import lineage as explorer

    try:
        asks = json.loads(asked)
    except ValueError as error:
        raise UsageError("What a board is asked is written as JSON.") from error
    if kind != "lineage" or not isinstance(asks, list) or not all(isinstance(a, dict) for a in asks):
        raise UsageError(f"There is no board {kind!r} that answers this.")
    board = explorer(case)
    for serial, ask in enumerate(asks[-MOST_ASKS:]):
        try:
            board.ask = {**ask, "serial": serial}
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            raise UsageError("The board cannot answer this.") from error
    return json.dumps({**board.state(), "theme": theme}, default=_packed, allow_nan=False)


def of_symptom(case: Case, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the samples of the symptom's own metric, by its entity or by a label that names it; the busiest series."""
    if case.symptom is None:
        return frame[:0]
    kind, name = split(case.symptom.entity)
    rows = frame[frame["metric"].isin([case.symptom.signal, f"{kind}_{case.symptom.signal}"])]
    own = rows[rows["entity"] == case.symptom.entity]
    if own.empty and len(rows):
        own = rows[[name in dict(labels or {}).values() for labels in rows["labels"]]]
    if own.empty:
        return own
    return own[own["series"] == own["series"].value_counts().index[0]]


def _lanes(case: Case) -> Iterator[dict[str, Any]]:
    """Yield the fixed lanes, from business to metal."""
    symptom = case.symptom
    if symptom is None:
        return
    kpis = [_one(case, str(n), f["time_ns"], f["value"]) for frame in answers(case, "kpi_series")
            for n, f in frame.groupby("kpi")]  # fmt: skip
    for frame in answers(case, "metric_series"):
        own = of_symptom(case, frame)
        kpis.append(_one(case, symptom.signal, own["time_ns"], own["value"]))
    yield _lane("Figure that went wrong", "", kpis)
    for frame in answers(case, "prediction_series"):
        known = frame.assign(total=frame["mean_score"] * frame["n"])
        sums = known.groupby("start_ns", as_index=False)[["n", "total"]].sum(min_count=1)
        yield _lane("Mean score", "", [_one(case, "mean score", sums["start_ns"], sums["total"] / sums["n"])])
        yield _lane("Predictions", "an interval", [_one(case, "predictions", sums["start_ns"], sums["n"])])
        break
    for frame in answers(case, "span_percentiles"):
        busiest = frame.groupby("service")["count"].sum().sort_values(ascending=False).index[:2]
        yield _lane("Requests, p95", "ms", [
            _one(case, str(s), own["start_ns"], own["p95_ms"])
            for s in busiest for own in [frame[frame["service"] == s]]])  # fmt: skip
        errors = frame.groupby("start_ns", as_index=False)["errors"].sum()
        yield _lane("Failed requests", "an interval", [_one(case, "failed", errors["start_ns"], errors["errors"])])
        break
    machines: list[dict[str, Any] | None] = []
    for frame in answers(case, "metric_series"):
        rows = frame[frame["entity"].str.startswith(("gpu:", "host:"))]
        for (entity, metric), own in rows.groupby(["entity", "metric"], sort=True):
            if len(machines) < 2 * MOST_SERIES:
                machines.append(_one(case, f"{metric} of {split(entity)[1]}", own["time_ns"], own["value"]))
    yield _lane("GPU and hosts", "", machines)


def _changes(case: Case) -> Iterator[dict[str, Any]]:
    rows = pd.concat([pd.DataFrame(), *answers(case, "changes")])
    if rows.empty:
        return
    start, end = _span(case)
    rows = rows.drop_duplicates("change_id")
    rows = rows[(rows["time_ns"] >= start) & (rows["time_ns"] < end)].sort_values("time_ns").tail(MOST_CHANGES)
    for row in rows.itertuples():
        yield {"time_ns": int(row.time_ns), "kind": str(row.kind), "title": str(row.title)}
