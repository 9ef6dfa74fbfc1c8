"""A join makes more rows than it was given."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.model.findings import Finding
from workbench.playbook import Lead, Signature
from workbench.playbook.row_harm import explained_by_more_rows
from workbench.playbook.view import View, after, number
from workbench.playbook.words import percent


def propose(view: View) -> Iterator[Lead]:
    """Propose the lookup behind the first data set that holds more rows than what it is made from."""
    ratios = {f.entity: f for f in reversed(view.of("row_ratio"))}
    for root in view.roots(ratios.values()):
        below = [
            f for f in view.of("rows", "row_ratio") if f.entity != root.entity and view.feeds(root.entity, f.entity)
        ]
        lookups = _lookups(view, root)
        again = view.of("repeated_rows")
        entity = lookups[0].entity if lookups else root.entity
        explained = explained_by_more_rows(view, [root, *below], root.entity)
        share = f", {percent(explained)} of the symptom" if explained is not None else ""
        grown = f"; {lookups[0].statement.rstrip('.')}" if lookups else ""
        edits = view.changes_naming([entity], root.onset_ns)
        yield Lead(
            entity,
            f"{root.statement.rstrip('.')}{grown}{share}: keys stand in it more than once.",
            root.strength,
            root.onset_ns,
            after(root),
            (root, *lookups[:1], *again[:1], *below[:2], *edits[:1]),
            (),
            explained,
            specificity=1.0 if lookups or again else 0.7,
            shown=bool(lookups or again) and (explained or 0.0) >= 0.3,
            covers=tuple({root.entity, *(f.entity for f in below)} - {entity}),
        )


def _lookups(view: View, root: Finding) -> list[Finding]:
    """Return the other inputs of the data set that hold more rows than usual, most first."""
    main = str(root.values.get("upstream") or "")
    inputs = set(view.graph.upstream_of(root.entity)) - {main} if root.entity in view.graph else set()
    found = [f for f in view.of("rows") if f.entity in inputs and number(f, "relative") > 0]
    return sorted(found, key=lambda f: (-number(f, "relative"), f.entity))


SIGNATURE = Signature(
    name="join_fan_out",
    title="Join fan-out",
    pattern="Keys of a lookup stand in it twice; joining it multiplies rows, sums and counts, and no job fails.",
    confirms=(
        "a data set holds more rows than the one it is made from, where they were equal before",
        "the lookup grew just before, or the same rows are decided twice",
    ),
    refutes=("the rows rose at the source already", "the lookup grew by new keys: the ratio of rows is as usual"),
    fix="Keep one row a key in the lookup, and build the data sets below it again.",
    rollback="Restore the previous version of the lookup.",
    guard="Check that keys of a lookup are unique, and that a join keeps the number of rows.",
    lead_time="The first join after the lookup was loaded: before any decision.",
    propose=propose,
    signals=("row_ratio", "rows", "repeated_rows"),
)
