"""Cells of a column arrive empty."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.model.findings import Finding
from workbench.playbook import Lead, Signature
from workbench.playbook.view import View, after, lost_columns, number
from workbench.playbook.words import percent


def propose(view: View) -> Iterator[Lead]:
    """Propose the features whose cells went missing, and where upstream that begins."""
    nulls = [f for f in view.of("null_rate") if number(f, "change") > 0]
    for feature in [f for f in nulls if f.entity.startswith("feature:")] or view.roots(nulls):
        above = [f for f in nulls if f.entity != feature.entity and view.feeds(f.entity, feature.entity)]
        above += [f for f in nulls if f.entity.startswith("column:") and f not in above and _same(f, feature)]
        origin = sorted(view.roots(above), key=lambda f: (-round(number(f, "change"), 9), f.entity))
        schema = _schema(view, [feature, *above])
        explained = view.explained(view.features_of([feature.entity]))
        share = f", {percent(explained)} of the symptom" if explained is not None else ""
        where = f"; it begins at {origin[0].statement.rstrip('.')}" if origin else ""
        onsets = [f.onset_ns for f in (feature, *origin[:1]) if f.onset_ns is not None]
        yield Lead(
            feature.entity,
            f"{feature.statement.rstrip('.')}{share}{where}.",
            feature.strength,
            min(onsets, default=None),
            after(feature),
            (feature, *origin[:3]),
            tuple(schema[:1]),
            explained,
            specificity=0.25 if schema else 1.0,
            shown=not schema and (explained or 0.0) >= 0.3,
            covers=tuple(f.entity for f in above),
        )


def _same(column: Finding, feature: Finding) -> bool:
    return column.values.get("column") == feature.values.get("column")


def _schema(view: View, nulls: list[Finding]) -> list[Finding]:
    """Return schema changes that explain why the cells are missing."""
    return [
        change
        for change in view.of("schema")
        for touched in lost_columns(change)
        if any(view.feeds(touched, f.entity) for f in nulls)
    ]


SIGNATURE = Signature(
    name="null_burst",
    title="Null burst",
    pattern="A source leaves a column empty for many rows; the schema and the row count stay as they are.",
    confirms=(
        "the null rate rises at one column, and at everything made from it",
        "the missing cells explain the change",
    ),
    refutes=("a schema change removed the column", "the null rate is as usual in quiet windows"),
    fix="Have the source fill the column again and backfill; score the affected rows again.",
    rollback="Serve the last known value, or send rows without it to review.",
    guard="Alert when a column's null rate passes twice its 30-day maximum, at ingest.",
    lead_time="The first batch: an hour or two before decisions move.",
    propose=propose,
    signals=("null_rate", "schema"),
)
