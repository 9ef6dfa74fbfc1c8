"""The joined timeline over a case: fixed lanes from business to metal out of what is frozen; a brush selects."""

from __future__ import annotations

from workbench.case.case import Case
from workbench.views.bind import wire
from workbench.views.lanes import around, changes, lanes
from workbench_widgets.timeline import Timeline

NS_PER_MS = 1_000_000


def timeline(case: Case) -> Timeline:
    """Return the joined timeline of a case; the button beside the brush is ``case.select(…)``."""
    symptom = case.symptom
    windows = [(w.start_ns, w.end_ns) for w in symptom.baseline.windows] if symptom and symptom.baseline else []
    board = Timeline(
        [lane.drawn() for lane in lanes(case)], changes=changes(case), baseline=windows, caption=_caption(case)
    )
    if symptom is not None:
        start, end = around(case)
        board.selection = [symptom.window.start_ns // NS_PER_MS, symptom.window.end_ns // NS_PER_MS]
        board.view = {**board.view, "start": start / NS_PER_MS, "end": end / NS_PER_MS}

    def refresh() -> None:
        board.caption = _caption(case)

    wire(board, case, refresh)
    return board


def _caption(case: Case) -> str:
    scope = case.outcomes.get("scope")
    selected = f"Selection {case.symptom.words()}." if case.symptom else "The case has not begun."
    return f"{selected} {scope.summary if scope else ''}".strip()
