"""What differs between selection and baseline, as the steps of the playbook have found it, the strongest first."""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup

from workbench.apps import Screen
from workbench.apps.page import Page, render
from workbench.apps.screens._drawn import shown
from workbench.model.entities import split
from workbench.report import charts
from workbench.report.words import number, title

_MOST_CONDITIONS = 30
_MOST_ROWS = 20
_AFTERWARDS = ("check_fix", "simulate")
"""Operations whose findings are about what was done, not about what went wrong."""


def screen(page: Page) -> Markup:
    """Return the conditions that differ, the tables that steps have made, and what could not be asked."""
    case = page.required()
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
    could_not = [(name, o.could_not_run) for name, o in case.outcomes.items() if o.could_not_run]
    words = case.symptom.words() if case.symptom else "The case has not begun"
    return render("contrast.html.j2", page, words=words, conditions=conditions, tables=tables, charts=pictures,
                  could_not=could_not)  # fmt: skip


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and pd.isna(value)):
        return "unknown"
    return number(float(value)) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


SCREEN = Screen(4, "Contrast", screen)
