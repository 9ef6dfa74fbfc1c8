"""Impact, detection and the facts of the model, as sentences with their evidence."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from workbench.model.window import SECOND_NS, Window
from workbench.report import postmortem_harm
from workbench.report.document import UNKNOWN, Sentence, ids
from workbench.report.guard_trial import Trial, lead_time
from workbench.report.postmortem_change import interval
from workbench.report.reading_case import CaseReader, entry_ns
from workbench.report.words import clock, duration, in_words, number

_CONSUMERS = ("model", "service", "kpi", "dataset", "dashboard")


def span(of: CaseReader) -> Window:
    """Return from the onset, where it is known, to the end of the selection."""
    start = of.onset_ns if of.onset_ns is not None else of.symptom.window.start_ns
    return Window(min(start, of.symptom.window.end_ns - 1), of.symptom.window.end_ns)


def impact(of: CaseReader) -> Iterator[Sentence]:
    """Yield when, how many decisions, the symptom's change, users and money; what nobody knows is said so."""
    stretch = span(of)
    began = f"{clock(stretch.start_ns)} to {clock(stretch.end_ns)}, {duration(stretch.duration_ns)}"
    ongoing = "" if of.status_entry("mitigated") or of.status_entry("resolved") else "; no end is recorded"
    yield Sentence(f"{began}{ongoing}.", (*of.scope_evidence, "J0"), "Affected stretch")
    found = list(of.ranking.impact) if of.ranking else []
    for finding in found:
        text = f"{in_words(finding.statement, of.symptom.signal)}{interval(of, finding)}{_chance(finding.values)}"
        yield Sentence(text, ids(finding.evidence), "Symptom" if finding.signal == of.symptom.signal else "Hit part")
    if not found:
        yield Sentence(f"{UNKNOWN}: no step measured {of.symptom.signal} of {of.symptom.entity}.",
                       ("J0",), "Symptom")  # fmt: skip
    yield from _figures(of)
    yield from postmortem_harm.harm(of, stretch)
    yield _not_alerting(of)


def _chance(values: object) -> str:
    known = values if isinstance(values, dict) else {}
    quiet, p = known.get("quiet_windows"), known.get("p_value")
    if not isinstance(quiet, int | float) or not isinstance(p, int | float):
        return ""
    return f" A change as large is seen by chance with p = {number(float(p))}, by {number(float(quiet))} quiet windows."


def _figures(of: CaseReader) -> Iterator[Sentence]:
    """Yield what the steps said about business figures other than the symptom."""
    kpis = [f for f in of.findings() if f.entity.startswith("kpi:") and f.entity != of.symptom.entity]
    for finding in kpis[:4]:
        yield Sentence(finding.statement, ids(finding.evidence), "Business figure")
    if not kpis and not of.symptom.entity.startswith("kpi:"):
        yield Sentence(f"{UNKNOWN}: no step measured a business figure.", (), "Business figure")


def _not_alerting(of: CaseReader) -> Sentence:
    label = "Wrong but not alerting"
    if of.lead is None or not of.named:
        return Sentence(f"{UNKNOWN}: no cause is named whose consumers could be followed.", (), label)
    origin = of.ranking.first_failure if of.ranking and of.ranking.first_failure else of.lead.entity
    below, evidence = of.downstream(origin)
    if below is None:
        return Sentence(f"{UNKNOWN}: the frozen lineage does not hold {origin}.", evidence, label)
    alerts = of.frame("alerts")
    told = set(alerts[0]["entity"].dropna()) if alerts else set()
    silent = [e for e in below if e.partition(":")[0] in _CONSUMERS and e not in told and e != of.symptom.entity]
    read = (*evidence, *((alerts[1],) if alerts else ()))
    if not silent:
        return Sentence(f"No other consumer of {_short(origin)} is known to the lineage.", read, label)
    more = f" and {len(silent) - 6} more" if len(silent) > 6 else ""
    many = f"{len(silent)} consumers" if len(silent) > 1 else "1 consumer"
    named = ", ".join(map(_short, silent[:6]))
    return Sentence(f"{many} of {_short(origin)} sent no alert: {named}{more}.", read, label)


def _short(entity: str) -> str:
    """Return an entity without the address of the system that it stands in: "data set dwh.core_orders"."""
    kind, _, name = entity.partition(":")
    return f"{'data set' if kind == 'dataset' else kind} {name.rpartition('/')[2] or name}"


def detection(of: CaseReader, tried: Trial | None) -> Iterator[Sentence]:
    """Yield how it was noticed, how long that took, what should have caught it and, as *tried*, how much earlier."""
    alert = of.symptom.alert or {}
    described = "somebody described it; no alert began it"
    how = f"alert {alert.get('name')} ({alert.get('severity')})" if alert else described
    yield Sentence(f"{how}.", ("J0",), "How")
    yield _delay("Time to detect", of.onset_ns, of.alert_ns, "from the onset to the alert",
                 (*of.scope_evidence, "J0"))  # fmt: skip
    owned = of.entries("assign")
    first = owned[0] if owned else of.case.entries[0]
    until = "first owner" if owned else "opening of the case; nobody owns it yet"
    yield _delay("Time to acknowledge", of.alert_ns, entry_ns(first), f"from the alert to the {until}",
                 ("J0", *(f"J{e.seq}" for e in owned[:1])))  # fmt: skip
    signature = of.signature(of.lead) if of.lead and of.named else None
    if of.lead is None or signature is None:
        yield Sentence(f"{UNKNOWN}: no cause is named whose guard could be given.", (), "What should have caught it")
        return
    evidence = ids(e for f in of.lead.evidence_for for e in f.evidence)
    yield Sentence(signature.guard, evidence, "What should have caught it")
    yield lead_time(of, of.lead, tried, signature.lead_time)


