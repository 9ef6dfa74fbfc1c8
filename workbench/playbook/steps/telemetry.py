"""Is the alert real: does the figure agree with the rows that it counts, and is the alert told once?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.analysis.deviation import Deviation, Scale, deviate
from workbench.case.operations import Outcome
from workbench.case.reading import Answer, Reading
from workbench.errors import CouldNotRunError
from workbench.model.findings import Finding
from workbench.model.window import HOUR_NS
from workbench.playbook import Step
from workbench.playbook.symptoms import (
    About,
    Family,
    Recount,
    Series,
    about,
    family,
    history_start,
    others,
    recount,
    series,
)
from workbench.playbook.words import clock, count, figure, percent, short

COUNTED: tuple[Family, ...] = ("outcome", "volume")
"""Kinds of figures that rows of decisions can confirm."""
MAX_OTHERS = 5
AGREES = 0.5
"""Share of the figure's change that the rows must show for the alert to be believed."""
WHOLE, CERTAIN_Z = 0.8, 20.0
"""Where the gap is this many spreads wide, the rows must show so much: the figure may be off beside a real change."""


def run(reading: Reading) -> Outcome:
    """Count the figure again from rows of decisions, and look at how the alert was sent."""
    symptom = reading.symptom
    own = series(reading)
    alerts = reading.ask("alerts", start_ns=symptom.window.start_ns - 24 * HOUR_NS, end_ns=symptom.window.end_ns)
    findings = _repeats(alerts)
    again = recount(reading, own) if own.family in COUNTED else None
    if again is None and own.family in COUNTED and not findings:
        raise CouldNotRunError(
            f"no rows are kept that {symptom.signal} could be counted again from; send the decisions"
        )
    values: dict[str, float | str | None] = {}
    if again is not None:
        finding, values = _compared(reading, about(reading), own, again)
        findings.insert(0, finding)
    findings += _others(reading, alerts)
    unsure = f"{symptom.signal} is not a figure that rows of decisions can confirm."
    return Outcome(tuple(findings), values, summary=findings[0].statement if findings else unsure)


def _others(reading: Reading, alerts: Answer) -> list[Finding]:
    """Count the figures of the other alerts again, too: a sender that is wrong often alerts more than once."""
    found = []
    for of in others(reading, alerts.frame)[:MAX_OTHERS]:
        if family(of.signal) not in COUNTED:
            continue
        try:
            told = series(reading, of)
            again = recount(reading, told, of)
            if again is not None:
                finding, _ = _compared(reading, of, told, again)
                found.append(finding)
        except CouldNotRunError:
            # What another alert is about may not be kept here; the symptom's own answer stands without it.
            continue
    return found


def _compared(
    reading: Reading, of: About, own: Series, again: Recount
) -> tuple[Finding, dict[str, float | str | None]]:
    both, kind = _aligned(own, again, reading.symptom.window.end_ns), own.family
    relative = kind == "volume"
    told, seen, gap = (_deviation(reading, both, name, kind) for name in ("told", "seen", "gap"))
    if told is None or seen is None or gap is None:
        raise CouldNotRunError(f"{of.signal} and the rows behind it have no hours in common inside the selection")
    moved = told.relative if relative else told.change
    shown = seen.relative if relative else seen.change
    share = float(np.clip(shown / moved, -9.0, 9.0)) if moved else 0.0
    strong = gap.strength
    disagrees = share < (WHOLE if abs(gap.z) >= CERTAIN_Z else AGREES) and strong >= 0.97 and abs(gap.z) >= 3
    place = own.labels.get("job") or own.labels.get("instance")
    entity = f"source:{place}" if place and disagrees else of.entity
    text = (
        f"{of.signal} reports {_show(told.now, kind)} where {again.what} of the rows behind it says "
        f"{_show(seen.now, kind)}; usually {_show(told.usual, kind)} and {_show(seen.usual, kind)}"
    )
    agrees = ": the rows show the change too." if share >= AGREES else "."
    off = ": the figure, not the business, is off." if share < AGREES else ": both changed, the figure by far more."
    verdict = off if disagrees else agrees
    finding = Finding(
        text + verdict,
        entity,
        "figure_vs_rows",
        (own.evidence, again.evidence),
        "interesting" if disagrees else "clear",
        kind="telemetry_fault",
        supports=disagrees,
        strength=strong if disagrees else 0.0,
        onset_ns=gap.onset_ns,
        values={
            "reproduced_share": share,
            "signal": of.signal,
            "z": float(np.clip(gap.z, -1e6, 1e6)),
            "p_value": gap.p_value,
            "told": told.now,
            "seen": seen.now,
            "onset_after_ns": gap.onset_after_ns,
        },
    )
    return finding, {"reproduced_share": share, "output": again.output, "what": again.what}


def _aligned(own: Series, again: Recount, end_ns: int) -> pd.DataFrame:
    """Return both by the hour, the rows in the figure's unit, and the gap between them."""
    hours = own.frame.assign(time_ns=own.frame["time_ns"] - own.frame["time_ns"] % HOUR_NS)
    told = hours.groupby("time_ns")["value"].mean()
    seen = again.frame.set_index("time_ns")["value"].astype(float)
    rows = again.frame.set_index("time_ns")["n"].astype(float)
    both = pd.concat([told, seen, rows], axis=1, keys=["told", "seen", "n"]).dropna().sort_index()
    if own.family == "volume":
        # The last hour is still filling.
        both = both[both.index + HOUR_NS <= end_ns].copy()
        both["seen"] *= float((both["told"] / both["seen"].where(both["seen"] > 0)).median())
        both["gap"] = np.log((both["told"] + 1e-9) / (both["seen"] + 1e-9)) + 1.0
    else:
        both["seen"] += float((both["told"] - both["seen"]).median())
        both["gap"] = both["told"] - both["seen"]
    return both


def _deviation(reading: Reading, both: pd.DataFrame, name: str, kind: Family) -> Deviation | None:
    selection = reading.symptom.window
    window = (selection.start_ns - selection.start_ns % HOUR_NS, selection.end_ns)
    scale: Scale = "relative" if kind == "volume" and name != "gap" else "absolute"
    return deviate(
        both.index.to_numpy(dtype=np.int64),
        both[name].to_numpy(dtype=float),
        window,
        history_start(reading),
        scale=scale,
        floor=0.005,
        counts=None if kind == "volume" else both["n"].to_numpy(dtype=float),
    )


def _show(value: float, kind: Family) -> str:
    return count(round(value)) if kind == "volume" else percent(value) if 0 <= value <= 1 else figure(value)


def _repeats(alerts: Answer) -> list[Finding]:
    """Return alerts that fire again and again: one identity with several begins."""
    found = []
    if len(alerts.frame):
        for identity, group in alerts.frame.groupby("fingerprint", sort=True):
            if len(group) < 3:
                continue
            entity = group["entity"].iloc[0] or f"alert:{identity}"
            text = (
                f"{short(str(entity))}: {group['name'].iloc[0]} fired {len(group)} times since "
                f"{clock(int(group['starts_ns'].min()))}: it flaps."
            )
            found.append(
                Finding(
                    text,
                    f"alert:{identity}",
                    "alert_repeats",
                    (alerts.evidence,),
                    kind="telemetry_fault",
                    strength=0.5,
                    onset_ns=int(group["starts_ns"].min()),
                )
            )
    return found


STEP = Step(
    number=1,
    question="Is the alert real?",
    why="A figure that is counted wrongly sends people after a fault that is not there.",
    needs=("metric_samples", "predictions", "alerts"),
    run=run,
)
