"""A feed delivers nothing, or much less, and nobody says so."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.model.findings import Finding
from workbench.playbook import Lead, Signature
from workbench.playbook.view import View, after, number
from workbench.playbook.words import percent, short

DROP = -0.25


def propose(view: View) -> Iterator[Lead]:
    """Propose data sets that lost rows or are no longer written, where nothing upstream of them did."""
    seen = [
        f for f in view.of("rows", "write_gap") if f.entity.startswith("dataset:") and number(f, "relative") <= DROP
    ]
    for root in _one_each(view.roots(seen)):
        below = [f for f in seen if f.entity != root.entity and view.feeds(root.entity, f.entity)]
        downstream = (
            [n for n in view.graph.downstream_of(root.entity) if n.startswith("dataset:")]
            if root.entity in view.graph
            else []
        )
        against: list[Finding] = []
        if downstream and not below:
            against = view.of("upstream")[:1]
        explained = _explained(view, root, below)
        text = root.statement.rstrip(".")
        if below:
            more = f" and {len(below) - 1} more" if len(below) > 1 else ""
            text += f"; {short(below[0].entity)}{more} below it inherit the loss"
        yield Lead(
            root.entity,
            text + (f", {percent(explained)} of the symptom." if explained is not None else "."),
            root.strength,
            root.onset_ns,
            after(root),
            (root, *below[:4]),
            tuple(against),
            explained,
            specificity=1.0 if below or not downstream else 0.3,
            shown=bool(below) and (explained or 0) >= 0.5,
            covers=tuple(f.entity for f in below),
        )


def _one_each(findings: list[Finding]) -> list[Finding]:
    best: dict[str, Finding] = {}
    for finding in findings:
        best.setdefault(finding.entity, finding)
    return list(best.values())


def _explained(view: View, root: Finding, below: list[Finding]) -> float | None:
    """Return the share of a lost volume that the losses below the root account for."""
    if view.family == "latency":
        # Fewer requests are answered faster; they never make a service slow.
        return max(0.6 if (view.change or 0.0) < 0 else 0.0, view.counts("volume")) if below else 0.0
    if view.family != "volume":
        return max(0.15, view.counts("volume")) if below else 0.0
    if not view.change or view.change >= 0:
        return 0.0
    ends = [f for f in below if f.signal == "rows"] or [root]
    return float(min(1.0, max(abs(number(f, "relative")) for f in ends) / abs(view.change)))


SIGNATURE = Signature(
    name="silent_feed",
    title="Silent feed",
    pattern="One source table or topic stops delivering; totals downstream fall by its share while every job succeeds.",
    confirms=(
        "rows at the feed near zero while its siblings are as usual",
        "rows downstream fall by the feed's usual share",
    ),
    refutes=("rows downstream did not fall", "the source itself had no traffic in those hours"),
    fix="Restart the connector from its last committed offset and backfill the gap.",
    rollback="None is needed: the data is late, not wrong. Mark what was decided meanwhile.",
    guard="Alert when a feed's rows per batch fall below 40 % of the median of the same hours.",
    lead_time="One batch after the feed stops: typically one to three hours before the business figure alerts.",
    propose=propose,
    signals=("rows", "write_gap"),
)
