"""``case.gpu(device=)``: what each device did with its time, and the verdict on it."""

from __future__ import annotations

import pandas as pd

from workbench.case.operations import Operation, Outcome
from workbench.case.reading import Reading
from workbench.errors import CouldNotRunError
from workbench.playbook.devices import TRACED_NS, device_samples, requests, with_servers
from workbench.playbook.times import times
from workbench.playbook.verdicts import verdicts

COLUMNS = ["device", "verdict", "busy", "throttled", "waiting", "idle", "unknown"]


def run(reading: Reading, device: str = "") -> Outcome:
    """Say of each GPU what it did with its time in the selection, and what is wrong with it.

    *device* is a GPU as ``gpu:NAME`` or its name; by default all are judged. The figures are held against the same
    hours of the days before; the waits of the requests that a device served stand on the same axis.
    """
    t = times(reading)
    since = max(t.history_start_ns, t.end_ns - TRACED_NS)
    samples = device_samples(reading, since, t.end_ns)
    if samples is None:
        raise CouldNotRunError(
            "no GPU sends figures; record with `workbench record gpu`, or send DCGM or nvidia-smi csv"
        )
    rows = samples.frame
    if device:
        rows = rows[rows["entity"] == (device if device.startswith("gpu:") else f"gpu:{device}")]
        if rows.empty:
            known = ", ".join(sorted({str(e) for e in samples.frame["entity"]})[:8])
            raise CouldNotRunError(f"{device} sends no figures; these do: {known}")
    served = with_servers(reading, requests(reading, t.end_ns), rows["entity"].unique(), since, t.end_ns)
    found = list(verdicts(rows, samples.evidence, served, t))
    if not found:
        raise CouldNotRunError("too few samples lie in the selection, or before it, to judge a device")
    table = pd.DataFrame([line for _, line in found], columns=COLUMNS)
    findings = tuple(f for f, _ in found if f is not None)
    sick = findings[0].statement if findings else f"No device of {len(found)} is ill."
    return Outcome(findings, {"devices": len(found), "ill": len(findings)}, {"devices": table}, sick)


OPERATION = Operation("gpu", "computed", run, run.__doc__ or "")
