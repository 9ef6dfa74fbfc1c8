"""Charts of frozen evidence for screens, with the table of the same numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from workbench.case.case import Case
from workbench.report import charts
from workbench.report.pages import drawn


@dataclass(frozen=True)
class Drawing:
    """A chart as the templates take it."""

    svg: Markup
    caption: str
    head: list[str]
    rows: list[list[Any]]


def series(case: Case, time_ns: pd.Series, value: pd.Series, name: str) -> Drawing | None:
    """Return a series around the selection, or None where it has fewer than two points there; shapes ``(n,)``."""
    symptom = case.symptom
    if symptom is None or not len(value):
        return None
    numbers = pd.to_numeric(value, errors="coerce")
    made = charts.series(time_ns, numbers, name=name, window=symptom.window, baseline=symptom.baseline)
    return None if made is None else shown(made)


def shown(made: charts.Chart) -> Drawing:
    """Return a chart in the form of the templates."""
    return Drawing(drawn(made.svg), made.caption, [str(c) for c in made.twin.columns], made.twin.to_numpy().tolist())


def answers(case: Case, query: str) -> Iterator[pd.DataFrame]:
    """Yield the frozen answers of a named query that hold rows, oldest first."""
    for item in case.evidence.values():
        if item.query.partition("(")[0] == query and item.rows:
            yield case.frame(item.id)
