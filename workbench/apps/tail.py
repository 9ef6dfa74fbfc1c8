"""The symptom's newest hour, straight from the store: to watch, never evidence, and never in the journal."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from markupsafe import Markup

from workbench.apps.page import Page, render
from workbench.apps.screens._drawn import shown
from workbench.case.reading import Reading
from workbench.errors import CouldNotRunError, StoreError, UsageError
from workbench.model.window import HOUR_NS, MINUTE_NS, Window
from workbench.playbook.folding import Watching
from workbench.playbook.symptoms import series
from workbench.report import charts
from workbench.report.words import clock, duration, number

SERIES = ("metric_samples", "kpis", "predictions", "spans")
"""Tables whose newest row says what *now* is."""


def tail(page: Page) -> Markup:
    """Return the newest hour of the symptom as a chart, or why there is none."""
    case = page.required()
    symptom = case.symptom
    if symptom is None:
        return render("tail.html.j2", page, drawing=None, why="The case has not begun.", words="")
    known = page.bench.store.freshness()
    newest = max((known[name] for name in SERIES if name in known), default=0)
    window = Window(newest - HOUR_NS, newest + MINUTE_NS)
    watched = replace(symptom, window=window, baseline=None, history_start_ns=window.start_ns - 3 * HOUR_NS)
    try:
        found = series(cast("Reading", Watching(watched, page.bench.ask)))
    except (CouldNotRunError, UsageError, StoreError) as error:
        return render("tail.html.j2", page, drawing=None, why=str(error), words="")
    recent = found.frame[found.frame["time_ns"] >= window.start_ns]
    made = charts.series(found.frame["time_ns"], found.frame["value"], name=f"{symptom.signal}, live", window=window,
                         baseline=None)  # fmt: skip
    if made is None or recent.empty:
        return render("tail.html.j2", page, drawing=None, why="The newest hour holds no sample of it.", words="")
    drawing = shown(replace(made, svg=made.svg.replace(">selection<", ">newest hour<")))
    last = recent.iloc[-1]
    age = page.now_ns - int(last["time_ns"])
    late = f", {duration(age)} ago" if age > 0 else ""
    words = f"Newest: {number(float(last['value']))} at {clock(int(last['time_ns']))}{late}."
    return render(
        "tail.html.j2",
        page,
        drawing=drawing,
        why="",
        words=words,
    )
