"""A producer sends a column in another unit; its schema says nothing of it."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.model.findings import Finding
from workbench.playbook import Lead, Signature
from workbench.playbook.view import View, after, lost_columns, number
from workbench.playbook.words import percent


def propose(view: View) -> Iterator[Lead]:
    """Propose features whose values look multiplied by the factor between two units."""
    for scale in view.of("scale"):
        name = scale.entity.partition(":")[2]
        drifts = [f for f in view.of("drift") if f.entity == scale.entity]
        schema = _schema(view, scale)
        explained = view.explained([name])
        share = f", {percent(explained)} of the symptom" if explained is not None else ""
        first = drifts[0] if drifts else scale
        yield Lead(
            scale.entity,
            f"{scale.statement.rstrip('.')}{share}: a change of unit.",
            scale.strength,
            first.onset_ns,
            after(first),
            (scale, *drifts[:2]),
            tuple(schema[:1]),
            explained,
            specificity=0.25 if schema else 1.0 if number(scale, "explained") >= 0.9 else 0.85,
            shown=not schema and (explained or 0.0) >= 0.3,
        )


def _schema(view: View, scale: Finding) -> list[Finding]:
    """Return schema changes that say what the numbers now mean: then the schema is what changed."""
    return [c for c in view.of("schema") if any(view.feeds(column, scale.entity) for column in lost_columns(c))]


SIGNATURE = Signature(
    name="unit_change",
    title="Change of unit",
    pattern="A producer sends a column in cents, percent or grams instead; names, types and row counts stay.",
    confirms=(
        "a share of the values is x10, x100 or x1000 of what it was, the shape unchanged",
        "the moved values explain the change of the decisions",
    ),
    refutes=("the schema changed type or name with it", "readers converted it: what is served is as usual"),
    fix="Convert at ingest, write the unit into the contract of the column, and score the affected rows again.",
    rollback="Ask the producer to send the former unit, or divide in the ingest until it does.",
    guard="Alert when a column's median moves by more than a factor of five against its 30-day median.",
    lead_time="The first batch in the new unit: before a decision is made from it.",
    propose=propose,
    signals=("scale", "drift", "schema"),
)
