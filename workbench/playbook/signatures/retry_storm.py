"""A caller repeats its calls, and the repetitions are what makes the callee slow."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.model.findings import Finding
from workbench.playbook import Lead, Signature
from workbench.playbook.service_harm import explained_by, inheriting, own_findings
from workbench.playbook.view import View, after, number
from workbench.playbook.words import percent

SLOWER_WORK = 0.12


def propose(view: View) -> Iterator[Lead]:
    """Propose callers that call a service several times per request, where that service suffers from it."""
    for finding in view.of("calls_per_request"):
        callee = f"service:{finding.values.get('callee')}"
        waits = [f for f in view.of("waiting") if f.entity == callee]
        own = own_findings(view, callee)
        harmed = [*waits, *own]
        explained = explained_by(view, callee, own) if own else 0.0
        settings = [c for c in view.changes_of(finding.entity, finding.onset_ns) if c.values.get("kind") == "config"]
        share = f", {percent(explained)} of the symptom" if explained is not None else ""
        text = finding.statement.rstrip(".")
        text += f"; {harmed[0].statement.rstrip('.')}{share}" if harmed else "; the callee answers as usual"
        text += f"; {settings[0].statement}" if settings else ""
        yield Lead(
            finding.entity,
            f"{text}.",
            finding.strength if harmed else 0.2,
            finding.onset_ns,
            after(finding),
            (finding, *waits[:1], *own[:2], *settings[:1]),
            tuple(_slow_before(waits)[:1]),
            explained,
            specificity=1.0 if harmed else 0.2,
            shown=bool(harmed) and (explained or 0.0) >= 0.3,
            covers=(callee, *inheriting(view, callee)) if harmed else (),
        )


def _slow_before(waits: list[Finding]) -> list[Finding]:
    """Return findings that the callee's own work is slower: then repetitions are what follows, not what began it."""
    return [f for f in waits if number(f, "work_relative") >= SLOWER_WORK]


SIGNATURE = Signature(
    name="retry_storm",
    title="Retry storm",
    pattern="Calls per request multiply between one caller and one callee; the callee's queue fills with repetitions.",
    confirms=(
        "calls per request rise while requests stay the same",
        "the callee's waiting rises with them, its work takes as long as ever",
        "time-out or retry settings of the caller were changed just before",
    ),
    refutes=(
        "the callee's own work became slower first",
        "the callee has room: it answers as fast as before",
    ),
    fix="Set the time-out above the callee's p99, and repeat with back-off, jitter and a budget.",
    rollback="Restore the caller's previous time-out and retries.",
    guard="Alert when calls per request between two services leave their range; cap retries at a tenth of requests.",
    lead_time="Minutes: the ratio moves with the first repeated call, the queue later.",
    propose=propose,
    signals=("calls_per_request", "waiting", "change"),
)
