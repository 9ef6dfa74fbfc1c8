"""A device's memory is full, and requests wait for room."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.playbook import Lead, Signature
from workbench.playbook.device_leads import leads
from workbench.playbook.view import View


def propose(view: View) -> Iterator[Lead]:
    """Propose what the verdicts on devices say of this."""
    yield from leads(view, "vram_pressure")


SIGNATURE = Signature(
    name="vram_pressure",
    title="GPU memory full",
    pattern="A device's memory is above 92 %; requests queue until there is room, or run out of memory.",
    confirms=(
        "memory in use rises above 92 %",
        "queue waits grow from the same minute",
    ),
    refutes=("memory is only reserved: nothing waits for it",),
    fix="Lower batch size, context length or the share of memory given to the cache; look for what was not freed.",
    rollback="Restart the server on the device: its memory is free again.",
    guard="Alert at the growth of memory that reaches 92 % within an hour.",
    lead_time="Minutes to hours, as fast as memory grows.",
    propose=propose,
    signals=("gpu_verdict",),
)
