"""Age of what is served, and runs that fail at the same record: findings for the step ``quality``."""

from __future__ import annotations

import numpy as np

from workbench.analysis.repeats import repeated
from workbench.analysis.traced import against_hours
from workbench.case.reading import Reading
from workbench.model.findings import Finding
from workbench.model.window import DAY_NS, HOUR_NS
from workbench.playbook.times import Times
from workbench.playbook.words import clock, seconds

TRACED_NS = 3 * DAY_NS
BATCH_NS = 3 * HOUR_NS
"""Ages go up and down between two copies; buckets as long as most schedules level that out."""
AGE_EFFECT = 1.0
"""Twice as old: a window that catches one copy more or less moves the age by less."""
SURE = 0.9
MAX_TEXT = 160


def feature_ages(reading: Reading, t: Times) -> list[Finding]:
    """Return features that are older when they are served than they usually are."""
    answer = reading.ask("freshness_history", start_ns=t.start_ns - TRACED_NS, end_ns=t.end_ns, every_ns=HOUR_NS)
    rows = answer.frame[answer.frame["entity"].str.startswith("feature:")].dropna(subset=["median_age_s"])
    found = []
    for entity, group in rows.groupby("entity", sort=True):
        d = against_hours(
            group["start_ns"].to_numpy(dtype=np.int64), group["median_age_s"].to_numpy(dtype=float), t.window,
            scale="relative", floor=0.05, every_ns=BATCH_NS,
        )  # fmt: skip
        if d is None or d.relative < AGE_EFFECT or d.strength < SURE:
            continue
        name = str(entity).partition(":")[2]
        text = f"{name} is {seconds(d.now)} old when it is served, usually {seconds(d.usual)}."
        values: dict[str, float | int | str | None] = {
            "now": d.now, "usual": d.usual, "relative": d.relative, "z": float(np.clip(d.z, -1e6, 1e6)),
            "p_value": d.p_value, "onset_after_ns": d.onset_after_ns,
        }  # fmt: skip
        found.append(
            Finding(text, str(entity), "feature_age", (answer.evidence,), strength=d.strength, values=values,
                    onset_ns=d.onset_ns)
        )  # fmt: skip
    return found


def failing_runs(reading: Reading, t: Times) -> list[Finding]:
    """Return jobs whose runs fail again and again at one and the same record."""
    start = t.start_ns - DAY_NS
    answer = reading.ask("job_states", start_ns=start, end_ns=t.end_ns, state=["FAIL", "ABORT"])
    found = []
    for job, group in answer.frame.dropna(subset=["message"]).groupby("job", sort=True):
        late = group[group["time_ns"] >= t.onset_after_ns - 2 * HOUR_NS]
        messages = [str(m) for m in late["message"]]
        same = repeated(messages)
        if same is None:
            continue
        at = late[[same.name in m for m in messages]]["time_ns"]
        text = (
            f"{str(job).rpartition('/')[2]} failed {same.failures} times at {same.name} between "
            f"{clock(int(at.min()))} and {clock(int(at.max()))}: {messages[-1][:MAX_TEXT]}"
        )
        values: dict[str, float | int | str | None] = {
            "record": same.name, "failures": same.failures, "share": same.share, "last_ns": int(at.max()),
            "onset_after_ns": int(at.min()),
        }  # fmt: skip
        strength = float(1 - 0.5**same.failures)
        found.append(
            Finding(text, f"job:{job}", "same_record", (answer.evidence,), strength=strength, values=values,
                    onset_ns=int(at.min()))
        )  # fmt: skip
    return found
