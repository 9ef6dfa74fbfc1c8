"""Labels arrive late, and what counts with them looks worse than it is."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.playbook import Lead, Signature
from workbench.playbook.view import View, after, number
from workbench.playbook.words import percent


def propose(view: View) -> Iterator[Lead]:
    """Propose the data set of the labels where fewer arrive and a figure of quality is what alerts."""
    for late in view.of("label_arrival"):
        label = str(late.values.get("label") or "")
        entity = _place(view, label)
        explained = _explained(view, number(late, "behind"), -number(late, "relative"))
        rows = [f for f in view.of("rows", "write_gap") if f.entity == entity and number(f, "relative") < 0]
        yield Lead(
            entity,
            f"{late.statement.rstrip('.')}, {percent(explained)} of the symptom: the quality is not known yet.",
            late.strength,
            late.onset_ns,
            after(late),
            (late, *rows[:1]),
            (),
            explained,
            specificity=1.0,
            shown=explained >= 0.3,
            covers=tuple(f.entity for f in rows if f.entity != entity),
        )


def _place(view: View, label: str) -> str:
    """Return the first data set that holds the label's column, or the symptom's own place where none is known."""
    sets = sorted(n for n in view.upstream if n.startswith("dataset:"))
    held = [n for n in sets if f"column:{n.partition(':')[2]}.{label}" in view.graph]
    first = [n for n in held if not any(m != n and view.feeds(m, n) and not view.feeds(n, m) for m in held)]
    return first[0] if first else view.symptom.entity


def _explained(view: View, behind: float, fewer: float) -> float:
    """Return the share of a fall in quality that the missing labels account for; less where another alert tells it."""
    # What counts the newest decisions misses more labels than those of ten days do.
    missing = max(behind, fewer * 0.9)
    if view.family != "quality":
        return float(min(1.0, missing)) * view.counts("quality")
    fall = next(
        (
            1 - number(f, "now") / number(f, "usual")
            for f in view.of(view.symptom.signal)
            if f.entity == view.symptom.entity and number(f, "usual") > 0
        ),
        0.0,
    )
    return float(min(1.0, missing / fall)) if fall > 0 else 0.0


SIGNATURE = Signature(
    name="label_delay",
    title="Late labels",
    pattern="The load of labels lags; decisions without one count as wrong, and live quality falls day by day.",
    confirms=(
        "fewer labels arrived than on the days before",
        "the quality of decisions whose labels are known is as usual",
    ),
    refutes=("labels arrive as usual", "labelled decisions are worse too"),
    fix="Load the labels that are missing, and count quality only where labels have had time to arrive.",
    rollback="None is needed: no decision was wrong. Mark the figure as not yet known.",
    guard="Alert when the labels of a day are fewer than half of those of the days before.",
    lead_time="A day after the load stops, days before live quality looks wrong.",
    propose=propose,
    signals=("label_arrival", "rows", "write_gap"),
)
