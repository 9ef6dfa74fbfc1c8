"""Leads from the verdicts on devices: which device, what it explains of the symptom, what speaks against it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from workbench.model.findings import Finding
from workbench.playbook import Lead
from workbench.playbook.view import ELSEWHERE, WITHOUT_MODEL, View, after, number
from workbench.playbook.words import percent

SLOWER = ("queue_wait_ms", "forward_pass_ms")


def leads(view: View, cause: str, place: Literal["device", "service"] = "device") -> Iterator[Lead]:
    """Propose the devices (or the services in front of them) with this verdict, where requests are worse off for it."""
    for finding in view.of("gpu_verdict"):
        if finding.values.get("cause") != cause:
            continue
        services = [f"service:{name}" for name in str(finding.values.get("services") or "").split(", ") if name]
        for entity in services if place == "service" else [finding.entity]:
            yield _lead(view, finding, entity, services)


def _lead(view: View, finding: Finding, entity: str, services: list[str]) -> Lead:
    felt = [f for f in view.of(*SLOWER) if f.entity in services and number(f, "now") > number(f, "usual")]
    explained = explained_by(view, services)
    below = tuple(
        f.entity
        for f in view.findings
        if f.entity.startswith("service:") and f.entity != entity and any(view.feeds(s, f.entity) for s in services)
    )
    return Lead(
        entity,
        f"{finding.statement.rstrip('.')} That is {percent(explained)} of the symptom.",
        finding.strength,
        finding.onset_ns,
        after(finding),
        (finding, *felt[:3]),
        (),
        explained,
        specificity=1.0,
        shown=explained >= 0.3,
        covers=tuple(sorted({*below, finding.entity} - {entity})),
    )


def explained_by(view: View, services: list[str]) -> float:
    """Return how much of the symptom services account for that a device holds up, 0..1."""
    decided = min(1.0, max(0.0, view.shares.get(WITHOUT_MODEL, 0.0))) * view.counts("outcome") if view.shares else 0.0
    if view.family in ("errors", "latency"):
        return max(decided, _of_requests(view, services))
    # Nothing of the devices changes what a decision costs, or how many are asked for.
    return decided if view.family == "outcome" else max(decided, ELSEWHERE * 0.5 * float("latency" in view.also))


def _of_requests(view: View, services: list[str]) -> float:
    """Return the part of the symptom's rise that the services show themselves, where it is slowness or failure."""
    symptom = view.symptom.entity
    if not any(view.feeds(s, symptom) for s in services):
        return 0.0
    if not symptom.startswith("service:"):
        return 0.7
    risen = {f.signal: number(f, "change") for f in view.findings if f.entity == symptom and number(f, "change") > 0}
    same = [f for f in view.findings if f.entity in services and f.values.get("family") == view.family]
    parts = [min(1.0, number(f, "own") / risen[f.signal]) for f in same if f.signal in risen]
    return max(parts, default=0.15)
