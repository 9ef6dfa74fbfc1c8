"""Lints while writing: what a note, a lesson or an action lacks, told at the moment when it is written down."""

from __future__ import annotations

from workbench.case.operations import Outcome
from workbench.report.lint import Defect, lint

_INDEX = "\n\n## Evidence index\n\n- [J1] journal.jsonl\n"
_ACTION = ("what", "kind", "owner", "due", "verify_by", "state")


def lint_said(outcome: Outcome) -> list[Defect]:
    """Return the defects of what a person has just written, as the postmortem will show it; none for other outcomes."""
    section = _section(outcome)
    if section is None:
        return []
    title, line = section
    return lint(f"## {title}\n\n{line}{_INDEX}")


def _section(outcome: Outcome) -> tuple[str, str] | None:
    """Return the section that a person's words stand in, and their line; None for what was computed."""
    if outcome.findings or outcome.frames or outcome.ranking is not None or outcome.could_not_run:
        return None
    values = outcome.values
    if set(values) == set(_ACTION):
        cells = (" ".join(str(values[name] or "unknown").split()).replace("|", "\\|") for name in _ACTION)
        return "Actions", f"| {' | '.join(cells)} | [J1] |"
    said = " ".join(outcome.summary.split())
    if set(values) == {"kind", "text"}:
        return "Lessons", f"- {said} [J1]"
    return None if values else ("Response", f"- {said} [J1]")
