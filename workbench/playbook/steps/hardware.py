"""Machines and GPUs that the services run on."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.analysis.deviation import deviate
from workbench.case.operations import Outcome
from workbench.case.reading import Answer, Reading
from workbench.errors import CouldNotRunError
from workbench.model.findings import Finding
from workbench.model.window import DAY_NS
from workbench.playbook import Step
from workbench.playbook.devices import TRACED_NS, requests, with_servers
from workbench.playbook.times import Times, times
from workbench.playbook.verdicts import verdicts
from workbench.playbook.words import figure, short

EFFECT = 0.25
NOT_BY_SIZE = ("gpu_throttle_reasons", "gpu_last_xid", "gpu_process_memory_bytes", "gpu_process_utilization_percent")
"""Codes, and figures of single programs: no larger or smaller number of them says anything by itself."""

DEVICE_COLUMNS = ["device", "verdict", "busy", "throttled", "waiting", "idle", "unknown"]


def run(reading: Reading) -> Outcome:
    """Compare every figure of hosts and GPUs with its quiet windows, and give a verdict on each GPU."""
    t = times(reading)
    names = reading.ask("metric_names", start_ns=t.end_ns - DAY_NS, end_ns=t.end_ns)
    machines = sorted(e for e in names.frame["entity"].unique() if e.startswith(("host:", "gpu:")))
    if not machines:
        raise CouldNotRunError("no machine or GPU sends figures; send node metrics, DCGM or nvidia-smi recordings")
    samples = reading.ask("metric_series", start_ns=t.history_start_ns, end_ns=t.end_ns, entity=machines)
    judged, devices = _devices(reading, samples, t)
    findings = []
    for (entity, metric), group in samples.frame.groupby(["entity", "metric"], sort=True):
        if metric in NOT_BY_SIZE:
            continue
        series = group.groupby("time_ns")["value"].mean()
        found = deviate(
            series.index.to_numpy(dtype=np.int64),
            series.to_numpy(dtype=float),
            t.window,
            max(t.history_start_ns, int(series.index.min())),
            scale="relative",
            floor=0.03,
        )
        if found is None or abs(found.relative) < EFFECT:
            continue
        strong = found.strength
        if strong >= 0.97:
            text = f"{metric} of {short(str(entity))} is at {figure(found.now)}, usually {figure(found.usual)}."
            findings.append(
                Finding(
                    text,
                    str(entity),
                    str(metric),
                    (samples.evidence,),
                    strength=strong,
                    onset_ns=found.onset_ns,
                    values={
                        "now": found.now,
                        "usual": found.usual,
                        "z": float(np.clip(found.z, -1e6, 1e6)),
                        "onset_after_ns": found.onset_after_ns,
                    },
                )
            )
    findings.sort(key=lambda f: (-round(f.strength, 9), f.entity, f.signal))
    findings = [*judged, *findings]
    summary = findings[0].statement if findings else f"All {len(machines)} machines and GPUs are as usual."
    return Outcome(tuple(findings), {"machines": len(machines)}, {"devices": devices}, summary)


def _devices(reading: Reading, samples: Answer, t: Times) -> tuple[list[Finding], pd.DataFrame]:
    """Return a finding for each GPU that is not well, and what every GPU did with its time, in percent."""
    own = samples.frame[samples.frame["entity"].str.startswith("gpu:")]
    if own.empty:
        return [], pd.DataFrame(columns=DEVICE_COLUMNS)
    since = max(t.history_start_ns, t.end_ns - TRACED_NS)
    served = with_servers(reading, requests(reading, t.end_ns), own["entity"].unique(), since, t.end_ns)
    found = list(verdicts(own, samples.evidence, served, t))
    findings = sorted((f for f, _ in found if f is not None), key=lambda f: (-round(f.strength, 9), f.entity))
    return findings, pd.DataFrame([line for _, line in found], columns=DEVICE_COLUMNS)


STEP = Step(
    number=9,
    question="Is a machine or a GPU short of something?",
    why="Heat, memory and contention slow a service that was not changed.",
    needs=("metric_samples",),
    run=run,
)
