"""A new version of a prompt makes a model say what its evidence does not hold."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.playbook import Lead, Signature
from workbench.playbook.view import View, after, number
from workbench.playbook.words import percent


def propose(view: View) -> Iterator[Lead]:
    """Propose versions of prompts whose answers are judged worse; weakly, those that were only registered."""
    judged = set()
    for finding in view.of("judge_score"):
        explained = _explained(view, number(finding, "change"))
        changes = [c for c in view.of("change") if c.entity == finding.entity]
        services = [f"service:{s}" for s in str(finding.values.get("services") or "").split(", ") if s]
        judged.add(finding.entity)
        yield Lead(
            finding.entity,
            f"{finding.statement.rstrip('.')}; that is {percent(explained)} of the symptom.",
            finding.strength,
            finding.onset_ns,
            after(finding),
            (finding, *changes[:1]),
            (),
            explained,
            specificity=1.0,
            shown=explained >= 0.4,
            covers=tuple(services),
        )
    for change in view.of("change"):
        if (
            change.entity.startswith("model_version:")
            and change.entity not in judged
            and not change.values.get("run_id")
        ):
            text = f"{change.statement}, yet what it writes is judged as before."
            yield Lead(change.entity, text, 0.1, change.onset_ns, None, (change,), (), 0.0, specificity=0.2)


def _explained(view: View, change: float) -> float:
    """Return which part of a judged figure's fall the version's own fall is, 0..1."""
    if view.family != "quality" or not view.change or view.change > 0:
        return 0.0
    return float(min(1.0, max(0.0, change / view.change)))


SIGNATURE = Signature(
    name="groundedness_drop",
    title="Groundedness drop",
    pattern="From the minute a prompt's new version serves, judges find less of its answers in the evidence.",
    confirms=(
        "answers of the new version are judged worse than those of the version before",
        "the judged figure fell by as much",
    ),
    refutes=(
        "answers of the old version fell too: then the evidence or the judge changed",
        "the judged figure moved before the version served",
    ),
    fix="Correct the prompt and judge it on a fixed set of questions before it is promoted.",
    rollback="Point the alias back to the previous version of the prompt.",
    guard="Judge each new version on a fixed set, and promote it only where its score is within the old one's range.",
    lead_time="Before it serves: the evaluation takes minutes.",
    propose=propose,
    signals=("judge_score", "change"),
)
