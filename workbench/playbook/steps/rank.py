"""Rank the causes that the findings speak for."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from workbench import plugins
from workbench.analysis.rank_incident import Candidate, Weighed, weigh
from workbench.case.operations import Outcome
from workbench.case.reading import Reading
from workbench.errors import CouldNotRunError
from workbench.model.findings import Cause, Finding, Ranking, Verdict
from workbench.playbook import Lead, Step
from workbench.playbook.challenge import challenged
from workbench.playbook.joined import joined
from workbench.playbook.leftover import told_once
from workbench.playbook.symptoms import Family, family
from workbench.playbook.times import LEAD_NS, times
from workbench.playbook.view import View
from workbench.playbook.words import percent, short

ASKED = (
    "telemetry",
    "scope",
    "changes",
    "lineage",
    "quality",
    "upkeep",
    "drift",
    "model",
    "serving",
    "traffic",
    "hardware",
)
MAX_CAUSES = 12


def run(reading: Reading) -> Outcome:
    """Let every failure signature propose causes, and weigh them against each other."""
    view = _view(reading)
    if not view.findings:
        raise CouldNotRunError("no step has found anything yet; run the steps before this one")
    leads = [
        (name, lead)
        for name, signature in sorted(plugins.load_all("signature").items())
        for lead in signature.propose(view)
    ]
    rejected = reading.rejected
    leads = _distinct([(kind, lead) for kind, lead in leads if f"{kind} {lead.entity}" not in rejected])
    candidates = [_candidate(kind, lead, view) for kind, lead in leads]
    by_key = {c.key: lead for c, (_, lead) in zip(candidates, leads, strict=True)}
    scope = reading.earlier("scope")
    onset = scope.values.get("onset_ns") if scope else None
    strong = float(scope.values.get("strength") or 0.0) if scope else 0.5
    weighed = weigh(candidates, int(onset) if onset is not None else None, strong)[:MAX_CAUSES]
    causes = tuple(_cause(rank, item, by_key[item.candidate.key], view) for rank, item in enumerate(weighed, start=1))
    causes = told_once(_sorted(challenged(causes, view, reading)), view)
    verdict: Verdict = causes[0].verdict if causes else "none"
    impact = tuple(
        f for f in view.findings if f.entity == view.symptom.entity and f.signal.startswith(view.symptom.signal)
    )
    ranking = Ranking(causes, verdict, _unexplained(causes), _first_failure(causes, view), impact)
    return Outcome(values={"candidates": len(candidates)}, summary=_summary(causes, verdict), ranking=ranking)


def _sorted(causes: tuple[Cause, ...]) -> tuple[Cause, ...]:
    """Return the causes by what confidence is left to them; equals keep their order."""
    best = sorted(causes, key=lambda c: (-c.confidence, c.rank))
    return tuple(replace(cause, rank=rank) for rank, cause in enumerate(best, start=1))


def _view(reading: Reading) -> View:
    findings: list[Finding] = []
    contributions = pd.DataFrame(columns=["column", "contribution", "share", "z", "p_value", "psi"])
    change, decisions_z = None, 0.0
    for name in ASKED:
        outcome = reading.earlier(name) if name in plugins.names("step") else None
        if outcome is None:
            continue
        findings += outcome.findings
        if name == "drift":
            contributions = outcome.frames["contributions"]
            decisions_z = float(outcome.values.get("change_z") or 0.0)
        if name == "scope":
            change = _change(outcome)
    symptom = reading.symptom
    return View(
        symptom,
        family(symptom.signal),
        times(reading),
        tuple(findings),
        joined(reading).graph,
        contributions,
        change,
        _also(reading),
        decisions_z,
    )


def _also(reading: Reading) -> frozenset[Family]:
    """Return what kinds of harm the other alerts report that fire in the same hours."""
    window = reading.symptom.window
    alerts = reading.ask("alerts", start_ns=window.start_ns - LEAD_NS, end_ns=window.end_ns)
    return frozenset(family(str(s)) for s in alerts.frame["signal"].dropna() if s != reading.symptom.signal)


def _change(scope: Outcome) -> float | None:
    """Return the symptom's change; relative to usual where it is a volume."""
    values = scope.findings[0].values
    now, usual = values.get("now"), values.get("usual")
    if not isinstance(now, int | float) or not isinstance(usual, int | float):
        return None
    return float(now / usual - 1) if scope.values.get("family") == "volume" and usual else float(now - usual)


