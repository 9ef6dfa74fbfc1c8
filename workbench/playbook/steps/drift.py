"""Which inputs moved, how much of the symptom each explains, and whether serving saw what training would."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from workbench.analysis import impact
from workbench.analysis.deviation import HOUR_NS, Deviation, deviate, onset_between, strength
from workbench.case.operations import Outcome
from workbench.case.reading import Answer, Reading
from workbench.model.findings import Finding
from workbench.model.window import DAY_NS
from workbench.playbook import Step, data_findings
from workbench.playbook.decisions import decisions
from workbench.playbook.times import Times, times
from workbench.playbook.view import VERSION, WITHOUT_MODEL
from workbench.playbook.words import figure, part_of_change, percent, points

PSI_EFFECT = 0.1
SHARE_EFFECT = 0.1
SKEW_EFFECT = 0.02


def run(reading: Reading) -> Outcome:
    """Split the change of what was decided over features and model versions; compare served with computed values."""
    t = times(reading)
    made = decisions(reading, t)
    rows, names, sample, what, model = made.rows, made.names, made.answer, made.what, made.model
    found = impact.split(rows, made.outcome, made.now, made.quiet, names)
    versions = reading.ask("model_versions", until_ns=t.end_ns)
    findings = [*_drifts(rows, found, t, sample, names), *_effects(found, t, rows, sample, model), *_skew(reading, t)]
    findings += data_findings.shapes(rows, found, t, sample, names, versions)
    findings += data_findings.score_shifts(rows, found, t, sample, names, model)
    findings.sort(key=lambda f: (-round(f.strength, 9), f.entity, f.signal))
    table = found.table.reset_index()[["column", "contribution", "share", "z", "p_value", "psi"]]
    values = {
        "what": what,
        "change_z": float(np.clip(found.z, -1e6, 1e6)),
        "change": found.change,
        "rest": found.rest,
        "rows_now": found.rows_now,
        "rows_quiet": found.rows_quiet,
    }
    first = findings[0].statement if findings else "No input moved beyond what it does in quiet windows."
    summary = f"{what} changed by {found.change:+.3g}, of which {found.rest:+.3g} is explained by no input. {first}"
    return Outcome(tuple(findings), values, {"contributions": table}, summary)


def _drifts(
    rows: pd.DataFrame, found: impact.Split, t: Times, sample: Answer, names: Mapping[str, str]
) -> list[Finding]:
    findings = []
    by_name = {name: column for column, name in names.items()}
    for name, row in found.table.iterrows():
        if name in (WITHOUT_MODEL, VERSION):
            continue
        if not (abs(float(row["share"])) >= SHARE_EFFECT or float(row["psi"]) >= PSI_EFFECT):
            continue
        coded = impact.levels(rows[by_name[str(name)]], (rows["time_ns"] < t.start_ns).to_numpy())
        measured = _level_deviation(rows, coded, str(row["level"]), t)
        if measured is None:
            continue
        strong = measured.strength
        if strong < 0.95 or abs(measured.change) < 0.01:
            continue
        text = (
            f"{name} drifted (PSI {figure(float(row['psi']))}): {_level(str(row['level']))} went from "
            f"{percent(measured.usual)} to {percent(measured.now)} of decisions and accounts for "
            f"{part_of_change(float(row['share']))}."
        )
        values: dict[str, float | int | str | None] = {
            "psi": float(row["psi"]),
            "share": float(row["share"]),
            "contribution": float(row["contribution"]),
            "contribution_p": float(row["p_value"]),
            "level": str(row["level"]),
            "usual": measured.usual,
            "now": measured.now,
            "onset_after_ns": measured.onset_after_ns,
            "z": float(np.clip(measured.z, -1e6, 1e6)),
            "type": "number" if by_name[str(name)].startswith("numbers") else "text",
        }
        findings.append(
            Finding(
                text,
                f"feature:{name}",
                "drift",
                (sample.evidence,),
                strength=strong,
                values=values,
                onset_ns=measured.onset_ns,
            )
        )
    return findings


def _level_deviation(rows: pd.DataFrame, coded: pd.Categorical, level: str, t: Times) -> Deviation | None:
    hit = np.asarray(coded == level, dtype=float)
    hours = (rows["time_ns"] - rows["time_ns"] % HOUR_NS).to_numpy()
    shares = pd.DataFrame({"hour": hours, "hit": hit}).groupby("hour")["hit"].agg(["mean", "size"])
    start = t.start_ns - t.start_ns % HOUR_NS
    return deviate(
        shares.index.to_numpy(dtype=np.int64),
        shares["mean"].to_numpy(),
        (start, t.end_ns),
        t.history_start_ns,
        scale="absolute",
        floor=0.002,
        counts=shares["size"].to_numpy(dtype=float),
    )


def _level(level: str) -> str:
    return (
        f"a range of values ({level})"
        if level.startswith("bin")
        else "missing"
        if level == impact.MISSING
        else f"'{level}'"
    )


def _effects(found: impact.Split, t: Times, rows: pd.DataFrame, sample: Answer, model: str) -> list[Finding]:
    """Return what the model version, and deciding without the model, contribute."""
    findings = []
    for column, signal in ((VERSION, "version_effect"), (WITHOUT_MODEL, "fallback_effect")):
        row = found.table.loc[column]
        if abs(float(row["share"])) < SHARE_EFFECT or float(row["p_value"]) > 0.1:
            continue
        newest, first, after = _switch(rows, t, column)
        if newest is None:
            continue
        entity = f"model_version:{model.partition(':')[2]}/{newest}" if column == VERSION else model
        what = f"version {newest}" if column == VERSION else "deciding without the model"
        text = (
            f"With the inputs held equal, {what} accounts for {part_of_change(float(row['share']))} "
            f"({points(float(row['contribution']))})."
        )
        z = float(np.clip(row["z"], -1e6, 1e6))
        findings.append(
            Finding(
                text,
                entity,
                signal,
                (sample.evidence,),
                strength=strength(z, float(row["p_value"])),
                onset_ns=first,
                values={
                    "share": float(row["share"]),
                    "contribution": float(row["contribution"]),
                    "z": z,
                    "version": newest,
                    "p_value": float(row["p_value"]),
                    "onset_after_ns": after,
                },
            )
        )
    return findings


def _switch(rows: pd.DataFrame, t: Times, column: str) -> tuple[str | None, int | None, int | None]:
    """Return the level that is much more frequent now than before, and between which times it came."""
    now = rows.loc[rows["time_ns"] >= t.start_ns, column].value_counts(normalize=True)
    before = rows.loc[(rows["time_ns"] < t.start_ns) & (rows["time_ns"] >= t.start_ns - 14 * DAY_NS), column]
    risen = (now - before.value_counts(normalize=True).reindex(now.index, fill_value=0.0)).sort_index()
    risen = risen[risen > 0.01].drop(["no", "(none)"], errors="ignore")
    if risen.empty:
        return None, None, None
    level = str(risen.idxmax())
    recent = rows[rows["time_ns"] >= t.start_ns - 3 * DAY_NS]
    hits = (recent[column] == level).to_numpy(dtype=float)
    moments = recent["time_ns"].to_numpy(dtype=np.int64)
    if column == VERSION:
        of_level = moments[hits > 0]
        earlier = moments[moments < of_level[0]]
        return level, int(of_level[0]), int(earlier[-1]) if len(earlier) else None
    after, onset = onset_between(moments, hits - hits.mean(), t.window)
    return level, onset, after


def _skew(reading: Reading, t: Times) -> list[Finding]:
    """Return features whose served values differ from the rows they were computed in more often than usual."""
    answer = reading.ask(
        "served_vs_computed",
        start_ns=max(t.history_start_ns, t.start_ns - 14 * DAY_NS),
        end_ns=t.end_ns,
        every_ns=HOUR_NS,
    )
    findings = []
    for (dataset, column), group in answer.frame.groupby(["dataset", "column"], sort=True):
        rate = (group["differ"] / group["n"]).to_numpy(dtype=float)
        start = t.start_ns - t.start_ns % HOUR_NS
        measured = deviate(
            group["start_ns"].to_numpy(dtype=np.int64),
            rate,
            (start, t.end_ns),
            int(group["start_ns"].min()),
            scale="absolute",
            floor=0.003,
            counts=group["n"].to_numpy(dtype=float),
        )
        if measured is None or measured.change < SKEW_EFFECT:
            continue
        strong = measured.strength
        if strong < 0.95:
            continue
        text = (
            f"{percent(measured.now)} of served {column} differ from the value computed for the same row, usually "
            f"{percent(measured.usual)}."
        )
        findings.append(
            Finding(
                text,
                f"feature:{column}",
                "skew",
                (answer.evidence,),
                strength=strong,
                onset_ns=measured.onset_ns,
                values={
                    "now": measured.now,
                    "usual": measured.usual,
                    "z": float(np.clip(measured.z, -1e6, 1e6)),
                    "dataset": str(dataset),
                    "onset_after_ns": measured.onset_after_ns,
                },
            )
        )
    return findings


STEP = Step(
    number=6,
    question="Which inputs drifted, how much of the symptom do they explain, and does serving see what training would?",
    why="A drift that moves nothing is a curiosity; one that explains the symptom is a lead.",
    needs=("predictions",),
    run=run,
)
