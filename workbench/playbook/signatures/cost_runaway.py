"""Serving costs more for the same business."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.playbook import Lead, Signature
from workbench.playbook.view import ELSEWHERE, View, after, number
from workbench.playbook.words import percent

OWN_DRIVERS = ("tokens", "devices")
"""More of these for the same business is waste; more requests are business."""


def propose(view: View) -> Iterator[Lead]:
    """Propose services that use more tokens a request, or more devices, than they did."""
    if view.family != "cost" and "cost" not in view.also:
        return
    for finding in view.of("cost_driver"):
        if finding.values.get("driver") not in OWN_DRIVERS:
            continue
        share = min(1.0, max(0.0, number(finding, "share")))
        explained = share * (1.0 if view.family == "cost" else ELSEWHERE)
        changes = view.changes_of(finding.entity, finding.onset_ns) or view.changes_naming(
            [finding.entity], finding.onset_ns
        )
        after_what = f", after {changes[0].statement}" if changes else ""
        yield Lead(
            finding.entity,
            f"{finding.statement.rstrip('.')} ({percent(share)} of the rise){after_what}.",
            finding.strength,
            finding.onset_ns,
            after(finding),
            (finding, *changes[:2]),
            (),
            explained,
            specificity=1.0,
            shown=share >= 0.5,
        )


SIGNATURE = Signature(
    name="cost_runaway",
    title="Serving cost runs away",
    pattern="Cost an hour rises while requests do not: each carries more tokens, or rented devices idle.",
    confirms=("tokens of a request or rented devices rise", "they account for most of the rise in cost"),
    refutes=("requests rise as much as cost: a request costs what it did",),
    fix="Cap the tokens of a request, or the number of devices that may be rented; give idle ones back.",
    rollback="Deploy the previous version, or set the number of devices back.",
    guard="Alert on the cost of a request, not only on the month's bill.",
    lead_time="Hours instead of the end of the month.",
    propose=propose,
    signals=("cost_driver",),
)
