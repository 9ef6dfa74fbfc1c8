"""Recorder against nvidia-smi on a live device, under a load of torch: ``python -m benchmarks.gpu_live [--minutes 5]``.

Both sample at 1 Hz while a program of its own computes in bursts. Prints, for each device, the mean absolute difference
of utilisation between each reading of nvidia-smi and the recorder's nearest in time, the share of readings whose memory
is equal, and the processor time that the recorder took. Without an NVIDIA driver it says so and measures nothing.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.errors import SourceError
from workbench.recording import Recorder
from workbench.sources import Context, nvidia_smi, nvml

FIELDS = "timestamp,uuid,index,utilization.gpu,memory.used"
DIFFERENCE, OVERHEAD = 3.0, 1.0
"""Bars: points of utilisation, percent of one core."""
NEAR_NS = 600_000_000
LOAD = """
import sys, time
import torch
until = time.monotonic() + float(sys.argv[1])
a = torch.randn(8192, 8192, device="cuda", dtype=torch.float16)
held = [torch.empty(2**28, device="cuda") for _ in range(4)]
while time.monotonic() < until:
    # Bursts of seconds, so that both see steps and not only a plateau.
    burst = time.monotonic() + 4
    while time.monotonic() < min(burst, until):
        a = torch.mm(a, a).clamp_(-1, 1)
        torch.cuda.synchronize()
    time.sleep(max(0.0, min(3.0, until - time.monotonic())))
"""


@dataclass(frozen=True)
class Compared:
    """State how far the recorder is from nvidia-smi on one device."""

    device: str
    pairs: int
    utilization_points: float
    """Mean absolute difference."""
    memory_equal_percent: float
    memory_worst_mib: float


def absent() -> str:
    """Return why no live device can be measured here; empty where one can."""
    if shutil.which("nvidia-smi") is None:
        return "There is no nvidia-smi on this machine, so no NVIDIA device can be measured."
    try:
        library = nvml.connect()
    except SourceError as error:
        return str(error)
    if not nvml.sample(library, time.time_ns()):
        return "The NVIDIA driver answers, and knows no device."
    return ""


def load_absent(python: str) -> str:
    """Return why *python* cannot load a device; empty where it can."""
    code = "import torch; assert torch.cuda.is_available(), 'torch sees no CUDA device'"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["torch is not there"])[-1]


def measured(seconds: float, folder: Path, python: str | None) -> float:
    """Record with both, under load where *python* holds torch; return the recorder's own seconds of processor."""
    smi_file = (folder / "smi.csv").open("wb")
    smi = subprocess.Popen(["nvidia-smi", f"--query-gpu={FIELDS}", "--format=csv", "-l", "1"], stdout=smi_file,
                           stderr=subprocess.DEVNULL, env={**os.environ, "TZ": "UTC"})  # fmt: skip
    load = None if python is None else subprocess.Popen([python, "-c", LOAD, str(seconds)])
    before, spent = set(threading.enumerate()), 0.0
    recorder = Recorder(folder / "recorded.jsonl", interval="1s")
    try:
        recorder.start()
        # The recorder's own thread is told apart by its clock; this one only sleeps.
        (own,) = set(threading.enumerate()) - before
        clock = time.pthread_getcpuclockid(own.ident or 0)
        time.sleep(seconds)
        spent = time.clock_gettime(clock)
    finally:
        recorder.stop()
        smi.send_signal(signal.SIGINT)
        smi.wait(timeout=10)
        smi_file.close()
        if load is not None:
            load.wait(timeout=60)
    return spent


def compared(folder: Path) -> list[Compared]:
    """Return for each device how far both are from each other; each reading is paired with the nearest within 0.6 s."""
    theirs = _rows(nvidia_smi.read(io.BytesIO((folder / "smi.csv").read_bytes()), Context("live", "smi.csv", 0)))
    ours = _rows(nvml.read(folder / "recorded.jsonl", Context("live", "recorded.jsonl", 0)))
    found = []
    for device in sorted(set(theirs["entity"])):
        one, two = (frame[frame["entity"] == device] for frame in (theirs, ours))
        pairs = {metric: _paired(one, two, metric) for metric in ("gpu_utilization_percent", "gpu_memory_used_bytes")}
        used, memory = pairs["gpu_utilization_percent"], pairs["gpu_memory_used_bytes"] / 2**20
        if len(used) and len(memory):
            # nvidia-smi prints whole MiB.
            found.append(Compared(device, len(used), float(used.abs().mean()), float(100 * (memory.abs() < 1).mean()),
                                  float(memory.abs().max())))  # fmt: skip
    return found


def _rows(batches: object) -> pd.DataFrame:
    frames = [batch.tables["metric_samples"].to_pandas() for batch in batches]  # type: ignore[attr-defined]
    rows = pd.concat(frames)
    return rows[~rows["metric"].str.startswith("gpu_process")]


def _paired(one: pd.DataFrame, two: pd.DataFrame, metric: str) -> pd.Series[float]:
    sides = [f[f["metric"] == metric].dropna(subset="value").sort_values("time_ns")[["time_ns", "value"]]
             for f in (one, two)]  # fmt: skip
    both = pd.merge_asof(*sides, on="time_ns", direction="nearest", tolerance=NEAR_NS, suffixes=("_smi", "_own"))
    difference: pd.Series[float] = (both["value_own"] - both["value_smi"]).dropna()
    return difference


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--torch", default=sys.executable, help="interpreter that holds torch with CUDA")
    parser.add_argument("--out", type=Path, help="folder for both recordings and the result; a new one by default")
    asked = parser.parse_args()
    why = absent()
    if why:
        print(f"Nothing measured: {why}")
        return
    folder = asked.out or Path(tempfile.mkdtemp(prefix="gpu-live-"))
    folder.mkdir(parents=True, exist_ok=True)
    idle = load_absent(asked.torch)
    if idle:
        print(f"No load: {idle}; the device is measured as it is. Name an interpreter that holds torch with --torch.")
    spent = measured(60 * asked.minutes, folder, None if idle else asked.torch)
    found = compared(folder)
    share = 100 * spent / (60 * asked.minutes)
    for one in found:
        met = "met" if one.utilization_points <= DIFFERENCE and one.memory_equal_percent == 100 else "MISSED"
        print(f"{one.device}: {one.pairs} pairs, utilisation differs by {one.utilization_points:.2f} points (bar "
              f"{DIFFERENCE:g}), memory equal in {one.memory_equal_percent:.1f} % "
              f"(worst {one.memory_worst_mib:.0f} MiB) {met}")  # fmt: skip
    print(f"recorder: {spent:.2f} s of processor in {60 * asked.minutes:.0f} s, {share:.3f} % of one core (bar "
          f"{OVERHEAD:g} %) {'met' if share <= OVERHEAD else 'MISSED'}")  # fmt: skip
    result = {"load": not idle, "overhead_percent": share, "devices": [vars(one) for one in found],
              "spread": float(np.mean([one.utilization_points for one in found])) if found else None}  # fmt: skip
    (folder / "gpu_live.json").write_text(json.dumps(result, indent=1))
    print(f"both recordings: {folder}")


if __name__ == "__main__":
    main()
