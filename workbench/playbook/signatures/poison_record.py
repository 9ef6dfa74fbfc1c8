"""A reader fails at one record again and again, and what stands behind it waits."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.model.findings import Finding
from workbench.playbook import Lead, Signature
from workbench.playbook.view import View, number
from workbench.playbook.words import percent, short

DROP = -0.1


def propose(view: View) -> Iterator[Lead]:
    """Propose jobs that fail at the same record again and again, where data below them is missing."""
    for finding in view.of("same_record"):
        lost = [f for f in view.of("rows", "write_gap") if number(f, "relative") <= DROP]
        below = [f for f in lost if view.feeds(finding.entity, f.entity)]
        explained = _explained(view, below)
        share = f", {percent(explained)} of the symptom" if explained is not None else ""
        text = finding.statement.rstrip(".")
        text += (
            f"; {short(below[0].entity)} misses what stands behind it{share}"
            if below
            else "; nothing is missing below it"
        )
        yield Lead(
            finding.entity,
            f"{text}.",
            finding.strength if below else 0.3,
            finding.onset_ns,
            None,
            (finding, *below[:4]),
            (),
            explained,
            specificity=1.0 if below else 0.2,
            shown=bool(below) and (explained or 0.0) >= 0.5,
            covers=tuple(f.entity for f in below),
        )


def _explained(view: View, below: list[Finding]) -> float | None:
    """Return the share of a lost volume that the losses below the job account for."""
    if not below:
        return 0.0
    if view.family != "volume":
        return max(0.15, view.counts("volume"))
    if not view.change or view.change >= 0:
        return 0.0
    ends = [f for f in below if f.signal == "rows"]
    return float(min(1.0, max((abs(number(f, "relative")) for f in ends), default=0.0) / abs(view.change)))


SIGNATURE = Signature(
    name="poison_record",
    title="Poison record",
    pattern="Runs of one job fail at the same id or offset each time they begin again; part of its output is missing.",
    confirms=(
        "the failing runs name the same record",
        "rows are missing below the job since its first failure, and not above it",
    ),
    refutes=(
        "each failure names another record",
        "nothing is missing: the record was set aside",
    ),
    fix="Set the record aside (dead-letter queue), let the reader pass, then repair the record at its source.",
    rollback="Skip the offset by hand; replay what waited behind it.",
    guard="Set a record aside after three failures, and alert on the first one set aside.",
    lead_time="Minutes: the third failure at one record comes long before a volume alert.",
    propose=propose,
    signals=("same_record", "rows", "write_gap"),
)
