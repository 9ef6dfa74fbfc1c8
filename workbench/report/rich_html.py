"""How cases, causes, findings, evidence and windows show themselves in a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from workbench.case.case import Case
from workbench.case.operations import Outcome
from workbench.case.replay import ReplayReport
from workbench.model.findings import Cause, Evidence, Finding, Ranking
from workbench.model.show import html
from workbench.model.window import Window
from workbench.report.lint_said import lint_said
from workbench.report.next_step import next_step
from workbench.report.pages import output
from workbench.report.words import duration


def attach() -> None:
    """Register the rich forms; until then everything shows itself as escaped text."""
    html.register(Case, _case)
    html.register(Cause, lambda cause: output("cause.html.j2", causes=[cause], verdict=None))
    html.register(Ranking, lambda ranking: output("cause.html.j2", causes=list(ranking), verdict=ranking.verdict))
    html.register(Finding, lambda finding: output("finding.html.j2", outcome=None, findings=[finding], defects=[]))
    html.register(Outcome, _outcome)
    html.register(Evidence, lambda item: facts(item.id, {
        "Query": item.query, "Rows": f"{item.rows:,}", "File": item.file, "SHA-256": item.sha256}))  # fmt: skip
    html.register(Window, lambda w: facts(w.words(), {"ISO": str(w), "Length": duration(w.duration_ns)}))
    html.register(ReplayReport, _replay)


def _case(case: Case) -> str:
    symptom, state = case.symptom, case.state
    facts = {"Symptom": f"{symptom.signal} of {symptom.entity}", "Selection": symptom.words()} if symptom else {}
    facts |= {"Status": state.status, "Owner": state.owner or "nobody yet", "Entries": str(case.length()),
              "Evidence": str(len(case.evidence)), "Next": next_step(case)}  # fmt: skip
    return output("facts.html.j2", heading=case.id, facts=facts, causes=list(case.causes[:3]), lines=[])


def _outcome(outcome: Outcome) -> str:
    if outcome.ranking is not None:
        return html(outcome.ranking)
    return output("finding.html.j2", outcome=outcome, findings=list(outcome.findings), defects=lint_said(outcome))


def _replay(report: ReplayReport) -> str:
    said = {"State": report.state_hash, "Took": duration(round(report.seconds * 1e9))}
    return facts(f"{'✓' if report.ok else '✕'} {report.badge}", said, (str(m) for m in report.mismatches))


def facts(heading: str, facts: Mapping[str, str], lines: Iterable[str] = ()) -> str:
    """Return a card of named facts below a heading; all text is escaped."""
    return output("facts.html.j2", heading=heading, facts=facts, causes=[], lines=list(lines))
