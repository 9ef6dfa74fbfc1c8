"""A service has less room than its traffic asks for, and requests queue."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.playbook import Lead, Signature
from workbench.playbook.service_harm import explained_by, inheriting, own_findings
from workbench.playbook.view import View, after, number
from workbench.playbook.words import percent

SLOWER_WORK = 0.12
"""Above this the work itself is slower, and waiting follows from it."""


def propose(view: View) -> Iterator[Lead]:
    """Propose services at which requests wait longer while the work itself takes as long as ever."""
    for finding in view.of("waiting"):
        service = finding.entity
        own = own_findings(view, service)
        explained = explained_by(view, service, own) if own else 0.0
        work = number(finding, "work_relative")
        again = [f for f in view.of("calls_per_request") if f"service:{f.values.get('callee')}" == service]
        held = [f for f in view.of("gpu_verdict") if service.partition(":")[2] in _names(f.values.get("services"))]
        settings = [c for c in view.changes_of(service, finding.onset_ns) if c.values.get("kind") == "config"]
        share = f", {percent(explained)} of the symptom" if explained is not None else ""
        cause = f"; {settings[0].statement}" if settings else ""
        fits = 0.2 if work >= SLOWER_WORK else 0.3 if held else 1.0
        yield Lead(
            service,
            f"{finding.statement.rstrip('.')}{share}{cause}.",
            finding.strength,
            finding.onset_ns,
            after(finding),
            (finding, *own[:2], *settings[:1]),
            tuple(again[:1]),
            explained,
            specificity=fits,
            shown=fits == 1.0 and not again and (explained or 0.0) >= 0.3,
            covers=inheriting(view, service),
        )


def _names(text: object) -> set[str]:
    return {part.strip() for part in str(text or "").split(",")}


SIGNATURE = Signature(
    name="queue_saturation",
    title="Queue saturation",
    pattern="Requests wait before work begins while the work takes as long as ever: the service has too little room.",
    confirms=(
        "waiting grows many times over, the work itself does not",
        "as many requests come as usual, each once",
        "replicas or limits of the service were changed just before",
    ),
    refutes=(
        "the work itself is slower: a release or a device",
        "its callers ask several times per request: a retry storm",
        "the devices behind the queue idle",
    ),
    fix="Give the service back its replicas, or limit what is let in.",
    rollback="Restore the previous number of replicas and limits.",
    guard="Alert on the share of capacity in use, at 70 %, not on the latency that follows at 95 %.",
    lead_time="Minutes to hours: use of capacity rises long before the queue does.",
    propose=propose,
    signals=("waiting", "calls_per_request", "change"),
)
