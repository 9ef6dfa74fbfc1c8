"""Charts of frozen evidence for screens, with the table of the same numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from workbench.case.case import Case
from workbench.report import charts
from workbench.report.pages import drawn
from workbench.views.lane_lines import Line, machines

MOST = 3
"""A lane shows as many charts at most."""


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


def kept(found: list[Drawing | None]) -> list[Drawing]:
    """Return the charts that could be drawn, the first three."""
    return [d for d in found if d is not None][:MOST]


def charts_of(case: Case, lines: Iterable[Line | None]) -> list[Drawing]:
    """Return lines of a lane as charts, the first three that can be drawn."""
    known = (x for x in lines if x is not None)
    return kept([series(case, pd.Series(x.times), pd.Series(x.values), f"{x.name}, {x.unit}" if x.unit else x.name)
                 for x in known])  # fmt: skip


def of_machines(case: Case) -> list[Drawing]:
    """Return figures of GPUs and hosts, the first three."""
    return charts_of(case, machines(case))
