"""Charts of frozen evidence for screens, with the table of the same numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from workbench.case.case import Case
from workbench.model.entities import split
from workbench.report import charts
from workbench.report.pages import drawn

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


def answers(case: Case, query: str) -> Iterator[pd.DataFrame]:
    """Yield the frozen answers of a named query that hold rows, oldest first."""
    for item in case.evidence.values():
        if item.query.partition("(")[0] == query and item.rows:
            yield case.frame(item.id)


def kept(found: list[Drawing | None]) -> list[Drawing]:
    """Return the charts that could be drawn, the first three."""
    return [d for d in found if d is not None][:MOST]


def of_machines(case: Case) -> list[Drawing]:
    """Return figures of GPUs and hosts, the first three."""
    found: list[Drawing | None] = []
    for frame in answers(case, "metric_series"):
        machines = frame[frame["entity"].str.startswith(("gpu:", "host:"))]
        for (entity, metric), own in machines.groupby(["entity", "metric"], sort=True):
            if len(found) < 2 * MOST:
                found.append(series(case, own["time_ns"], own["value"], f"{metric} of {split(entity)[1]}"))
    return kept(found)
