"""The figure is wrong, not the business."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.playbook import Lead, Signature
from workbench.playbook.view import ELSEWHERE, View, number
from workbench.playbook.words import percent


def propose(view: View) -> Iterator[Lead]:
    """Propose the sender of a figure that the rows it counts do not bear out."""
    for finding in view.of("figure_vs_rows"):
        if not finding.supports:
            continue
        missing = 1.0 - min(1.0, max(0.0, number(finding, "reproduced_share")))
        own = finding.values.get("signal") == view.symptom.signal
        explained = missing * (1.0 if own else ELSEWHERE)
        yield Lead(
            finding.entity,
            f"{finding.statement} The rows show {percent(1.0 - missing)} of the change.",
            finding.strength,
            view.times.start_ns,
            None,
            (finding,),
            (),
            explained,
            specificity=1.0,
            shown=missing >= 0.6,
        )


SIGNATURE = Signature(
    name="telemetry_fault",
    title="Telemetry fault",
    pattern="An exporter loses a partition, counts twice or stands still; its figure alerts, decisions are as usual.",
    confirms=("the same figure counted from rows did not move", "figures of the same sender move together"),
    refutes=("rows of decisions show the same change",),
    fix="Correct the exporter and mark the wrong stretch of the figure.",
    rollback="Restart the exporter with its previous version.",
    guard="Count the figure twice, from rows and from the exporter, and alert when they part.",
    lead_time="Minutes; it saves the search for a cause that does not exist.",
    propose=propose,
    signals=("figure_vs_rows",),
)
