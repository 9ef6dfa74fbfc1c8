"""A release makes a service slow or makes it fail."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.model.findings import Finding
from workbench.playbook import Lead, Signature
from workbench.playbook.service_harm import explained_by, inheriting
from workbench.playbook.view import View, after, number
from workbench.playbook.words import percent

MORE_WORK = 0.2
"""A rise of rows by this share explains slowness and failures without any release."""
SETTING = "config"
"""Kind of changes that replace no code."""
SLOWER_WORK = 0.12
WAITS_ONLY = 0.6
"""New code that is slow is slow at its work; where only the queue grew, a release is a weaker explanation."""


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
        releases = [c for c in view.changes_of(service, onset) if c.values.get("kind") != SETTING]
        explained = explained_by(view, service, found)
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
            specificity=(1.0 if releases else 0.5) * (WAITS_ONLY if _waits_only(view, service) else 1.0),
            shown=bool(releases) and (explained or 0.0) >= 0.3,
            covers=inheriting(view, service),
        )
    yield from _harmless(view, set(by_service))


def _served(verdict: Finding) -> list[str]:
    """Return the services that a device serves which is not well: its illness explains theirs without any release."""
    return str(verdict.values.get("services") or "").split(", ")


def _waits_only(view: View, service: str) -> bool:
    """Say whether requests only wait longer at the service, while its own work takes as long as ever."""
    found = [f for f in view.of("waiting") if f.entity == service and f.values.get("work_relative") is not None]
    return any(number(f, "work_relative") < SLOWER_WORK for f in found)


def _harmless(view: View, deviating: set[str]) -> Iterator[Lead]:
    """Propose, weakly, services that were released although they answer as usual: the lead where there is no other."""
    for change in view.of("change"):
        if not change.entity.startswith("service:") or change.entity in deviating:
            continue
        if view.changes_of(change.entity, view.times.start_ns):
            text = f"{change.statement}, yet it answers as fast and as well as usual."
            yield Lead(change.entity, text, 0.1, change.onset_ns, None, (change,), (), 0.0, specificity=0.2)


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