def _delay(label: str, begin: int | None, end: int | None, what: str, evidence: tuple[str, ...]) -> Sentence:
    if begin is None or end is None:
        return Sentence(f"{UNKNOWN}: not both ends {what} are recorded.", (), label)
    if end < begin:
        return Sentence(f"{duration(begin - end)} before it: {what} is negative.", evidence, label)
    return Sentence(f"{duration(end - begin)} {what}.", evidence, label)


def model_facts(of: CaseReader) -> Iterator[Sentence]:
    """Yield model, version, run, data snapshot, features, commit, flags, hardware and baseline."""
    model, version, seen = _deciding(of)
    yield Sentence(model or UNKNOWN, seen, "Model")
    yield Sentence(version or UNKNOWN, seen, "Version that decided most")
    run, made = _run(of, model, version)
    yield Sentence(run or UNKNOWN, made, "Training run")
    yield from _of_run(of, run, made)
    lineage = of.outcomes.get("lineage")
    found = lineage.findings[:1] if lineage else ()
    counts = dict(found[0].values) if found else {}
    evidence = ids(e for f in found for e in f.evidence)
    features = counts.get("feature")
    yield Sentence(f"{features} features feed it" if features else UNKNOWN, evidence if features else (), "Features")
    yield _flags(of)
    hardware = [f"{counts[k]} {name}{'' if counts[k] == 1 else 's'}" for k, name in (("gpu", "GPU"), ("host", "host"))
                if counts.get(k)]  # fmt: skip
    yield Sentence(" and ".join(hardware) or UNKNOWN, evidence if hardware else (), "Hardware on the path")
    baseline = of.symptom.baseline
    yield Sentence(baseline.rule if baseline else f"{UNKNOWN}: history is too short", ("J0",), "Baseline")


def _flags(of: CaseReader) -> Sentence:
    """Return which flags changed before the onset, or that no source sends any."""
    found = of.frame("changes")
    if found is None:
        return Sentence(f"{UNKNOWN}: changes were not asked for", (), "Flags")
    kinds = found[0]["kind"].astype(str)
    named = list(dict.fromkeys(str(t) for t in found[0]["title"][kinds.str.contains("flag", case=False)]))
    if named:
        return Sentence(f"changed before the onset: {', '.join(named[:4])}", (found[1],), "Flags")
    seen = ", ".join(sorted(set(kinds))) or "none"
    return Sentence(f"no change of a flag among the {len(kinds)} changes before the onset (kinds seen: {seen})",
                    (found[1],), "Flags")  # fmt: skip


def _deciding(of: CaseReader) -> tuple[str, str, tuple[str, ...]]:
    """Return the model and version with most decisions in the affected stretch."""
    found = of.frame("prediction_series")
    if found is None:
        return "", "", ()
    stretch, rows = span(of), found[0].dropna(subset=["model", "model_version"])
    rows = rows[(rows["start_ns"] >= stretch.start_ns - 3600 * SECOND_NS) & (rows["start_ns"] < stretch.end_ns)]
    if rows.empty:
        return "", "", (found[1],)
    totals = rows.groupby(["model", "model_version"], sort=True)["n"].sum()
    model, version = totals.sort_values(ascending=False, kind="stable").index[0]
    return str(model), str(version), (found[1],)


def _run(of: CaseReader, model: str, version: str) -> tuple[str, tuple[str, ...]]:
    found = of.frame("model_versions")
    if found is None:
        return "", ()
    rows = found[0]
    rows = rows[(rows["model"] == model) & (rows["version"] == version)]
    known = [str(r) for r in rows["run_id"] if isinstance(r, str)]
    return (known[0] if known else ""), (found[1],)


def _of_run(of: CaseReader, run: str, made: tuple[str, ...]) -> Iterator[Sentence]:
    data, runs = of.frame("run_data"), of.frame("runs")
    rows = data[0][data[0]["run_id"] == run] if data else pd.DataFrame()
    read = [f"{r.dataset} at {r.data_version}" for r in rows.itertuples()]
    yield Sentence(", ".join(read[:4]) or UNKNOWN, (*made, data[1]) if data and read else (), "Data snapshot")
    mine = runs[0][runs[0]["run_id"] == run] if runs else pd.DataFrame()
    commit = mine["commit"].iloc[0] if len(mine) else None
    known = runs is not None and isinstance(commit, str)
    yield Sentence(str(commit) if known else UNKNOWN, (*made, runs[1]) if runs and known else (),
                   "Commit of the training code")  # fmt: skip
