"""A hot or power-braked device lowers its clock."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.playbook import Lead, Signature
from workbench.playbook.device_leads import leads
from workbench.playbook.view import View


def propose(view: View) -> Iterator[Lead]:
    """Propose what the verdicts on devices say of this."""
    yield from leads(view, "throttle")


SIGNATURE = Signature(
    name="gpu_throttle",
    title="GPU throttled",
    pattern="A device stays busy at a lower clock, hotter than usual; forward passes take longer and its queue grows.",
    confirms=(
        "the clock falls by a tenth or more while utilisation stays",
        "the driver gives a thermal or power-brake reason",
    ),
    refutes=(
        "the clock is as usual: heat alone slows nothing",
        "only the ordinary power cap is active",
    ),
    fix="Cool the device or move its load; look at fans, air flow and neighbours in the rack.",
    rollback="Drain the device: take it out of the pool that serves.",
    guard="Alert when a device is slowed for thermal reasons for more than a minute.",
    lead_time="Minutes: the clock falls before deadlines are missed.",
    propose=propose,
    signals=("gpu_verdict",),
)
