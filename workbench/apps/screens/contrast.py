"""What differs: conditions that set requests apart, one request beside another, and a table between two moments."""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup

from workbench.apps import Screen
from workbench.apps.page import Page, render
from workbench.apps.panel_page import placed
from workbench.apps.screens._drawn import shown
from workbench.case.case import Case
from workbench.model.entities import split
from workbench.report import charts
from workbench.report.words import number, title
from workbench.views.lane_lines import answers

VIEWS = {"requests": ("contrast", "Requests"), "trace": ("waterfall", "One request"),
         "tables": ("comparator", "Tables")}  # fmt: skip
"""View of the address -> the board that it shows, and its name."""
_HEIGHTS = {"contrast": 300, "waterfall": 230, "comparator": 330}
_MOST_CONDITIONS = 30
_MOST_ROWS = 20
_MOST_NAMED = 40
_AFTERWARDS = ("check_fix", "simulate")
"""Operations whose findings are about what was done, not about what went wrong."""


def screen(page: Page) -> Markup:
    """Return the board of the view that was asked for, and below it what the playbook's steps have found to differ."""
    case = page.required()
    view = page.asked.get("view", "") if page.asked.get("view") in VIEWS else "requests"
    of = page.asked.get("of", "") if view != "requests" else ""
    kind = VIEWS[view][0]
    empty = view == "requests" and not any(e.operation == "contrast" for e in case.state.in_force)
    board = placed(page.token, kind, of=of, height=_HEIGHTS[kind]) if page.token and not empty else None
    conditions, tables, pictures = page.kept.piece(case, "contrast", lambda: _found(case))
    could_not = [(name, o.could_not_run) for name, o in case.outcomes.items() if o.could_not_run]
    words = case.symptom.words() if case.symptom else "The case has not begun"
    named = {"tables": _tables, "trace": _traces}.get(view)
    return render("contrast.html.j2", page, words=words, view=view, of=of, views=VIEWS, board=board, empty=empty,
                  known=named(case) if named else [], conditions=conditions, tables=tables, charts=pictures,
                  could_not=could_not)  # fmt: skip


def _tables(case: Case) -> list[str]:
    """Return tables that the case has heard of, those on the way of its causes first."""
    found = dict.fromkeys(e for cause in case.causes for e in cause.path if e.startswith(("dataset:", "feature:")))
    for frame in answers(case, "volume_history"):
        found |= dict.fromkeys(str(e) for e in frame["entity"].unique() if str(e).startswith("dataset:"))
    return [split(e)[1] for e in found if e.startswith("dataset:")][:_MOST_NAMED]


def _traces(case: Case) -> list[str]:
    """Return the slowest traces of what was inspected last."""
    for entry in reversed(case.state.in_force):
        if entry.operation == "inspect" and "traces" in case.outcome(entry.seq).frames:
            return [str(t) for t in case.outcome(entry.seq).frames["traces"]["trace_id"]][:_MOST_NAMED]
    return []


def _found(case: Case) -> tuple[list[list[str]], list[dict[str, Any]], list[Any]]:
    """Return the figures that differ by strength, the tables that steps have made, and their charts."""
    found = {(f.entity, f.signal): f for n, o in case.outcomes.items() if n not in _AFTERWARDS
             for f in o.findings if "now" in f.values}  # fmt: skip
    ranked = sorted(found.values(), key=lambda f: (-round(f.strength, 9), f.entity, f.signal))[:_MOST_CONDITIONS]
    conditions = [
        [title(f.signal), split(f.entity)[1], _cell(f.values.get("now")), _cell(f.values.get("usual")),
         number(f.strength), f.statement] for f in ranked
    ]  # fmt: skip
    tables, pictures = [], []
    for name, outcome in case.outcomes.items():
        for label, frame in (outcome.frames or {}).items():
            if name in ("lineage", "rank", *_AFTERWARDS) or frame.empty:
                continue
            rows = [[_cell(v) for v in row] for row in frame.head(_MOST_ROWS).itertuples(index=False)]
            head = [title(str(c)) for c in frame.columns]
            tables.append({"title": f"{title(name)}: {title(label)}", "head": head, "rows": rows,
                           "more": max(0, len(frame) - _MOST_ROWS)})  # fmt: skip
            drawing = case.symptom and charts.chart(
                frame, name=title(label), window=case.symptom.window, baseline=case.symptom.baseline
            )
            pictures += [shown(drawing)] if drawing else []
    return conditions, tables, pictures


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and pd.isna(value)):
        return "unknown"
    return number(float(value)) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


SCREEN = Screen(4, "Contrast", screen)
