"""Requests wait in front of devices that idle."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.playbook import Lead, Signature
from workbench.playbook.device_leads import leads
from workbench.playbook.view import View


def propose(view: View) -> Iterator[Lead]:
    """Propose what the verdicts on devices say of this."""
    yield from leads(view, "queue_starvation", place="service")


SIGNATURE = Signature(
    name="queue_starvation",
    title="Queue starves the GPU",
    pattern="Queue waits grow while utilisation falls, and as many requests come as usual: they do not arrive.",
    confirms=(
        "queue waits grow by half or more",
        "the device idles more than at the same hours before",
        "as many requests come as usual",
    ),
    refutes=(
        "fewer requests come",
        "requests need less of the device: nobody waits",
    ),
    fix="Look at what hands requests over: batcher, dispatcher, data loader, locks, CPU of its host.",
    rollback="Restart the dispatcher, or go back to its previous settings.",
    guard="Alert when queue waits grow while utilisation falls.",
    lead_time="Minutes: the queue grows before deadlines are missed.",
    propose=propose,
    signals=("gpu_verdict",),
)
