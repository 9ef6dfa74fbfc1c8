"""A release makes a service slow or makes it fail."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.model.findings import Finding
from workbench.playbook import Lead, Signature
from workbench.playbook.view import WITHOUT_MODEL, View, after, number
from workbench.playbook.words import percent

MORE_WORK = 0.2
"""A rise of rows by this share explains slowness and failures without any release."""


def propose(view: View) -> Iterator[Lead]:
    """Propose services whose own errors or latency rose, most of all where a release lies just before."""
    by_service: dict[str, list[Finding]] = {}
    for finding in view.findings:
        if finding.entity.startswith("service:") and finding.values.get("family") in ("errors", "latency"):
            by_service.setdefault(finding.entity, []).append(finding)
    for service, found in sorted(by_service.items()):
        found.sort(key=lambda f: (-round(number(f, "own_share"), 3), -round(f.strength, 9), f.signal))
        own = found[0]
        onset = min((f.onset_ns for f in found if f.onset_ns is not None), default=None)
        releases = view.changes_of(service, onset)
        explained = _explained(view, service, found)
        share = f", {percent(explained)} of the symptom" if explained is not None else ""
        busier = [] if releases else [f for f in view.of("rows") if number(f, "relative") >= MORE_WORK]
        ill = [f for f in view.of("gpu_verdict") if service.partition(":")[2] in _served(f)]
        release = f" after {releases[0].statement}" if releases else "; no release of it lies shortly before"
        yield Lead(
            service,
            f"{own.statement.rstrip('.')}{share}{release}.",
            own.strength * min(1.0, 0.2 + number(own, "own_share")),
            onset,
            after(own),
            (*found[:3], *releases[:2]),
            (*busier[:1], *ill[:1]),
            explained,
            specificity=1.0 if releases else 0.5,
            shown=bool(releases) and (explained or 0.0) >= 0.3,
            covers=tuple(
                f.entity
                for f in view.findings
                if f.entity.startswith("service:") and f.entity != service and view.feeds(service, f.entity)
            ),
        )
    yield from _harmless(view, set(by_service))


def _served(verdict: Finding) -> list[str]:
    """Return the services that a device serves which is not well: its illness explains theirs without any release."""
    return str(verdict.values.get("services") or "").split(", ")


def _harmless(view: View, deviating: set[str]) -> Iterator[Lead]:
    """Propose, weakly, services that were released although they answer as usual: the lead where there is no other."""
    for change in view.of("change"):
        if not change.entity.startswith("service:") or change.entity in deviating:
            continue
        if view.changes_of(change.entity, view.times.start_ns):
            text = f"{change.statement}, yet it answers as fast and as well as usual."
            yield Lead(change.entity, text, 0.1, change.onset_ns, None, (change,), (), 0.0, specificity=0.2)


def _explained(view: View, service: str, found: list[Finding]) -> float | None:
    """Return how much of the symptom the service's own failures or time account for."""
    if view.family in ("errors", "latency"):
        told = _of_requests(view, service, found)
        return max(told, _of_decisions(view, found)) if view.shares else told
    if not view.shares:
        return None if view.family == "outcome" else 0.0
    return _of_decisions(view, found)


def _of_requests(view: View, service: str, found: list[Finding]) -> float:
    """Return the service's own part of the symptom's rise, where the symptom is slowness or failure."""
    if not view.feeds(service, view.symptom.entity):
        return 0.0
    same = [f for f in found if f.values.get("family") == view.family]
    units = {f.signal for f in same}
    risen = [f for f in view.findings if f.entity == view.symptom.entity and f.signal in units]
    same = [f for f in same if f.signal in {r.signal for r in risen}]
    if not view.symptom.entity.startswith("service:"):
        return 0.6
    total = {f.signal: number(f, "change") for f in risen}
    return max((min(1.0, number(f, "own") / total[f.signal]) for f in same if total[f.signal] > 0), default=0.1)


def _of_decisions(view: View, found: list[Finding]) -> float:
    """Return what decisions without the model, and defaults served in place of features, contribute to the change."""
    failing = [f for f in found if f.values.get("family") == "errors"]
    matched = [
        s.entity.partition(":")[2]
        for s in view.of("skew")
        if any(0.6 <= number(f, "own") / max(number(s, "now") - number(s, "usual"), 1e-9) <= 1.6 for f in failing)
    ]
    without = max(0.0, view.shares.get(WITHOUT_MODEL, 0.0))
    total = sum(view.shares.get(name, 0.0) for name in set(matched)) + without
    return min(1.0, max(0.0, total)) * view.counts("outcome")


SIGNATURE = Signature(
    name="bad_deploy",
    title="Bad deploy",
    pattern="From the minute of a release on, one service is slower or fails more; its callers inherit it.",
    confirms=("the service's own errors or time rise", "a release of the service lies just before the onset"),
    refutes=(
        "the rise is inherited from a service that it calls",
        "it began before the release",
        "nothing waits for the service",
    ),
    fix="Correct the release and roll it out to one region first.",
    rollback="Deploy the previous version.",
    guard="Hold a roll-out when the canary's error rate or p95 leaves the range of the old version.",
    lead_time="Minutes: before the release reaches everyone.",
    propose=propose,
    signals=("change",),
)
