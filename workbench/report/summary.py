"""A case in one dict, for programs: what ``workbench investigate --json`` prints."""

from __future__ import annotations

from typing import Any

from workbench.case.case import Case
from workbench.model.findings import Cause, Evidence, Finding
from workbench.model.window import iso


def summary(case: Case) -> dict[str, Any]:
    """Return verdict, causes, first failure, impact and what could not run, in plain values; unknown is None."""
    ranking = case.ranking
    return {
        "case": case.id,
        "verdict": ranking.verdict if ranking else "none",
        "causes": [_cause(cause) for cause in case.causes],
        "first_failure": ranking.first_failure if ranking else None,
        "impact": [_finding(finding) for finding in ranking.impact] if ranking else [],
        "could_not_run": could_not_run(case),
    }


def could_not_run(case: Case) -> list[dict[str, str]]:
    """Return each step that has no answer, with the reason."""
    return [{"step": name, "reason": o.could_not_run} for name, o in case.outcomes.items() if o.could_not_run]


def evidence_of(cause: Cause) -> list[Evidence]:
    """Return what a cause rests on, for and against, each once, in order."""
    found = {e.id: e for f in (*cause.evidence_for, *cause.evidence_against) for e in f.evidence}
    return list(found.values())


def _cause(cause: Cause) -> dict[str, Any]:
    against = {e.id for f in cause.evidence_against for e in f.evidence}
    for_it = {e.id for f in cause.evidence_for for e in f.evidence}
    return {
        "rank": cause.rank,
        "entity": cause.entity,
        "kind": cause.kind,
        "statement": cause.statement,
        "confidence": cause.confidence,
        "onset": None if cause.onset_ns is None else iso(cause.onset_ns),
        "evidence": [
            {"id": e.id, "query": e.query, "file": e.file, "sha256": e.sha256, "rows": e.rows,
             "speaks": "both" if e.id in against & for_it else "against" if e.id in against else "for"}
            for e in evidence_of(cause)
        ],
    }  # fmt: skip


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "statement": finding.statement,
        "entity": finding.entity,
        "signal": finding.signal,
        "values": dict(finding.values),
        "evidence": [e.id for e in finding.evidence],
    }
