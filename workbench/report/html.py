"""A case as one HTML file: no request to anywhere, readable without scripts, with a badge from a real replay."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from workbench.case import operations
from workbench.case.case import Case
from workbench.case.journal import Entry
from workbench.case.render import line
from workbench.case.replay import Progress, ReplayReport, replay
from workbench.errors import UnknownNameError
from workbench.model.findings import Finding
from workbench.report import charts
from workbench.report.next_step import next_step
from workbench.report.pages import drawn, stylesheet, template

_VERDICTS = {"proven": "Cause proven", "suspected": "Suspected, not proven", "none": "No cause proven"}
_MOST_CAUSES = 3
_MOST_CHARTS = 2


def write_html(
    case: Case, path: str | Path, *, clock: Callable[[], int] = time.time_ns, progress: Progress | None = None
) -> ReplayReport:
    """Replay the case, write its report to *path* and return what the replay said."""
    report = replay(case.path, clock=clock, progress=progress)
    Path(path).write_text(page(case, report), encoding="utf-8")
    return report


def page(case: Case, report: ReplayReport) -> str:
    """Return the whole page of a case and a replay of it."""
    ranking, state, sketch = case.ranking, case.state, Sketch(case)
    verdict = ranking.verdict if ranking else "none"
    style = stylesheet()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    impact = ranking.impact if ranking else ()
    impact_charts = sketch.of_findings(impact)
    causes = [{"cause": c, "charts": sketch.of_findings(c.evidence_for)} for c in case.causes[:_MOST_CAUSES]]
    return template("case.html.j2").render(
        case=case, state=state, symptom=case.symptom, replay=report, style=Markup(style), style_hash=f"sha256-{digest}",
        headline=headline(case), verdict=verdict, verdict_words=_VERDICTS[verdict], ranked=ranking is not None,
        first_failure=ranking.first_failure if ranking else None, unexplained=ranking.unexplained if ranking else None,
        impact=impact, impact_charts=impact_charts, causes=causes, rest=case.causes[_MOST_CAUSES:],
        steps=[_step(case, entry, sketch) for entry in state.in_force if entry.mode == "computed"],
        notes=[{"text": e.arguments["text"], "who": e.who, "time": e.time}
               for e in state.in_force if e.operation == "note"],
        next=next_step(case), evidence=list(case.evidence.values()), lines=case.lines(), versions=case.versions,
    )  # fmt: skip


def headline(case: Case) -> str:
    """Return the case in one sentence: its best lead, or its symptom."""
    if case.causes and case.ranking and case.ranking.verdict != "none":
        return case.causes[0].statement.removesuffix(".")
    return f"{case.symptom.signal} of {case.symptom.entity}" if case.symptom else "A case that has not begun"


@dataclass(frozen=True)
class Shown:
    """A chart as the template takes it."""

    svg: Markup
    caption: str
    head: list[str]
    rows: list[list[Any]]


class Sketch:
    """Draw frozen evidence, each piece at most once a page."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._used: set[str] = set()

    def of_findings(self, findings: Iterable[Finding]) -> list[Shown]:
        """Return charts of the evidence that findings rest on, at most two."""
        found: list[Shown] = []
        for finding in findings:
            for item in finding.evidence:
                if item.id not in self._used and len(found) < _MOST_CHARTS:
                    frame = charts.narrowed(self._case.frame(item.id), finding)
                    self._add(found, frame, f"{finding.signal.replace('_', ' ')} [{item.id}]", item.id)
        return found

    def of_frames(self, frames: dict[str, pd.DataFrame]) -> list[Shown]:
        """Return charts of a step's own frames, at most two."""
        found: list[Shown] = []
        for name, frame in frames.items():
            if len(found) < _MOST_CHARTS:
                self._add(found, frame, name.replace("_", " "), "")
        return found

    def _add(self, found: list[Shown], frame: pd.DataFrame, name: str, mark: str) -> None:
        symptom = self._case.symptom
        if symptom is None:
            return
        made = charts.chart(frame, name=name, window=symptom.window, baseline=symptom.baseline)
        if made is None:
            return
        self._used.add(mark)
        twin = made.twin
        # Within a page the namespace is known, and a page names no address at all.
        svg = made.svg.replace(' xmlns="http://www.w3.org/2000/svg"', "")
        found.append(Shown(drawn(svg), made.caption, [str(c) for c in twin.columns], twin.to_numpy().tolist()))


def _step(case: Case, entry: Entry, sketch: Sketch) -> dict[str, Any]:
    outcome = case.outcome(entry.seq)
    try:
        question = operations.find(entry.operation).doc.partition("\n")[0]
    except UnknownNameError:
        question = ""
    return {
        "name": entry.operation, "outcome": outcome, "line": line(entry), "question": question,
        "supporting": [f for f in outcome.findings if f.supports],
        "opposing": [f for f in outcome.findings if not f.supports],
        "charts": sketch.of_frames(dict(outcome.frames)),
    }  # fmt: skip
