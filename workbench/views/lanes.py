"""The eight lanes of the joined timeline, derived once: from business to metal, what feeds it, what was changed.

The widget shows the whole range, the app cuts it around the selection, and the charts beside it draw the same lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from workbench.case.case import Case
from workbench.model.findings import Finding
from workbench.views import lane_lines
from workbench.views.lane_lines import Line, frozen

BUSINESS, PREDICTIONS, REQUESTS, PARTS, MACHINES, DATA, DRIFT, CHANGES = LANES = (
    "Business", "Predictions, confidence", "Requests", "Queue and forward pass", "GPU and hosts", "Data", "Drift",
    "Changes",
)  # fmt: skip
"""From business to metal, then what feeds it all and what was changed; changes are glyphs, not lines."""
MOST_LINES = 4
MOST_CHANGES = 60
AROUND = 3
"""What is near begins so many lengths of the selection before it, and ends one after it."""
_WHY = {
    BUSINESS: "No series of the symptom and no business figure is frozen in this case.",
    PREDICTIONS: "No predictions were asked for or kept.",
    REQUESTS: "No spans were asked for or kept.",
    PARTS: "No span says its queue wait or forward pass, or no step asked: case.serving().",
    MACHINES: "No machine or GPU sent figures that this case asked for.",
    DATA: "No rows, missing values or ages of data were asked for or kept: case.quality().",
    DRIFT: "No features of decisions and no compared table are frozen: case.drift(), or case.compare(NAME).",
}
_KINDS = {
    "kpi": BUSINESS, "model": PREDICTIONS, "model_version": PREDICTIONS, "run": PREDICTIONS, "service": REQUESTS,
    "gpu": MACHINES, "host": MACHINES, "dataset": DATA, "data_version": DATA, "column": DATA, "job": DATA,
    "source": DATA, "feature": DRIFT,
}  # fmt: skip


@dataclass(frozen=True)
class Lane:
    """One lane: its lines, or why it has none; *onset_ns* is between when it began, *first* if before all others."""

    title: str
    lines: tuple[Line, ...]
    why: str = ""
    onset_ns: tuple[int, int] | None = None
    first: bool = False

    def drawn(self) -> dict[str, Any]:
        """Return the lane as the widget takes it; the unit stands with each line."""
        series = [{"name": x.name, "unit": x.unit, "times": x.times, "values": x.values} for x in self.lines]
        return {"title": self.title, "unit": "", "series": series, "state": self.why, "onset": self.onset_ns,
                "first": self.first}  # fmt: skip


def lanes(case: Case) -> tuple[Lane, ...]:
    """Return the seven lanes that hold lines, over the whole range that is frozen; none before the case has begun."""
    if case.symptom is None:
        return ()
    made: dict[str, Callable[[Case], Iterable[Line | None]]] = {
        BUSINESS: lane_lines.business, PREDICTIONS: lane_lines.predictions, REQUESTS: lane_lines.requests,
        PARTS: lane_lines.parts, MACHINES: lane_lines.machines, DATA: lane_lines.data_sets, DRIFT: lane_lines.drift,
    }  # fmt: skip
    onsets = _onsets(case)
    earliest = min(onsets, key=lambda title: onsets[title][1], default="")
    found = []
    for title, derive in made.items():
        lines = tuple(x for x in derive(case) if x is not None)[:MOST_LINES]
        found.append(Lane(title, lines, "" if lines else _WHY[title], onsets.get(title), title == earliest))
    return tuple(found)


def near(case: Case, found: Sequence[Lane]) -> tuple[Lane, ...]:
    """Return the lanes cut to what is around the selection, without those that hold fewer than two points there."""
    start, end = around(case)
    cut = [replace(lane, lines=tuple(x for line in lane.lines if (x := _cut(line, start, end)) is not None))
           for lane in found]  # fmt: skip
    return tuple(lane for lane in cut if lane.lines)


def around(case: Case) -> tuple[int, int]:
    """Return what is near the selection, in ns since 1970."""
    assert case.symptom is not None
    window = case.symptom.window
    return window.start_ns - AROUND * window.duration_ns, window.end_ns + window.duration_ns


def changes(case: Case) -> list[dict[str, Any]]:
    """Return the frozen changes in order of time as a timeline draws them: time_ns, kind and title."""
    rows = frozen(case, "changes")
    if rows.empty:
        return []
    kept = rows.drop_duplicates("change_id").sort_values(["time_ns", "change_id"])
    return [{"time_ns": int(r["time_ns"]), "kind": str(r["kind"]), "title": str(r["title"])}
            for r in kept.to_dict("records")]  # fmt: skip


def changes_near(case: Case) -> list[dict[str, Any]]:
    """Return the newest of the frozen changes around the selection."""
    start, end = around(case)
    return [c for c in changes(case) if start <= c["time_ns"] < end][-MOST_CHANGES:]


def lane_of(entity: str, signal: str = "") -> str:
    """Return the title of the lane that a figure of an entity belongs to; empty where none does."""
    if any(word in signal for word in ("queue", "forward")):
        return PARTS
    if "drift" in signal or "distance" in signal:
        return DRIFT
    return _KINDS.get(entity.partition(":")[0], "")


def _onsets(case: Case) -> dict[str, tuple[int, int]]:
    """Return when each lane's earliest deviation began, as an interval in ns."""
    assert case.symptom is not None
    best: dict[str, Finding] = {}
    start, end = around(case)
    for outcome in case.outcomes.values():
        for one in outcome.findings:
            own = (one.entity, one.signal) == (case.symptom.entity, case.symptom.signal)
            title = BUSINESS if own else lane_of(one.entity, one.signal)
            # What began long before is another story; it has its place among the findings.
            if one.state != "interesting" or not title or one.onset_ns is None or not start <= one.onset_ns < end:
                continue
            if title not in best or one.onset_ns < (best[title].onset_ns or 0):
                best[title] = one
    return {title: _interval(one) for title, one in best.items()}


def _interval(one: Finding) -> tuple[int, int]:
    end = int(one.onset_ns or 0)
    after = one.values.get("onset_after_ns")
    return (min(int(after), end) if isinstance(after, int | float) else end, end)


def _cut(whole: Line, start: int, end: int) -> Line | None:
    inside = (whole.times >= start) & (whole.times < end)
    if np.isfinite(whole.values[inside]).sum() < 2:
        return None
    return replace(whole, times=whole.times[inside], values=whole.values[inside])
