"""A machine's clock is off, and figures computed from two clocks are wrong by as much."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.model.findings import Finding
from workbench.playbook import Lead, Signature
from workbench.playbook.view import View, after, number
from workbench.playbook.words import percent, seconds

AGREE = (0.6, 1.6)
"""The clock's offset against the symptom's change: between these it is the same."""


def propose(view: View) -> Iterator[Lead]:
    """Propose machines whose clock moved by as much as the figure did."""
    for finding in view.of("clock_offset"):
        explained = _explained(view, finding)
        others = [name for name in str(finding.values.get("others") or "").split(", ") if name]
        unsure = f"; {', '.join(others)} could be the one that is off just as well" if others else ""
        share = f" That is {percent(explained)} of the symptom." if explained else " The symptom is not made of times."
        yield Lead(
            finding.entity,
            f"{finding.statement.rstrip('.')}{unsure}.{share}",
            finding.strength,
            finding.onset_ns,
            after(finding),
            (finding,),
            (),
            explained,
            specificity=max(0.2, number(finding, "explained")) * (0.6 if others else 1.0),
            shown=explained >= 0.6,
        )


def _explained(view: View, finding: Finding) -> float:
    """Return which part of a change of times the offset is; a clock changes nothing else."""
    if view.family != "latency" or not view.change:
        return 0.0
    offset = number(finding, "offset_ms") / (1.0 if _in_ms(view.symptom.signal) else 1000.0)
    ratio = abs(offset / view.change)
    return min(1.0, ratio) if AGREE[0] <= ratio <= AGREE[1] else 0.0


def _in_ms(signal: str) -> bool:
    return signal.endswith(("_ms", "_milliseconds")) or "_ms_" in signal


SIGNATURE = Signature(
    name="clock_skew",
    title="Clock skew",
    pattern="Spans of one machine begin before their parents or long after; a delay between two machines jumps.",
    confirms=(
        "all pairs of machines with this one moved by the same time",
        "the figure moved by as much",
        "durations measured on one machine are as usual",
    ),
    refutes=("pairs without the machine moved too", "operations on the machine take longer"),
    fix="Synchronise the clock (chrony, NTP), and compute delays from one clock.",
    rollback="None is needed: the work is as fast as ever. Mark the wrong stretch of the figure.",
    guard="Alert when a node's clock is more than 100 ms from its peers, or its time service is not synchronised.",
    lead_time=f"{seconds(60)}: the offset is seen in the next minute's spans.",
    propose=propose,
    signals=("clock_offset",),
)
