"""What moved when, from business to metal: fixed lanes drawn from the frozen evidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from workbench.apps import Screen, boards
from workbench.apps.facts import standing_lead
from workbench.apps.page import Page, render
from workbench.apps.panel_page import placed
from workbench.apps.screens._drawn import Drawing, charts_of
from workbench.case.case import Case
from workbench.model.entities import split
from workbench.report.words import clock, duration
from workbench.views.lane_lines import frozen
from workbench.views.lanes import lane_of, lanes

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
    if page.token is not None:
        drawn = sum(bool(lane.charts) for lane in lanes)
        board = placed(page.token, "timeline", height=190 + 58 * drawn) if drawn else None
    else:
        held = page.kept.piece(case, "timeline", lambda: boards.timeline(case, page.theme), theme=page.theme)
        board = boards.shown(held, None)
    words = case.symptom.words() if case.symptom else "The case has not begun"
    symptom = case.symptom
    baseline = ", ".join(str(w) for w in symptom.baseline.windows[-1:]) if symptom and symptom.baseline else ""
    return render("timeline.html.j2", page, words=words, first=first, lanes=lanes, changes=list(_changes(case)),
                  board=board, window=str(symptom.window) if symptom else "",
                  baseline=baseline)  # fmt: skip


def _static(case: Case) -> tuple[str, list[Lane]]:
    """Return when the best lead begins, in words, and the lanes as charts."""
    best = standing_lead(case)
    entity = best.entity if best else ""
    first = f"The best lead begins {clock(best.onset_ns)}." if best and best.onset_ns is not None else ""
    found = [Lane(lane.title, charts_of(case, lane.lines), lane.why or "It has no two figures around the selection.",
                  deviates=bool(entity) and lane.title == lane_of(entity)) for lane in lanes(case)]  # fmt: skip
    return first, found


def _changes(case: Case) -> Iterator[list[str]]:
    scope = case.outcomes.get("scope")
    onset = (scope.values or {}).get("onset_ns") if scope else None
    rows = frozen(case, "changes")
    if rows.empty:
        return
    for row in rows.drop_duplicates("change_id").sort_values("time_ns").tail(_MOST_CHANGES).itertuples():
        gap = ""
        if onset is not None:
            ahead = int(onset) - int(row.time_ns)
            gap = duration(ahead) if ahead >= 0 else f"{duration(-ahead)} after it"
        yield [clock(int(row.time_ns)), str(row.kind), str(row.title), split(str(row.entity))[1][:40], gap]


SCREEN = Screen(3, "Timeline", screen)
