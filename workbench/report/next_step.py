"""The one thing to do next, in a sentence and a line of Python."""

from __future__ import annotations

from workbench.case.case import Case
from workbench.case.render import render
from workbench.report.words import title

_WORTH_BREAKING = 0.05
"""A lead that is believed less than this would only waste the reader's time."""


def next_step(case: Case) -> str:
    """Return what to do next with a case: begin, investigate, confirm, look further, or fill a gap."""
    ranking = case.ranking
    if case.symptom is None:
        return 'Say what went wrong: case.begin("service:scoring", signal="error_rate", window="START/END")'
    if ranking is None:
        return "Run the playbook: bench.investigate(case)"
    missing = [name for name, outcome in case.outcomes.items() if outcome.could_not_run]
    if ranking.verdict == "proven" and ranking.causes:
        best = ranking.causes[0]
        assigning = render("assign", {"owner": "…"})
        return f"Act on {best.entity}, then check that the symptom is gone; assign it: {assigning}"
    if ranking.causes and (ranking.verdict != "none" or ranking.causes[0].confidence >= _WORTH_BREAKING):
        best = ranking.causes[0]
        count = len(best.evidence_against)
        against = f" Findings against it so far: {count}." if count else ""
        lead = f"{title(best.kind)} of {best.entity}"
        return f'Try to break the best lead, {lead}.{against} Refuted? case.reject(1, reason="…")'
    if missing:
        return f"Bring in what was missing for {', '.join(missing)}, then run the playbook again."
    widen = render("select", {"window": "START/END"})
    return f"No lead holds. Widen the selection, {widen}, or check whether the alert itself is wrong."
