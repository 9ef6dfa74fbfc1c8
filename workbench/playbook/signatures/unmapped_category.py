"""Codes that a mapping does not know all end in one catch-all category."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.analysis.impact import MISSING, RARE
from workbench.playbook import Lead, Signature
from workbench.playbook.view import View, after, number
from workbench.playbook.words import percent

CATCH_ALL = (
    "unmapped",
    "unknown",
    "other",
    "none",
    "null",
    "default",
    "misc",
    "n/a",
    "na",
    "undefined",
    "not_set",
    "uncategorised",
    "uncategorized",
    "missing",
    "fallback",
    "?",
    "-",
)
MIN_RISE = 0.01


def propose(view: View) -> Iterator[Lead]:
    """Propose categorical inputs in which one catch-all level rose at the cost of the others."""
    for drift in view.of("drift"):
        level = str(drift.values.get("level") or "")
        rise = number(drift, "now") - number(drift, "usual")
        if drift.values.get("type") != "text" or rise < MIN_RISE:
            continue
        catches = level.strip().lower() in CATCH_ALL or level in (MISSING, RARE)
        name = drift.entity.partition(":")[2]
        explained = view.explained([name])
        related = [f for f in view.of("rows") if number(f, "relative") < 0 and view.feeds(f.entity, drift.entity)]
        mapping = [f for f in related if not any(view.feeds(g.entity, f.entity) for g in related if g is not f)]
        maps = [f for f in mapping if len(view.features_of([f.entity])) <= 1]
        above = view.graph.ancestors(drift.entity) if drift.entity in view.graph else ()
        named = [e for e in above if e.startswith("dataset:") and e not in {f.entity for f in maps}]
        edits = view.changes_naming(named, drift.onset_ns)
        source = f" after {maps[0].statement.rstrip('.')}" if maps else f" after {edits[0].statement}" if edits else ""
        share = f" and accounts for {percent(explained)} of the symptom" if explained is not None else ""
        yield Lead(
            drift.entity,
            f"'{level}' in {name} rose from {percent(number(drift, 'usual'))} to {percent(number(drift, 'now'))}"
            " of decisions"
            f"{share}: codes arrive that the mapping does not know{source}.",
            drift.strength,
            drift.onset_ns,
            after(drift),
            (drift, *maps[:2], *edits[:2]),
            (),
            explained,
            specificity=1.0 if catches else 0.35,
            shown=catches and (explained or 0.0) >= 0.3,
        )


SIGNATURE = Signature(
    name="unmapped_category",
    title="Unmapped category",
    pattern="A partner renumbers its codes, or a mapping loses entries; the rows keep flowing, in the wrong category.",
    confirms=(
        "one catch-all level rises, all others keep their proportions",
        "the rise explains the change of the decisions",
    ),
    refutes=("the level's share is as usual in quiet windows", "rows with that level are decided as before"),
    fix="Add the missing codes to the mapping and score the affected rows again.",
    rollback="Restore the previous version of the mapping table.",
    guard="Alert when the share of rows in the catch-all category doubles against its 30-day median.",
    lead_time="The first batch after the codes change: before any decision is made from it.",
    propose=propose,
    signals=("drift", "rows"),
)