def _distinct(leads: list[tuple[str, Lead]]) -> list[tuple[str, Lead]]:
    """Keep the strongest lead of each kind and entity."""
    best: dict[tuple[str, str], Lead] = {}
    for kind, lead in leads:
        held = best.get((kind, lead.entity))
        if held is None or _order(lead) > _order(held):
            best[kind, lead.entity] = lead
    return [(kind, lead) for (kind, _), lead in sorted(best.items())]


def _order(lead: Lead) -> tuple[float, float]:
    return round((lead.explained or 0.0) * lead.specificity, 9), round(lead.strength, 9)


def _candidate(kind: str, lead: Lead, view: View) -> Candidate:
    return Candidate(
        key=f"{kind} {lead.entity}",
        entity=lead.entity,
        on_path=lead.entity in view.upstream
        or kind == "telemetry_fault"
        or any(c in view.upstream for c in lead.covers),
        strength=lead.strength,
        onset_ns=lead.onset_ns,
        onset_after_ns=lead.onset_after_ns,
        explained=lead.explained,
        specificity=lead.specificity,
        shown=lead.shown,
        refuted=bool(lead.evidence_against),
        covers=frozenset(lead.covers),
    )


def _cause(rank: int, item: Weighed, lead: Lead, view: View) -> Cause:
    path = view.graph.path(lead.entity, view.symptom.entity)
    kind = item.candidate.key.partition(" ")[0]
    return Cause(
        rank,
        lead.entity,
        kind,
        lead.statement,
        item.confidence,
        item.verdict,
        item.factors,
        lead.evidence_for,
        lead.evidence_against,
        lead.onset_ns,
        path,
    )


def _unexplained(causes: tuple[Cause, ...]) -> float | None:
    named = [c for c in causes if c.verdict != "none"]
    if not named:
        return None
    shares = [((c.factors["explains"] - 0.1) / 0.9) ** 2 for c in named]
    return float(max(0.0, 1.0 - sum(shares)))


def _first_failure(causes: tuple[Cause, ...], view: View) -> str | None:
    """Return the entity that deviated first among those that the named causes rest on."""
    named = [
        f
        for c in causes
        if c.verdict != "none"
        for f in c.evidence_for
        if f.onset_ns is not None and f.signal not in ("change", "new_version")
    ]
    if not named:
        return None
    depth = (
        {name: place for place, name in enumerate(view.graph.ancestors(view.symptom.entity))}
        if (view.symptom.entity in view.graph)
        else {}
    )
    return min(named, key=lambda f: (f.onset_ns or 0, -depth.get(f.entity, 0), f.entity)).entity


def _summary(causes: tuple[Cause, ...], verdict: Verdict) -> str:
    if not causes:
        return "No cause proven, and no lead: nothing upstream deviates beyond its quiet windows."
    first = causes[0]
    if verdict == "none":
        return f"No cause proven; strongest lead: {first.statement} ({percent(first.confidence)})"
    also = [short(c.entity) for c in causes[1:] if c.verdict == "proven"]
    more = f" Also: {', '.join(also)}." if also else ""
    return f"{verdict.title()}: {first.statement} ({percent(first.confidence)}){more}"


STEP = Step(
    number=10,
    question="Which cause explains the symptom best, and is it proven?",
    why="A ranking is a hypothesis; a path with a shown mechanism is a proof; none of them is an answer too.",
    needs=(),
    run=run,
)
