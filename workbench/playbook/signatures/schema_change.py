"""A table changed its columns or their types, and its readers did not."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.model.window import HOUR_NS
from workbench.playbook import Lead, Signature
from workbench.playbook.view import View, lost_columns
from workbench.playbook.words import percent


def propose(view: View) -> Iterator[Lead]:
    """Propose the first data set downstream of which a lost or retyped column moves an input."""
    for change in view.roots(view.of("schema")):
        touched = lost_columns(change)
        below = view.features_of(touched)
        signs = [
            f
            for f in view.of("drift", "null_rate")
            if f.entity.partition(":")[2] in below or any(view.feeds(c, f.entity) for c in touched)
        ]
        explained = view.explained(below) if touched else 0.0
        share = f"; it accounts for {percent(explained)} of the symptom" if explained is not None else ""
        followers = [f for f in view.of("schema") if f.entity != change.entity and view.feeds(change.entity, f.entity)]
        yield Lead(
            change.entity,
            f"{change.statement.rstrip('.')}{share}.",
            change.strength if signs else 0.4,
            change.onset_ns,
            (change.onset_ns or 0) - 2 * HOUR_NS,
            (change, *signs[:4]),
            (),
            explained,
            specificity=1.0 if signs else 0.2,
            shown=bool(signs) and (explained or 0.0) >= 0.3,
            covers=tuple(touched) + tuple(f.entity for f in (*signs, *followers)),
        )


SIGNATURE = Signature(
    name="schema_change",
    title="Schema change upstream",
    pattern="A source renames a column or changes its type or unit; readers get nulls, or numbers of another size.",
    confirms=("a column was removed or retyped shortly before", "inputs made from that column drift or go missing"),
    refutes=("only columns were added", "inputs made from the column are as usual"),
    fix="Adapt the reader to the new column, with a contract that names its type and unit; backfill.",
    rollback="Ask the owner to restore the column, or map it back in the ingest.",
    guard="Check the schema against its contract before the batch is loaded.",
    lead_time="Before the first row is loaded.",
    propose=propose,
    signals=("schema", "drift", "null_rate"),
)
