"""A device says that it is busy, yet requests wait for its memory."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.playbook import Lead, Signature
from workbench.playbook.device_leads import leads
from workbench.playbook.view import View


def propose(view: View) -> Iterator[Lead]:
    """Propose what the verdicts on devices say of this."""
    yield from leads(view, "gpu_memory_wait")


SIGNATURE = Signature(
    name="gpu_memory_wait",
    title="GPU busy, requests wait for its memory",
    pattern="Utilisation looks healthy, memory is in use all the time, and requests spend most of their time queued.",
    confirms=(
        "memory is in use above 75 % of the time, far more than usual",
        "queueing is a third or more of request time",
    ),
    refutes=("requests do not wait: the device is busy, not blocked",),
    fix="Limit how many models or batches share the device's memory; use smaller precision or a larger cache.",
    rollback="Go back to the previous number of workers on the device.",
    guard="Alert on the share of request time spent queued, not on utilisation.",
    lead_time="Minutes: utilisation never tells.",
    propose=propose,
    signals=("gpu_verdict",),
)
