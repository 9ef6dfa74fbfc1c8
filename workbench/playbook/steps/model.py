"""The model that decides: its version, the run that made it, and the data that the run read."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.analysis.deviation import MAD_TO_SIGMA
from workbench.case.operations import Outcome
from workbench.case.reading import Answer, Reading
from workbench.errors import CouldNotRunError
from workbench.model.findings import Finding
from workbench.model.window import HOUR_NS
from workbench.playbook import Step
from workbench.playbook.judged import prompt_scores
from workbench.playbook.times import Times, times
from workbench.playbook.words import clock, figure, percent, short

METRIC_Z = 4.0
NEW_SHARE = 0.2


def run(reading: Reading) -> Outcome:
    """Find which versions decide, since when, and whether their runs are like the ones before."""
    t = times(reading)
    decided = reading.ask("prediction_series", start_ns=t.history_start_ns, end_ns=t.end_ns, every_ns=HOUR_NS)
    versions = reading.ask("model_versions", until_ns=t.end_ns)
    if decided.frame["model_version"].notna().sum() == 0 and versions.frame.empty:
        raise CouldNotRunError(
            "neither a registry nor decisions with a model version are kept; send MLflow's store or predictions"
        )
    runs = reading.ask("runs", end_ns=t.end_ns)
    data = reading.ask("run_data")
    findings: list[Finding] = []
    for model, version, first, after, share in _new(decided.frame, t):
        made = versions.frame[(versions.frame["model"] == model) & (versions.frame["version"] == version)]
        run_id = str(made["run_id"].iloc[0]) if len(made) and isinstance(made["run_id"].iloc[0], str) else None
        text = f"{model} version {version} makes {percent(share)} of the decisions since {clock(first)}."
        findings.append(
            Finding(
                text,
                f"model_version:{model}/{version}",
                "new_version",
                (decided.evidence, versions.evidence),
                strength=share,
                onset_ns=first,
                values={"run_id": run_id, "share": share, "onset_after_ns": after},
            )
        )
        if run_id is not None:
            findings += _run(run_id, runs, data, first, after)
    findings += prompt_scores(reading, t)
    current = sorted(
        {
            f"{m} {v}"
            for m, v in zip(decided.frame["model"], decided.frame["model_version"], strict=True)
            if isinstance(m, str) and isinstance(v, str)
        }
    )
    summary = findings[0].statement if findings else f"No new version decides; {len(current)} versions in the history."
    return Outcome(tuple(findings), {"versions": len(current)}, summary=summary)


def _new(rows: pd.DataFrame, t: Times) -> list[tuple[str, str, int, int | None, float]]:
    """Return versions that decide much in the bad window and began hours before it at most: first hour, hour before."""
    found: list[tuple[str, str, int, int | None, float]] = []
    known = rows.dropna(subset=["model", "model_version"])
    for model, group in known.groupby("model", sort=True):
        now = group[group["start_ns"] >= t.start_ns - HOUR_NS].groupby("model_version")["n"].sum()
        for version, n in now.items():
            first = int(group.loc[group["model_version"] == version, "start_ns"].min())
            earlier = group.loc[group["start_ns"] < first, "start_ns"]
            share = float(n / now.sum())
            if share >= NEW_SHARE and len(earlier) and first >= t.onset_after_ns - 6 * HOUR_NS:
                found.append((str(model), str(version), first, int(earlier.max()), share))
    return found


def _run(run_id: str, runs: Answer, data: Answer, first: int, after: int | None) -> list[Finding]:
    """Compare a run with the earlier runs of its experiment: figures, parameters, the age of its data."""
    mine = runs.frame[runs.frame["run_id"] == run_id]
    if mine.empty:
        return []
    row = mine.iloc[0]
    others = runs.frame[(runs.frame["experiment"] == row["experiment"]) & (runs.frame["start_ns"] < row["start_ns"])]
    found = []
    for metric, value in sorted(dict(row["metrics"] or {}).items()):
        before = np.array(
            [m[metric] for m in others["metrics"] if isinstance(m, dict) and m.get(metric) is not None], dtype=float
        )
        if len(before) < 3 or value is None:
            continue
        centre = float(np.median(before))
        spread = max(MAD_TO_SIGMA * float(np.median(np.abs(before - centre))), 0.02 * abs(centre), 1e-9)
        z = (float(value) - centre) / spread
        if abs(z) >= METRIC_Z:
            others_near = f"the {len(before)} before it near {figure(centre)}"
            text = f"Run {short(run_id)[:12]} ended with {metric} {figure(value)}; {others_near}."
            found.append(
                Finding(
                    text,
                    f"run:{run_id}",
                    "run_metric",
                    (runs.evidence,),
                    strength=float(1 - 2.0 ** (-abs(z))),
                    onset_ns=first,
                    values={
                        "metric": metric,
                        "now": float(value),
                        "usual": centre,
                        "z": float(np.clip(z, -1e6, 1e6)),
                        "onset_after_ns": after,
                    },
                )
            )
    return [*found, *_snapshot(run_id, row, others, runs, data, first, after)]


def _snapshot(
    run_id: str, row: pd.Series, others: pd.DataFrame, runs: Answer, data: Answer, first: int, after: int | None
) -> list[Finding]:
    """Return whether the run read data much older than the runs before it did, by the dates that it logged."""
    found = []
    for name, value in sorted(dict(row["params"] or {}).items()):
        moment = _date(value)
        if moment is None:
            continue
        age = (int(row["start_ns"]) - moment) / 1e9
        usual = [
            (int(o.start_ns) - m) / 1e9
            for o in others.itertuples()
            if isinstance(o.params, dict) and (m := _date(o.params.get(name))) is not None
        ]
        if len(usual) < 2:
            continue
        centre, spread = float(np.median(usual)), max(float(np.ptp(usual)), 43_200.0)
        if abs(age - centre) > 4 * spread:
            text = (
                f"Run {short(run_id)[:12]} read data with {name} {age / 86_400:.1f} days before it began; "
                f"the runs before it {centre / 86_400:.1f} days."
            )
            found.append(
                Finding(
                    text,
                    f"run:{run_id}",
                    "data_age",
                    (runs.evidence, data.evidence),
                    strength=0.99,
                    onset_ns=first,
                    values={"age_s": age, "usual_s": centre, "onset_after_ns": after},
                )
            )
    return found


def _date(value: object) -> int | None:
    """Return ns UTC of a text that is an ISO date or time; None for anything else."""
    if not isinstance(value, str) or not 8 <= len(value) <= 35 or value[4:5] != "-":
        return None
    moment = pd.to_datetime(value, utc=True, errors="coerce")
    return None if pd.isna(moment) else int(moment.value)


STEP = Step(
    number=7,
    question="Which version decides, which run made it, and what did that run read?",
    why="A version trained on the wrong data looks healthy to every check of the serving path.",
    needs=("predictions", "model_versions", "runs", "run_data"),
    run=run,
)
