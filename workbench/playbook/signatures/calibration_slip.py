"""Equal inputs get other scores from the same version."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.playbook import Lead, Signature
from workbench.playbook.view import View, after, number
from workbench.playbook.words import percent


def propose(view: View) -> Iterator[Lead]:
    """Propose the version whose scores moved while inputs and version stayed."""
    for shift in view.of("score_shift"):
        news = [f for f in view.of("new_version") if f.entity == shift.entity]
        skews = view.of("skew")
        counted = view.counts("outcome")
        explained = min(1.0, max(0.0, number(shift, "share"))) * counted
        yield Lead(
            shift.entity,
            f"{shift.statement.rstrip('.')}, {percent(explained)} of the symptom: scores mean something else now.",
            shift.strength,
            shift.onset_ns,
            after(shift),
            (shift,),
            tuple(news[:1]),
            explained,
            specificity=0.3 if news else 0.7 if skews else 1.0,
            shown=not news and explained >= 0.3,
            covers=(shift.entity.partition("/")[0].replace("model_version:", "model:"),),
        )


SIGNATURE = Signature(
    name="calibration_slip",
    title="Calibration slip",
    pattern="The step that turns a raw output into a probability changes or is left out; version and inputs stay.",
    confirms=(
        "equal inputs are scored differently by the same version, low and high scores alike",
        "no input and no version accounts for the change",
    ),
    refutes=("a new version decides", "inputs that were never seen before are what is scored differently"),
    fix="Restore the parameters of the calibration, and score the affected rows again.",
    rollback="Deploy the scorer with its previous settings.",
    guard="Score a fixed sample of rows after every release, and compare with the scores they had.",
    lead_time="At the release: before the first decision.",
    propose=propose,
    signals=("score_shift", "new_version", "skew"),
)
