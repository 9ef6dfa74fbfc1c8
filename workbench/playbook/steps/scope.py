"""Who is hit, where, and since when."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.analysis.deviation import Deviation, Scale, deviate
from workbench.case.operations import Outcome
from workbench.case.reading import Reading
from workbench.errors import CouldNotRunError
from workbench.model.findings import Finding
from workbench.playbook import Step
from workbench.playbook.symptoms import Series, history_start, samples, series
from workbench.playbook.times import SLOT_NS
from workbench.playbook.words import clock, count, figure, percent, points, seconds, short

RELATIVE_FAMILIES = ("volume", "latency", "cost")


def run(reading: Reading) -> Outcome:
    """Measure the symptom against its quiet windows, and find when it began."""
    symptom = reading.symptom
    own = series(reading)
    window = (symptom.window.start_ns, symptom.window.end_ns)
    deviation = measured(own, window, history_start(reading), by_ns=_noticed(reading))
    if deviation is None:
        raise CouldNotRunError(
            f"{symptom.signal} of {symptom.entity} has no sample in the selection or no history before it"
        )
    strong = deviation.strength
    since = f" since {clock(deviation.onset_ns)}" if deviation.onset_ns is not None else ""
    text = f"{symptom.signal} of {short(symptom.entity)} is {_words(own, deviation)}{since}."
    finding = Finding(
        text,
        symptom.entity,
        symptom.signal,
        (own.evidence,),
        "interesting" if strong >= 0.9 else "clear",
        strength=strong,
        onset_ns=deviation.onset_ns,
        values=deviation.figures(),
    )
    lasted_s = (symptom.window.end_ns - (deviation.onset_ns or symptom.window.start_ns)) / 1e9
    values = {
        "family": own.family,
        "onset_ns": deviation.onset_ns,
        "onset_after_ns": deviation.onset_after_ns,
        "change": deviation.change,
        "z": float(np.clip(deviation.z, -1e6, 1e6)),
        "strength": strong,
        "lasted_s": lasted_s,
    }
    summary = f"{text} Compared with {deviation.quiet} quiet windows; lasting {seconds(lasted_s)}."
    return Outcome((finding, *_segments(reading, own, window)), values, summary=summary)


def _noticed(reading: Reading) -> int | None:
    """Return when the alert fired: the change came before."""
    fired = (reading.symptom.alert or {}).get("starts_ns")
    return int(fired) if isinstance(fired, int) else reading.symptom.window.start_ns + SLOT_NS


def measured(
    own: Series, window: tuple[int, int], history_start_ns: int, *, by_ns: int | None = None
) -> Deviation | None:
    """Return how far the symptom is from usual inside a window, and when it began, at *by_ns* at the latest."""
    scale: Scale = "relative" if own.family in RELATIVE_FAMILIES else "absolute"
    size = float(np.nanmedian(np.abs(own.frame["value"]))) if len(own.frame) else 0.0
    floor = 0.01 if scale == "relative" else max(0.005 * size, 1e-6)
    return deviate(
        own.frame["time_ns"].to_numpy(),
        own.frame["value"].to_numpy(),
        window,
        history_start_ns,
        scale=scale,
        floor=floor,
        onset_by_ns=by_ns,
    )


def _words(own: Series, d: Deviation) -> str:
    if own.family == "volume":
        return f"{percent(abs(d.relative))} {_side(d)} usual: {count(d.usual)} → {count(d.now)}"
    if own.family in ("latency", "cost"):
        return f"{percent(abs(d.relative))} {_side(d)} usual: {figure(d.usual)} → {figure(d.now)}"
    if 0 <= d.usual <= 1 and 0 <= d.now <= 1:
        return f"at {percent(d.now)}, usually {percent(d.usual)} ({points(d.change)})"
    return f"at {figure(d.now)}, usually {figure(d.usual)}"


def _side(d: Deviation) -> str:
    return "below" if d.relative < 0 else "above"


def _segments(reading: Reading, own: Series, window: tuple[int, int]) -> list[Finding]:
    """Return which labelled parts of the same figure deviate most: regions, variants."""
    symptom = reading.symptom
    answer = samples(reading)
    rows = answer.frame
    found: list[Finding] = []
    for _, group in rows.groupby("series", sort=True):
        labels = {str(k): str(v) for k, v in dict(group["labels"].iloc[0] or {}).items() if k not in own.labels}
        if not labels:
            continue
        part = Series(group.sort_values("time_ns")[["time_ns", "value"]], answer.evidence, own.family, labels)
        deviation = measured(part, window, int(group["time_ns"].min()))
        if deviation is None or pd.isna(deviation.z):
            continue
        strong = deviation.strength
        if strong >= 0.95:
            where = ", ".join(f"{k} = {v}" for k, v in sorted(labels.items()))
            found.append(
                Finding(
                    f"For {where}: {_words(own, deviation)}.",
                    symptom.entity,
                    f"{symptom.signal} by part",
                    (answer.evidence,),
                    strength=strong,
                    values={**deviation.figures(), **labels},
                    onset_ns=deviation.onset_ns,
                )
            )
    return sorted(found, key=lambda f: (-round(f.strength, 9), f.statement))[:6]


STEP = Step(
    number=2,
    question="What is wrong, for whom, and since when?",
    why="The onset decides what can be a cause: what began later cannot.",
    needs=("metric_samples", "kpis"),
    run=run,
)
