"""What moved when, from business to metal: fixed lanes drawn from the frozen evidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from workbench.apps import Screen, boards
from workbench.apps.facts import standing_lead
from workbench.apps.page import Page, render
from workbench.apps.screens._drawn import Drawing, answers, kept, of_machines, series
from workbench.case.case import Case
from workbench.model.entities import split
from workbench.report.words import clock, duration

_MOST_CHANGES = 20


@dataclass(frozen=True)
class Lane:
    """One lane: its charts, or why it is empty."""

    title: str
    charts: list[Drawing]
    why: str
    deviates: bool = False


def screen(page: Page) -> Markup:
    """Return the lanes and the changes of a case."""
    case = page.required()
    first, lanes = page.kept.piece(case, "lanes", lambda: _static(case))
    board = page.kept.piece(case, "timeline", lambda: boards.timeline(case, page.theme), theme=page.theme)
    words = case.symptom.words() if case.symptom else "The case has not begun"
    symptom = case.symptom
    baseline = ", ".join(str(w) for w in symptom.baseline.windows[-1:]) if symptom and symptom.baseline else ""
    return render("timeline.html.j2", page, words=words, first=first, lanes=lanes, changes=list(_changes(case)),
                  board=board, window=str(symptom.window) if symptom else "",
                  baseline=baseline)  # fmt: skip


def _static(case: Case) -> tuple[str, list[Lane]]:
    """Return when the best lead begins, in words, and the lanes as charts."""
    lead = standing_lead(case)
    entity = lead.entity if lead else ""
    first = f"The best lead begins {clock(lead.onset_ns)}." if lead and lead.onset_ns is not None else ""
    lanes = [
        Lane("Figure that went wrong", _of_symptom(case), "No series of the symptom is frozen in this case."),
        Lane("Predictions", _of_predictions(case), "No predictions were asked for or kept."),
        Lane("Requests", _of_requests(case), "No spans were asked for or kept."),
        Lane("GPU and hosts", of_machines(case), "No machine or GPU sent figures that this case asked for."),
        Lane("Data", _of_data(case, entity), "The lead's data misses no value and loses no row, or none of it is kept.",
             deviates=entity.startswith(("column:", "dataset:", "feature:"))),
    ]  # fmt: skip
    return first, lanes


def _of_symptom(case: Case) -> list[Drawing]:
    symptom = case.symptom
    if symptom is None:
        return []
    found = [series(case, f["time_ns"], f["value"], str(name))
             for frame in answers(case, "kpi_series") for name, f in frame.groupby("kpi")]  # fmt: skip
    for frame in answers(case, "metric_series"):
        own = boards.of_symptom(case, frame)
        found.append(series(case, own["time_ns"], own["value"], symptom.signal))
    for frame in answers(case, "volume_history") if not kept(found) else ():
        own = frame[frame["entity"] == symptom.entity]
        sums = own.groupby("start_ns", as_index=False)["rows"].sum(min_count=1)
        found.append(series(case, sums["start_ns"], sums["rows"], f"rows of {split(symptom.entity)[1]}"))
        break
    return kept(found)


def _of_predictions(case: Case) -> list[Drawing]:
    found: list[Drawing | None] = []
    for frame in answers(case, "prediction_series"):
        known = frame.assign(total=frame["mean_score"] * frame["n"])
        sums = known.groupby("start_ns", as_index=False)[["n", "total"]].sum(min_count=1)
        found.append(series(case, sums["start_ns"], sums["total"] / sums["n"], "mean score"))
        found.append(series(case, sums["start_ns"], sums["n"], "predictions an interval"))
        break
    return kept(found)


def _of_requests(case: Case) -> list[Drawing]:
    found: list[Drawing | None] = []
    for frame in answers(case, "span_percentiles"):
        busiest = frame.groupby("service")["count"].sum().sort_values(ascending=False).index[:2]
        for service in busiest:
            own = frame[frame["service"] == service]
            found.append(series(case, own["start_ns"], own["p95_ms"], f"p95 of {service}, ms"))
        errors = frame.groupby("start_ns", as_index=False)["errors"].sum()
        found.append(series(case, errors["start_ns"], errors["errors"], "failed requests an interval"))
        break
    return kept(found)


def _of_data(case: Case, entity: str) -> list[Drawing]:
    """Return missing shares and rows of the lead's own data set or column."""
    kind, _, name = entity.partition(":")
    dataset, _, column = name.rpartition(".") if kind == "column" else (name, "", "")
    found: list[Drawing | None] = []
    for frame in answers(case, "null_history"):
        own = frame[(frame["column"] == (column or name)) & (frame["rows"] > 0)]
        for where, part in own.groupby("entity"):
            if part["nulls"].sum() and (not column or str(where).endswith(f":{dataset}")):
                sums = part.groupby("start_ns", as_index=False)[["nulls", "rows"]].sum()
                label = f"share missing, {column or name} of {str(where).rpartition('.')[2]}"
                found.append(series(case, sums["start_ns"], sums["nulls"] / sums["rows"], label))
    for frame in answers(case, "volume_history"):
        own = frame[frame["entity"] == f"dataset:{dataset}"]
        sums = own.groupby("start_ns", as_index=False)["rows"].sum(min_count=1)
        found.append(series(case, sums["start_ns"], sums["rows"], f"rows of {dataset.rpartition('.')[2]}"))
    return kept(found)


def _changes(case: Case) -> Iterator[list[str]]:
    scope = case.outcomes.get("scope")
    onset = (scope.values or {}).get("onset_ns") if scope else None
    rows = pd.concat([pd.DataFrame(), *answers(case, "changes")])
    if rows.empty:
        return
    for row in rows.drop_duplicates("change_id").sort_values("time_ns").tail(_MOST_CHANGES).itertuples():
        gap = ""
        if onset is not None:
            ahead = int(onset) - int(row.time_ns)
            gap = duration(ahead) if ahead >= 0 else f"{duration(-ahead)} after it"
        yield [clock(int(row.time_ns)), str(row.kind), str(row.title), split(str(row.entity))[1][:40], gap]


SCREEN = Screen(3, "Timeline", screen)
