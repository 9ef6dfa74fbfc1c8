"""What the case itself suggests: how it went, and actions; people's own words take their place."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.model.window import DAY_NS, iso
from workbench.report.document import UNKNOWN, Row, Sentence, ids
from workbench.report.postmortem_impact import span
from workbench.report.reading_case import CaseReader
from workbench.report.words import duration, share, title

DUE_DAYS = {"mitigate": 3, "detect": 14, "prevent": 28}
"""Days after the selection by which an action of each type is proposed to be done; people may agree on another day."""
_LABELS = (("well", "Went well"), ("badly", "Went badly"), ("luck", "Luck"))


def went(of: CaseReader) -> Iterator[Sentence]:
    """Yield what people wrote about how it went; where nobody wrote, what the journal and the evidence show."""
    said = of.entries("lesson")
    drafted = {"well": _well, "badly": _badly, "luck": _luck}
    for kind, label in _LABELS:
        own = [e for e in said if e.arguments["kind"] == kind]
        for entry in own:
            yield Sentence(entry.arguments["text"], (f"J{entry.seq}",), label)
        if not own:
            found = drafted[kind](of)
            yield found or Sentence(f"{UNKNOWN}: nobody has written it yet.", (), label)


def _well(of: CaseReader) -> Sentence | None:
    ran = [e for e in of.case.state.in_force if e.mode == "computed"]
    answered = [e for e in ran if e.operation in of.outcomes and not of.outcomes[e.operation].could_not_run]
    if not answered:
        return None
    verdict = of.lead.verdict if of.lead else "none"
    found = {"proven": "and one cause is proven", "suspected": "and one cause is suspected"}.get(
        verdict, "and no cause was named without proof")  # fmt: skip
    return Sentence(f"{len(answered)} of {len(ran)} questions had an answer, {found} (drafted from the journal).",
                    tuple(f"J{e.seq}" for e in (ran[0], ran[-1])), "Went well")  # fmt: skip


def _badly(of: CaseReader) -> Sentence | None:
    parts: list[str] = []
    chips: tuple[str, ...] = ()
    onset = of.lead.onset_ns if of.lead is not None and of.named else None
    if onset is not None and of.alert_ns is not None and of.alert_ns > onset:
        parts.append(f"no guard stood where the cause began, {duration(of.alert_ns - onset)} before the alert")
        chips += (*_lead_chips(of), "J0")
    elif of.symptom.alert is None:
        parts.append("no alert noticed it")
        chips += ("J0",)
    missing = [name for name, outcome in of.outcomes.items() if outcome.could_not_run]
    if missing:
        parts.append(f"{len(missing)} questions had no data: {', '.join(map(title, missing))}")
        chips += tuple(f"J{e.seq}" for e in of.case.state.in_force if e.operation in missing)
    if not parts:
        return None
    text = "; ".join(parts)
    return Sentence(f"{text[:1].upper()}{text[1:]} (drafted from the journal).", tuple(dict.fromkeys(chips)),
                    "Went badly")  # fmt: skip


def _luck(of: CaseReader) -> Sentence | None:
    """Return whether it fell into a busy or a quiet time: decisions of the stretch against a usual one."""
    found = of.frame("prediction_series")
    if found is None or found[0].empty:
        return None
    rows, stretch = found[0], span(of)
    totals = rows.groupby("start_ns")["n"].sum().sort_index()
    every = int(totals.index.to_series().diff().median() or 1)
    near = (totals.index > stretch.start_ns - every) & (totals.index < stretch.end_ns)
    if not near.any() or near.all():
        return None
    usual = float(totals[~near].mean())
    ratio = float(totals[near].mean()) / usual if usual else 0.0
    if ratio < 0.9:
        words = f"it fell into a quiet time: {share(1 - ratio)} fewer decisions than on average"
    elif ratio > 1.1:
        words = f"none: it fell into a busy time, {share(ratio - 1)} more decisions than on average"
    else:
        words = f"none: decisions ran at {share(ratio)} of the average"
    return Sentence(f"{words} (drafted from the evidence).", (found[1], *of.scope_evidence), "Luck")


def proposed_actions(of: CaseReader) -> tuple[Row, ...]:
    """Return guard and fix of the failure signature as proposed actions, each with the step that verifies it.

    The owner is the team that the alert names; the due date is proposed from the type, from the end of the selection.
    """
    signature = of.signature(of.lead) if of.lead and of.named else None
    if signature is None or of.lead is None:
        return ()
    owner = str(dict((of.symptom.alert or {}).get("labels") or {}).get("team") or UNKNOWN)
    chips = (*_lead_chips(of), "J0")
    step = _step_of(of)
    kinds = ((signature.guard, "detect"), (signature.fix, "mitigate"))
    return tuple(Row((what, kind, owner, _due(of, kind), f"case.{step}()", "proposed"), chips) for what, kind in kinds)


def _due(of: CaseReader, kind: str) -> str:
    """Return the day by which an action of a type is proposed to be done: what ends harm first, guards next."""
    return iso(of.symptom.window.end_ns + DUE_DAYS[kind] * DAY_NS)[:10]


def _step_of(of: CaseReader) -> str:
    """Return the step whose finding the best lead rests on first."""
    first = next(iter(of.lead.evidence_for), None) if of.lead else None
    names = [name for name, outcome in of.outcomes.items()
             if first is not None and any(f.statement == first.statement for f in outcome.findings)]  # fmt: skip
    return next((n for n in names if n != "rank"), "scope")


def _lead_chips(of: CaseReader) -> tuple[str, ...]:
    found = ids(e for f in (of.lead.evidence_for if of.lead else ()) for e in f.evidence)
    return found or ("J0",)
