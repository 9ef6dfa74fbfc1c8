"""Rows, missing cells, silence and schemas along the lineage, each against its own history."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.analysis import quality
from workbench.analysis.deviation import strength
from workbench.case.operations import Outcome
from workbench.case.reading import Answer, Reading
from workbench.errors import CouldNotRunError
from workbench.model.findings import Finding
from workbench.model.window import HOUR_NS, MINUTE_NS
from workbench.playbook import Step, data_findings
from workbench.playbook.times import LEAD_NS, Times, times
from workbench.playbook.words import clock, count, percent, points, seconds, short

VOLUME_EVERY_NS = 30 * MINUTE_NS
ROWS_EFFECT = 0.15
NULLS_EFFECT = 0.02
MIN_STRENGTH = 0.9
MAX_FINDINGS = 60


def run(reading: Reading) -> Outcome:
    """Compare rows, nulls, rhythm and schemas of every data set with its history."""
    t = times(reading)
    span = {"start_ns": t.history_start_ns, "end_ns": t.end_ns}
    volume = reading.ask("volume_history", **span, every_ns=VOLUME_EVERY_NS)
    nulls = reading.ask("null_history", **span, every_ns=HOUR_NS)
    schemas = reading.ask("schema_history", start_ns=t.start_ns - LEAD_NS, end_ns=t.end_ns)
    if volume.frame.empty and nulls.frame.empty and schemas.frame.empty:
        raise CouldNotRunError(
            "no data set was written and no row was kept in the history; send OpenLineage events or tables"
        )
    findings = [*_volume(volume, t), *_silence(volume, t), *_nulls(nulls, t), *_schemas(schemas)]
    findings += data_findings.rows_multiplied(volume, reading, t)
    findings += [*data_findings.rows_repeated(reading, t), *data_findings.labels_late(reading, t)]
    findings.sort(key=lambda f: (-round(f.strength, 9), f.entity, f.signal))
    kept = tuple(findings[:MAX_FINDINGS])
    sets = volume.frame["entity"].nunique() if len(volume.frame) else 0
    summary = f"{len(findings)} deviations in {sets} data sets" + (f"; first: {kept[0].statement}" if kept else ".")
    return Outcome(kept, {"data_sets": int(sets), "deviations": len(findings)}, summary=summary)


def _volume(answer: Answer, t: Times) -> list[Finding]:
    table = quality.volume_changes(answer.frame, t.window, t.history_start_ns, every_ns=VOLUME_EVERY_NS)
    found = []
    for row in table[table["relative"].abs() >= ROWS_EFFECT].itertuples():
        strong = strength(row.z, row.p_value, row.quiet)
        if strong < MIN_STRENGTH:
            continue
        word = "fewer" if row.relative < 0 else "more"
        what = "rows" if row.origin != "predictions" else "decisions"
        text = (
            f"{short(row.entity)} has {percent(abs(min(row.relative, 99.0)))} {word} {what} than usual at these hours: "
            f"{count(row.usual)} → {count(row.now)}"
        )
        found.append(
            _finding(text, row, answer, "rows", strong, {"origin": row.origin, "relative": min(row.relative, 99.0)})
        )
    return found


def _silence(answer: Answer, t: Times) -> list[Finding]:
    found = []
    for row in quality.silences(answer.frame, t.end_ns).itertuples():
        text = (
            f"{short(row.entity)} has not been written for {seconds(row.gap_ns / 1e9)}, "
            f"usually every {seconds(row.usual_ns / 1e9)} (last: {clock(row.last_ns)})"
        )
        values = {
            "gap_s": row.gap_ns / 1e9,
            "usual_s": row.usual_ns / 1e9,
            "onset_after_ns": int(row.last_ns),
            "relative": -1.0,
        }
        found.append(
            Finding(
                text,
                row.entity,
                "write_gap",
                (answer.evidence,),
                strength=1.0 - row.p_value,
                values=values,
                onset_ns=int(row.last_ns + row.usual_ns),
            )
        )
    return found


def _nulls(answer: Answer, t: Times) -> list[Finding]:
    table = quality.null_changes(answer.frame, t.window, t.history_start_ns)
    found = []
    for row in table[(table["now"] - table["usual"]).abs() >= NULLS_EFFECT].itertuples():
        strong = strength(row.z, row.p_value, row.quiet)
        if strong < MIN_STRENGTH:
            continue
        name = row.entity.partition(":")[2]
        is_model = row.entity.startswith("model:")
        entity = f"feature:{row.column}" if is_model else f"column:{name}.{row.column}"
        text = (
            f"{percent(row.now)} of {row.column} in {short(row.entity)} is missing, usually {percent(row.usual)} "
            f"({points(row.now - row.usual)})"
        )
        values = {"origin": row.origin, "column": row.column, "of": row.entity, "change": row.now - row.usual}
        found.append(_finding(text, row, answer, "null_rate", strong, values, entity))
    return found


def _schemas(answer: Answer) -> list[Finding]:
    found = []
    for change in quality.schema_changes(answer.frame):
        parts = [
            f"{word} {', '.join(columns)}"
            for word, columns in (
                ("lost", change.removed),
                ("gained", change.added),
                ("changed the type of", change.retyped),
            )
            if columns
        ]
        text = f"{short('dataset:' + change.dataset)} {' and '.join(parts)} at {clock(change.time_ns)}"
        values: dict[str, float | int | str | None] = {
            "removed": ", ".join(change.removed),
            "added": ", ".join(change.added),
            "retyped": ", ".join(change.retyped),
        }
        found.append(
            Finding(
                text,
                f"dataset:{change.dataset}",
                "schema",
                (answer.evidence,),
                strength=1.0,
                values=values,
                onset_ns=change.time_ns,
            )
        )
    return found


def _finding(
    text: str,
    row: object,
    answer: Answer,
    signal: str,
    strong: float,
    values: dict[str, float | int | str | None],
    entity: str | None = None,
) -> Finding:
    item = pd.Series(row._asdict())  # type: ignore[attr-defined]
    after = item["onset_after_ns"]
    figures = {
        "now": float(item["now"]),
        "usual": float(item["usual"]),
        "z": float(np.clip(item["z"], -1e6, 1e6)),
        "p_value": float(item["p_value"]),
        "quiet_windows": int(item["quiet"]),
        "onset_after_ns": None if pd.isna(after) else int(after),
    }
    onset = None if pd.isna(item["onset_ns"]) else int(item["onset_ns"])
    return Finding(
        text + ".",
        entity or item["entity"],
        signal,
        (answer.evidence,),
        strength=strong,
        values={**figures, **values},
        onset_ns=onset,
    )


STEP = Step(
    number=5,
    question="Do rows, missing cells, freshness or schemas deviate anywhere upstream?",
    why="Most silent failures of models begin as data that is missing, late or shaped differently.",
    needs=("dataset_versions", "table_rows", "predictions", "labels"),
    run=run,
)
