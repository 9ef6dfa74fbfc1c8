"""``case.cost(...)``: what serving cost in the selection, what of it was wasted, and what a change comes from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.cost import allocate, spend
from workbench.analysis.gpu_verdict import POWER, UTILIZATION
from workbench.case.operations import Operation, Outcome
from workbench.case.reading import Reading
from workbench.config import Prices
from workbench.errors import CouldNotRunError, UsageError
from workbench.model.window import DAY_NS
from workbench.playbook.devices import device_samples, requests
from workbench.playbook.spending import ask, cost_findings, split_change
from workbench.playbook.times import Times, times
from workbench.playbook.words import figure, percent

BY = ("service", "gpu")


def run(
    reading: Reading, gpu_hour: float | None = None, energy_kwh: float | None = None, by: str = "service"
) -> Outcome:
    """Say what the devices cost in the selection, shared out by device time, and what a change of cost comes from.

    *gpu_hour* and *energy_kwh* are prices, in one currency; without them only hours and kWh are told. *by* is service
    or gpu. Where a metric says what serving costs an hour, its change is split into devices, tokens and requests.
    """
    if by not in BY:
        raise UsageError(f"Cost is shared out by {' or '.join(BY)}; got {by!r}.")
    t = times(reading)
    names = reading.ask("metric_names", start_ns=t.end_ns - DAY_NS, end_ns=t.end_ns).frame
    values, frames, words = _devices(reading, t, Prices(gpu_hour=gpu_hour, energy_kwh=energy_kwh), by)
    findings = tuple(cost_findings(reading, names, t))
    asked = ask(reading, names, t)
    if asked is not None:
        split = split_change(asked[0], t)
        frames["drivers"] = pd.DataFrame(
            [[d.name, d.contribution, d.share, d.now, d.usual] for d in split],
            columns=["driver", "contribution", "share", "now", "usual"],
        )
    if not values and asked is None:
        raise CouldNotRunError("no GPU sends figures and no metric says what serving costs; send either")
    summary = " ".join([*words, *(f.statement for f in findings[:1])]) or "Serving costs what it usually does."
    return Outcome(findings, values, frames, summary)


def _devices(
    reading: Reading, t: Times, prices: Prices, by: str
) -> tuple[dict[str, Any], dict[str, pd.DataFrame], list[str]]:
    samples = device_samples(reading, t.start_ns, t.end_ns)
    if samples is None:
        return {}, {}, []
    rows = samples.frame[samples.frame["metric"].isin([UTILIZATION, POWER])]
    table = rows.pivot_table(
        index=["entity", "time_ns"], columns="metric", values="value", aggfunc="last", dropna=False
    )
    table = table.reset_index().sort_values("time_ns")
    if table.empty:
        return {}, {}, []
    gaps = table.groupby("entity")["time_ns"].diff().dropna()
    every_s = float(np.median(gaps)) / 1e9 if len(gaps) else (t.end_ns - t.start_ns) / 1e9
    found = spend(table, prices, every_s)
    values: dict[str, Any] = {**vars(found), "sample_interval_s": every_s}
    words = [f"{figure(found.gpu_hours)} GPU hours"]
    if found.energy_kwh is not None:
        words[0] += f" and {figure(found.energy_kwh)} kWh"
    if found.allocated is not None and found.wasted is not None and found.allocated > 0:
        words[0] += f" cost {figure(found.allocated)}, of which {percent(found.wasted / found.allocated)} idle"
    served = requests(reading, t.end_ns).frame
    inside = served[(served["start_ns"] >= t.start_ns) & (served["start_ns"] < t.end_ns)] if len(served) else served
    frames = {}
    if len(inside):
        total = found.total if found.total is not None else found.gpu_hours
        shared = allocate(total, inside.assign(gpu=inside["gpu"].fillna("unknown")), [by])
        # Traces are a sample: what one of them cost is no cost of a request.
        frames["allocated"] = shared.rename(columns={"predictions": "traced_requests"})[
            [by, "traced_requests", "share_percent", "cost"]
        ]
        values["allocated_unit"] = "GPU hours" if found.total is None else "currency of the prices"
    return values, frames, [f"{words[0]}."]


OPERATION = Operation("cost", "computed", run, run.__doc__ or "")
