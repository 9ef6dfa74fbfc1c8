"""Machines and GPUs that the services run on."""

from __future__ import annotations

import numpy as np

from workbench.analysis.deviation import deviate
from workbench.case.operations import Outcome
from workbench.case.reading import Reading
from workbench.errors import CouldNotRunError
from workbench.model.findings import Finding
from workbench.model.window import DAY_NS
from workbench.playbook import Step
from workbench.playbook.times import times
from workbench.playbook.words import figure, short

EFFECT = 0.25


def run(reading: Reading) -> Outcome:
    """Compare every figure of hosts and GPUs with its quiet windows."""
    t = times(reading)
    names = reading.ask("metric_names", start_ns=t.end_ns - DAY_NS, end_ns=t.end_ns)
    machines = sorted(e for e in names.frame["entity"].unique() if e.startswith(("host:", "gpu:")))
    if not machines:
        raise CouldNotRunError("no machine or GPU sends figures; send node metrics, DCGM or nvidia-smi recordings")
    samples = reading.ask("metric_series", start_ns=t.history_start_ns, end_ns=t.end_ns, entity=machines)
    findings = []
    for (entity, metric), group in samples.frame.groupby(["entity", "metric"], sort=True):
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
    summary = findings[0].statement if findings else f"All {len(machines)} machines and GPUs are as usual."
    return Outcome(tuple(findings), {"machines": len(machines)}, summary=summary)


STEP = Step(
    number=9,
    question="Is a machine or a GPU short of something?",
    why="Heat, memory and contention slow a service that was not changed.",
    needs=("metric_samples",),
    run=run,
)
