"""A feed delivers rows that it delivered already."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.model.findings import Finding
from workbench.playbook import Lead, Signature
from workbench.playbook.row_harm import explained_by_more_rows
from workbench.playbook.view import View, after, number
from workbench.playbook.words import percent

RISE = 0.1


def propose(view: View) -> Iterator[Lead]:
    """Propose the feed that holds more rows than usual while the same rows are decided again and again."""
    for again in view.of("repeated_rows")[:1]:
        risen = [f for f in view.of("rows") if f.entity.startswith("dataset:") and number(f, "relative") >= RISE]
        joins = view.of("row_ratio")
        roots = sorted(
            (f for f in view.roots(risen) if f.entity in view.upstream),
            key=lambda f: (-number(f, "relative"), f.entity),
        )
        for root in _one_each(roots) or [again]:
            below = [f for f in risen if f.entity != root.entity and view.feeds(root.entity, f.entity)]
            made = [j for j in joins if view.feeds(root.entity, j.entity)]
            explained = explained_by_more_rows(view, [again, *below, root], root.entity)
            share = f", {percent(explained)} of the symptom" if explained is not None else ""
            inherits = root is not again and (bool(below) or not _has_datasets_below(view, root.entity))
            yield Lead(
                root.entity,
                f"{again.statement.rstrip('.')}; {root.statement.rstrip('.')}{share}."
                if root is not again
                else f"{again.statement.rstrip('.')}{share}.",
                min(again.strength, root.strength),
                min((f.onset_ns for f in (again, root) if f.onset_ns is not None), default=None),
                min((a for f in (again, root) if (a := after(f)) is not None), default=None),
                (again, *((root,) if root is not again else ()), *below[:3]),
                tuple(made[:1]),
                explained,
                specificity=0.3 if made else 1.0 if inherits else 0.6,
                shown=inherits and not made and (explained or 0.0) >= 0.3,
                covers=tuple(f.entity for f in below),
            )


def _has_datasets_below(view: View, entity: str) -> bool:
    return entity in view.graph and any(n.startswith("dataset:") for n in view.graph.downstream_of(entity))


def _one_each(findings: list[Finding]) -> list[Finding]:
    best: dict[str, Finding] = {}
    for finding in findings:
        best.setdefault(finding.entity, finding)
    return list(best.values())


SIGNATURE = Signature(
    name="duplicate_delivery",
    title="Duplicate delivery",
    pattern="A connector repeats batches, after a restart or a lost acknowledgement; each row is handled twice.",
    confirms=(
        "the same rows are decided more than once",
        "one feed holds more rows than usual, and everything below it inherits them",
    ),
    refutes=("no row comes twice: then there is more business", "rows multiply at a join, not at the feed"),
    fix="Make the reader keep one row a key, and take the repeated decisions out of the figures.",
    rollback="Restart the connector from its last committed offset.",
    guard="Alert when more than one in a hundred keys of a batch came before.",
    lead_time="The first repeated batch: minutes.",
    propose=propose,
    signals=("repeated_rows", "rows", "row_ratio"),
)
