"""Summary, timeline, causes, response, actions and limits, as sentences with their evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workbench.model.findings import Cause, Finding
from workbench.report.document import UNKNOWN, Row, Sentence, ids
from workbench.report.next_step import next_step
from workbench.report.postmortem_impact import span
from workbench.report.postmortem_proposals import proposed_actions
from workbench.report.postmortem_recovery import ended, same_check
from workbench.report.reading_case import CaseReader, entry_ns
from workbench.report.words import clock, duration, in_words, measured_words, plain_entity, share, title

_MOST_ROWS = 60
_MOST_CHANGES = 12
_SINCE = re.compile(r" since \d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)? UTC(?=\.$)")
"""The first line says since when; the second need not."""
_VERDICTS = {"proven": "It is proven: the mechanism itself was shown", "suspected": "It is suspected, not proven",
             "none": "No cause is proven; this is the strongest lead"}  # fmt: skip


def heading(of: CaseReader) -> Sentence:
    """Return what the document is about in one line: the harm, and the cause that is proven or suspected."""
    what, lead = measured_words(of.symptom.signal, of.symptom.entity), of.lead
    if lead is None or not of.named or of.changed:
        return Sentence(f"{what}: {'no cause proven' if not of.changed else 'evidence was changed'}", ("J0",))
    known = of.signature(lead)
    kind = str(known.title).lower() if known else title(lead.kind)
    return Sentence(f"{what}: {kind} in {plain_entity(lead.entity)}, {lead.verdict}", _evidence(lead))


def summary(of: CaseReader) -> Iterator[Sentence]:
    """Yield five lines in plain words: what, since when, how noticed, why, what now."""
    symptom, stretch = of.symptom, span(of)
    yield Sentence(f"{measured_words(symptom.signal, symptom.entity)} was not as usual for "
                   f"{duration(stretch.duration_ns)}, from {clock(stretch.start_ns)}.",
                   (*of.scope_evidence, "J0"))  # fmt: skip
    found = next(iter(of.ranking.impact), None) if of.ranking else None
    yield (Sentence(_SINCE.sub("", in_words(found.statement, symptom.signal)), ids(found.evidence)) if found
           else Sentence(f"How large the harm was is {UNKNOWN}."))  # fmt: skip
    if of.alert_ns is not None and of.onset_ns is not None and of.alert_ns >= of.onset_ns:
        noticed = f"An alert noticed it after {duration(of.alert_ns - of.onset_ns)}."
        yield Sentence(noticed, (*of.scope_evidence, "J0"))
    else:
        yield Sentence("An alert noticed it; how long after the onset is unknown." if symptom.alert
                       else "No alert noticed it; a person described it.", ("J0",))  # fmt: skip
    lead = of.lead
    if lead is None:
        yield Sentence("No cause is proven, and no lead stands out.")
    else:
        yield Sentence(f"{lead.statement.removesuffix('.')}. {_VERDICTS[lead.verdict]}.", _evidence(lead))
    owner, status = of.case.state.owner, of.case.state.status
    last = (of.entries("status") or of.entries("begin"))[-1].seq
    yield Sentence(f"The case is {status}; {'its owner is ' + owner if owner else 'nobody owns it yet'}.",
                   (f"J{last}",))  # fmt: skip


def timeline(of: CaseReader) -> tuple[Row, ...]:
    """Return what happened in order: changes and onsets from before the incident, alerts, and what people did."""
    found: dict[tuple[int, str], tuple[str, tuple[str, ...]]] = {}
    findings = [f for f in of.findings() if f.onset_ns is not None]
    changes = [f for f in findings if f.signal == "change"][:_MOST_CHANGES]
    for finding in [*changes, *(f for f in findings if f.signal != "change" and f.state == "interesting")]:
        found.setdefault((finding.onset_ns or 0, finding.statement), (_lane(finding), ids(finding.evidence)))
    alerts = of.frame("alerts")
    if alerts is not None:
        for row in alerts[0].itertuples():
            found[int(row.starts_ns), f"Alert {row.name}: {row.summary}"] = ("alert", (alerts[1],))
    for entry in of.case.entries:
        if entry.mode == "human" and entry.operation not in ("begin", "undo"):
            said = of.said(entry)
            found[entry_ns(entry), said] = ("response", (f"J{entry.seq}",))
    begun = of.case.entries[0]
    found[entry_ns(begun), "The case was opened."] = ("response", ("J0",))
    ordered = sorted(found.items())[:_MOST_ROWS]
    return tuple(Row((clock(time_ns), lane, text), evidence) for (time_ns, text), (lane, evidence) in ordered)


def _lane(finding: Finding) -> str:
    return "change" if finding.signal == "change" else title(finding.signal)


def causes(of: CaseReader) -> Iterator[Sentence]:
    """Yield trigger, contributing factors, and what stays unexplained; never a person."""
    if not of.named:
        yield Sentence(f"{UNKNOWN}: no cause is proven or suspected.", (), "Trigger")
    for cause in of.named:
        label = "Trigger" if cause is of.named[0] else "Contributing factor"
        yield Sentence(f"{cause.statement} {cause.verdict.capitalize()}, confidence {share(cause.confidence)}.",
                       _evidence(cause), label)  # fmt: skip
    for finding in [f for c in of.named[:1] for f in c.evidence_for if f.signal == "change"]:
        yield Sentence(finding.statement, ids(finding.evidence), "Change that it follows")
    left = of.ranking.unexplained if of.ranking else None
    if of.named and left is not None:
        yield Sentence(f"{share(left)} of the harm is explained by no named cause.", _evidence(of.named[0]),
                       "Unexplained")  # fmt: skip


def rejected(of: CaseReader) -> Iterator[Sentence]:
    """Yield each hypothesis that was rejected, by people with their reason or by the evidence."""
    for entry in of.entries("reject"):
        yield Sentence(f"{entry.arguments['cause']}: {entry.arguments['reason']}", (f"J{entry.seq}",), "Rejected")
    for cause in of.ranking or ():
        if cause.verdict == "none":
            against = [f.statement for f in cause.evidence_against]
            reason = against[0] if against else _weak(cause)
            text = f"{cause.statement} Not named, because {reason}"
            yield Sentence(text, _evidence(cause), title(cause.kind).capitalize())
    if not of.ranking:
        yield Sentence("No hypothesis was weighed.")


def _weak(cause: Cause) -> str:
    known = {k: v for k, v in cause.factors.items() if isinstance(v, int | float)}
    if not known:
        return f"its confidence is only {share(cause.confidence)}."
    name = min(sorted(known), key=lambda k: known[k])
    return f"its confidence is only {share(cause.confidence)}; weakest factor: {title(name)} ({known[name]:.2g})."


def response(of: CaseReader) -> Iterator[Sentence]:
    """Yield who took the case when, what was asked, and what could not be asked."""
    for entry in [*of.entries("assign"), *of.entries("note")]:
        said = of.said(entry)
        yield Sentence(f"{clock(entry_ns(entry))}: {said}", (f"J{entry.seq}",), title(entry.operation).capitalize())
    ran = [e for e in of.case.state.in_force if e.mode == "computed"]
    if ran:
        asked = f"{len(ran)} questions were asked between {clock(entry_ns(ran[0]))} and {clock(entry_ns(ran[-1]))}."
        yield Sentence(asked, (f"J{ran[0].seq}", f"J{ran[-1].seq}"), "Investigation")
    for entry in ran:
        outcome = of.outcomes.get(entry.operation)
        if outcome is not None and outcome.could_not_run:
            yield Sentence(outcome.could_not_run, (f"J{entry.seq}",), f"Could not run: {title(entry.operation)}")


def mitigation(of: CaseReader) -> Iterator[Sentence]:
    """Yield what ended the harm, and whether the same check says so; fixes come from the failure signature."""
    yield from ended(of)
    signature = of.signature(of.lead) if of.lead and of.named else None
    if signature is not None and of.lead is not None:
        evidence = _evidence(of.lead)
        yield Sentence(signature.fix, evidence, "Fix")
        yield Sentence(signature.rollback, evidence, "Rollback")
    for entry in [e for e in of.case.state.in_force if e.operation == "compare"]:
        yield Sentence(of.said(entry), (f"J{entry.seq}",), "Comparison")
    yield same_check(of)


def actions(of: CaseReader) -> tuple[Row, ...]:
    """Return the actions: what, type, owner, due, verify-by, state; what is missing is unknown."""
    agreed = tuple(
        Row((a["what"], a["kind"], a["owner"] or UNKNOWN, a["due"] or UNKNOWN, a["verify_by"] or UNKNOWN, a["state"]),
            (f"J{entry.seq}",))
        for entry in of.entries("action") for a in (entry.arguments,)
    )  # fmt: skip
    return agreed or proposed_actions(of)


def lessons(of: CaseReader) -> Iterator[Sentence]:
    """Yield what was learnt, and the failure signature that the incident matches."""
    for entry in [e for e in of.entries("lesson") if e.arguments["kind"] == "lesson"]:
        yield Sentence(entry.arguments["text"], (f"J{entry.seq}",), "Lesson")
    signature = of.signature(of.lead) if of.lead and of.named else None
    if signature is None or of.lead is None:
        yield Sentence(f"{UNKNOWN}: no known failure signature fits; a new one may be worth writing.", (), "Signature")
    else:
        yield Sentence(f"{signature.title}: {signature.pattern}", _evidence(of.lead), "Known failure signature")


def limits(of: CaseReader) -> Iterator[Sentence]:
    """Yield what the document cannot say: masking, unread sources, how far the digests reach."""
    yield Sentence("Personal data and secrets were replaced by keyed pseudonyms before they were stored; the case "
                   "holds no list of them.", (), "Masked fields")  # fmt: skip
    if of.masked is not None:
        kinds = ", ".join(of.masked.kinds)
        yield Sentence(f"This copy was masked for {of.masked.audience}: {kinds or 'nothing was found to mask'}. Equal "
                       "values have equal pseudonyms; share.json counts them.", (), "Masked in this copy")  # fmt: skip
    for text in of.changed:
        place, _, why = text.partition(": ")
        yield Sentence(f"left out, because {why}", (place,), "Changed since it was recorded")
    yield Sentence("The digests show changes to this file or the case. Somebody who writes both anew with their "
                   "digests is not noticed; keep the head hash elsewhere.", (), "Digests")  # fmt: skip
    if not of.changed and of.case.state.status not in ("resolved", "closed"):
        yield Sentence(next_step(of.case), (f"J{of.case.entries[-1].seq}",), "Next step")


def _evidence(cause: Cause) -> tuple[str, ...]:
    found = ids(e for f in (*cause.evidence_for, *cause.evidence_against) for e in f.evidence)
    return found or ("J0",)
