"""Another program on the device takes its time."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.playbook import Lead, Signature
from workbench.playbook.device_leads import leads
from workbench.playbook.view import View


def propose(view: View) -> Iterator[Lead]:
    """Propose what the verdicts on devices say of this."""
    yield from leads(view, "noisy_neighbour")


SIGNATURE = Signature(
    name="noisy_neighbour",
    title="Noisy neighbour",
    pattern="A program that was not there before holds memory of the device or computes on it; our work takes longer.",
    confirms=(
        "another program takes more of the device",
        "our forward passes or queue waits grow at the same time",
    ),
    refutes=("our work is as fast as before: there was room for both",),
    fix="Move the other program, or give each its own instance (MIG) or time slice.",
    rollback="Stop the other program.",
    guard="Alert when a program outside the list of servers appears on a serving device.",
    lead_time="Minutes: the program appears before deadlines are missed.",
    propose=propose,
    signals=("gpu_verdict",),
)
