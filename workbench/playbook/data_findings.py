"""Findings of what happened to data on its way: units, names, seasons; rows multiplied or repeated; late labels."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from workbench.analysis import data_signs, impact
from workbench.analysis.deviation import strength
from workbench.case.reading import Answer, Reading
from workbench.model.findings import Finding
from workbench.model.window import DAY_NS
from workbench.playbook.times import Times, quiet_number
from workbench.playbook.words import clock, count, figure, percent, seconds, short

MOVED_PSI = 0.02
"""Inputs that moved less are not looked at for their unit."""
MULTIPLIED = 0.05
"""Share of extra rows from which a join is said to multiply them."""
REPEATED = 0.03
FEWER_LABELS = -0.3
SHIFTED = 0.15
"""Log-odds by which scores of equal inputs must have moved."""
SHIFTED_SPREADS = 6.0
Values = dict[str, float | int | str | None]


def shapes(
    rows: pd.DataFrame, found: impact.Split, t: Times, sample: Answer, names: Mapping[str, str], versions: Answer
) -> list[Finding]:
    """Return units changed, levels renamed and slow moves among the inputs of decisions."""
    now = (rows["time_ns"] >= t.start_ns).to_numpy()
    before = (rows["time_ns"] < t.onset_after_ns).to_numpy()
    findings: list[Finding] = []
    for column, name in sorted(names.items()):
        if column.startswith("texts."):
            findings += _renames(rows.loc[before, column], rows.loc[now, column], name, t, sample)
        elif column.startswith("numbers."):
            values = rows[column].to_numpy(dtype=float, na_value=np.nan)
            if float(found.table.loc[name, "psi"]) >= MOVED_PSI:
                findings += _units(values[before], values[now], name, t, sample)
            findings += _slow(rows, values, now, name, t, (sample, versions))
    return findings


def _units(before: np.ndarray, now: np.ndarray, name: str, t: Times, sample: Answer) -> list[Finding]:
    unit = data_signs.unit_change(before, now)
    if unit is None:
        return []
    word = f"x{unit.factor:g}" if unit.factor >= 1 else f"/{1 / unit.factor:g}"
    text = f"{percent(unit.share)} of the values of {name} look multiplied: {word} of what they were."
    values: Values = {"factor": unit.factor, "share": unit.share, "explained": unit.explained}
    strong = min(0.999, 0.5 + unit.explained / 2)
    return [
        _of_feature(text, name, "scale", sample, strong, {**values, "onset_after_ns": t.onset_after_ns}, t.start_ns)
    ]


def _renames(before: pd.Series, now: pd.Series, name: str, t: Times, sample: Answer) -> list[Finding]:
    pairs = data_signs.renamed(before, now)
    if not pairs:
        return []
    told = ", ".join(f"'{p.before}' became '{p.now}'" for p in pairs[:3]) + (", …" if len(pairs) > 3 else "")
    share = sum(p.share_now for p in pairs)
    text = f"Levels of {name} were renamed one to one: {told}; {percent(share)} of decisions carry a new name."
    values: Values = {"levels": len(pairs), "share": share, "onset_after_ns": t.onset_after_ns}
    return [_of_feature(text, name, "renamed_levels", sample, 0.999, values, t.start_ns)]


def _slow(
    rows: pd.DataFrame, values: np.ndarray, now: np.ndarray, name: str, t: Times, answers: tuple[Answer, Answer]
) -> list[Finding]:
    sample, versions = answers
    quiet = np.asarray(quiet_number(rows["time_ns"].to_numpy(), t.window, t.history_start_ns))
    slow = data_signs.slow_move(values, now, quiet)
    if slow is None:
        return []
    began = t.start_ns - slow.days * DAY_NS
    made = versions.frame["created_ns"].dropna() if "created_ns" in versions.frame else pd.Series(dtype=float)
    newest = int(made.max()) if len(made) else None
    trained = f"; the newest version is of {clock(newest)}" if newest is not None else ""
    text = (
        f"{name} has moved slowly for about {slow.days} days, {percent(min(slow.day_before, 1.0))} of the way was gone "
        f"a day before{trained}."
    )
    values_: Values = {
        "days": slow.days,
        "day_before": slow.day_before,
        "moved": slow.moved,
        "z": slow.spreads,
        "retrained_ns": newest,
        "retrained": "yes" if newest is not None and newest > began + 2 * DAY_NS else "no",
        "onset_after_ns": began - DAY_NS,
    }
    return [_of_feature(text, name, "slow_drift", sample, strength(slow.spreads, 0.0), values_, began)]


def _of_feature(
    text: str, name: str, signal: str, sample: Answer, strong: float, values: Values, onset_ns: int
) -> Finding:
    return Finding(
        text, f"feature:{name}", signal, (sample.evidence,), strength=strong, values=values, onset_ns=onset_ns
    )


def score_shifts(
    rows: pd.DataFrame, found: impact.Split, t: Times, sample: Answer, names: Mapping[str, str], model: str
) -> list[Finding]:
    """Return whether the version that decided before gives equal inputs other scores now."""
    now = (rows["time_ns"] >= t.start_ns).to_numpy()
    quiet = np.asarray(quiet_number(rows["time_ns"].to_numpy(), t.window, t.history_start_ns))
    inputs = {c: n for c, n in names.items() if c.startswith(("numbers.", "texts."))}
    known = rows["model_version"].notna().to_numpy()
    decided = rows.loc[now & known, "model_version"]
    if decided.empty:
        return []
    version = str(decided.value_counts().index[0])
    mine = (rows["model_version"] == version).to_numpy()
    # Its own earlier decisions teach how it scores; another version would score differently by right.
    shift = data_signs.score_shift(
        rows, rows["score"].to_numpy(dtype=float), now & mine, np.where(mine, quiet, -1), inputs
    )
    if shift is None or abs(shift.shift) < SHIFTED or shift.spreads < SHIFTED_SPREADS:
        return []
    share = found.rest / found.change if found.change else 0.0
    text = (
        f"Version {version} scores equal inputs {'higher' if shift.shift > 0 else 'lower'} than before, by "
        f"{figure(abs(shift.shift))} in log-odds, low and high scores alike ({count(shift.rows)} decisions)."
    )
    values: Values = {
        "shift": shift.shift,
        "z": shift.spreads,
        "share": float(np.clip(share, -9, 9)),
        "version": version,
        "onset_after_ns": t.onset_after_ns,
    }
    return [
        Finding(
            text,
            f"model_version:{model.partition(':')[2]}/{version}",
            "score_shift",
            (sample.evidence,),
            strength=strength(shift.spreads, 0.0),
            values=values,
            onset_ns=t.start_ns,
        )
    ]


def rows_multiplied(volume: Answer, reading: Reading, t: Times) -> list[Finding]:
    """Return data sets that hold more rows than what they are made from, other than before."""
    if volume.frame.empty:
        return []
    edges = reading.ask("lineage_edges", as_of_ns=t.end_ns)
    found = []
    for ratio in data_signs.ratios(volume.frame, edges.frame, t.window, t.history_start_ns):
        d = ratio.deviation
        if d.relative < MULTIPLIED or d.strength < 0.95:
            continue
        text = (
            f"{short(ratio.downstream)} holds {d.now:.2f} rows for each row of {short(ratio.upstream)}, "
            f"usually {d.usual:.2f}."
        )
        values = d.figures() | {"relative": d.relative, "upstream": ratio.upstream}
        found.append(
            Finding(
                text,
                ratio.downstream,
                "row_ratio",
                (volume.evidence, edges.evidence),
                strength=d.strength,
                values=values,
                onset_ns=d.onset_ns,
            )
        )
    return found


def rows_repeated(reading: Reading, t: Times) -> list[Finding]:
    """Return whether decisions are made for rows that were decided already."""
    sample = reading.ask("prediction_sample", start_ns=t.history_start_ns, end_ns=t.end_ns)
    frame = sample.frame
    if frame.empty or frame["row_ref"].notna().sum() == 0:
        return []
    d = data_signs.repeats(frame["time_ns"].to_numpy(dtype=np.int64), frame["row_ref"], t.window, t.history_start_ns)
    if d is None or d.change < REPEATED or d.strength < 0.95:
        return []
    text = (
        f"{percent(d.now)} of the decisions are about a row that was decided within the day before, "
        f"usually {percent(d.usual)}."
    )
    entity = reading.symptom.entity
    return [
        Finding(
            text,
            entity,
            "repeated_rows",
            (sample.evidence,),
            strength=d.strength,
            values=d.figures() | {"change": d.change},
            onset_ns=d.onset_ns,
        )
    ]


def labels_late(reading: Reading, t: Times) -> list[Finding]:
    """Return labels of which fewer arrived over the last day than on the days before."""
    answer = reading.ask("labelled_predictions", start_ns=t.history_start_ns, end_ns=t.end_ns)
    found = []
    for label, group in answer.frame.groupby("label", sort=True):
        come = data_signs.arrivals(
            group["time_ns"].to_numpy(dtype=np.int64),
            group["arrived_ns"].to_numpy(dtype=np.int64),
            t.end_ns,
            t.history_start_ns,
        )
        if come is None or come.deviation.relative > FEWER_LABELS or come.deviation.strength < 0.95:
            continue
        last = int(group["arrived_ns"].max())
        text = (
            f"{percent(-come.deviation.relative)} fewer labels '{label}' than usual arrived over the last day "
            f"(the newest {seconds((t.end_ns - last) / 1e9)} before the end); "
            f"{percent(come.behind)} of those usually known are missing."
        )
        values = come.deviation.figures() | {
            "relative": come.deviation.relative,
            "behind": come.behind,
            "label": str(label),
        }
        onset = min(last, t.end_ns)
        found.append(
            Finding(
                text,
                reading.symptom.entity,
                "label_arrival",
                (answer.evidence,),
                strength=come.deviation.strength,
                values=values | {"onset_after_ns": min(onset, t.onset_after_ns)},
                onset_ns=onset,
            )
        )
    return found
