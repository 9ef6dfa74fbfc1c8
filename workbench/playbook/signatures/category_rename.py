"""Levels of a category get other names that the model has never seen."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.playbook import Lead, Signature
from workbench.playbook.view import View, after, number
from workbench.playbook.words import percent


def propose(view: View) -> Iterator[Lead]:
    """Propose categorical inputs in which levels vanished and as many new ones took their shares."""
    for renamed in view.of("renamed_levels"):
        name = renamed.entity.partition(":")[2]
        drifts = [f for f in view.of("drift") if f.entity == renamed.entity]
        explained = view.explained([name])
        share = f", {percent(explained)} of the symptom" if explained is not None else ""
        above = view.graph.ancestors(renamed.entity) if renamed.entity in view.graph else ()
        first = drifts[0] if drifts else renamed
        edits = view.changes_naming([e for e in above if e.startswith("dataset:")], first.onset_ns)
        source = f" after {edits[0].statement.rstrip('.')}" if edits else ""
        yield Lead(
            renamed.entity,
            f"{renamed.statement.rstrip('.')}{share}{source}.",
            renamed.strength,
            first.onset_ns,
            after(first),
            (renamed, *drifts[:2], *edits[:2]),
            (),
            explained,
            specificity=1.0 if number(renamed, "share") >= 0.02 else 0.5,
            shown=(explained or 0.0) >= 0.3,
        )


SIGNATURE = Signature(
    name="category_rename",
    title="Renamed category",
    pattern="A reference table writes its levels otherwise; every row keeps its meaning and loses what was learnt.",
    confirms=(
        "levels vanish and new ones take exactly their shares",
        "the rows with new names explain the change of the decisions",
    ),
    refutes=("shares of vanished and new levels differ", "the model was trained with the new names"),
    fix="Map the new names to the old ones at ingest, or train with them; score the affected rows again.",
    rollback="Restore the previous version of the reference table.",
    guard="Refuse levels at ingest that the model's training data does not hold.",
    lead_time="The first batch with the new names: before any decision is made from it.",
    propose=propose,
    signals=("renamed_levels", "drift"),
)
