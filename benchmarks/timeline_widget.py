"""First paint and zoom to repaint of 10 M samples of devices: ``python -m benchmarks.timeline_widget``."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import front_end
from workbench_widgets.gpu import FIGURES, GpuTimeline
from workbench_widgets.kernels import Kernels

SAMPLES = 10_000_000
DAYS = 30
START = 1_770_000_000_000_000_000
SPIKES = 47
BARS_MS = {"JupyterLab": 100.0, "Panel": 250.0}
FIRST_S = 2.0
CELLS = ["from benchmarks.timeline_widget import board, samples\nheld = samples()", "board(held)"]
KEYS = "wwwwwwwwwwwwddaaddwwwwwwsswwssddaassssssssssddaawwwwwwddaass"


def samples() -> dict[str, Any]:
    """Return one device: four figures of 2.5 M samples over 30 days, with dropouts, and 200,000 kernels."""
    dice, n = np.random.default_rng(7), SAMPLES // len(FIGURES)
    times = START + np.arange(n) * (DAYS * 86_400_000_000_000 // n)
    figures = {}
    for place, (name, _, _) in enumerate(FIGURES):
        values = 60 + 20 * np.sin(np.arange(n) / (1e5 * (place + 1))) + dice.normal(0, 3, n)
        values[dice.choice(n, SPIKES, replace=False)] = 0.0
        figures[name] = (times, values)
    begins = times[n // 2] + np.cumsum(dice.integers(5_000, 40_000, 200_000))
    kernels = Kernels(begins, begins + dice.integers(1_000, 5_000, 200_000), ["gemm", "copy", "norm"],
                      dice.integers(0, 3, 200_000))  # fmt: skip
    return {"name": "GPU-0", "figures": figures, "kernels": kernels}


def board(held: dict[str, Any] | None = None) -> GpuTimeline:
    """Return the widget over the samples."""
    return GpuTimeline([held if held is not None else samples()], width=1100)


def worst(made: GpuTimeline, held: dict[str, Any]) -> float:
    """Return the greatest difference of lowest and highest drawn from those of the samples, over 40 random views."""
    dice, furthest = np.random.default_rng(3), 0.0
    low, high = made.extent
    for _ in range(40):
        start = low + (high - low) * dice.random() * 0.9
        made.view = {"start": start, "end": start + (high - start) * 10.0 ** -(3 * dice.random()), "width": 1100}
        drawn = [lane["series"][0] for lane in made.lanes if lane["series"]]
        for one, (times, values) in zip(drawn, held["figures"].values(), strict=True):
            inside = values[slice(*made.seen(times))]
            furthest = max(furthest, abs(one["low"] - inside.min()), abs(one["high"] - inside.max()))
    return furthest


def zoom(opened: Any, keys: str, rest_ms: int = 0) -> list[float]:
    """Zoom and pan by keys, one repaint after the other, with a rest between them; return ms each."""
    plot = opened.locator(".wbw .plot")
    plot.wait_for()
    plot.focus()
    opened.wait_for_timeout(1000)
    times = []
    for key in keys:
        times.append(front_end.timed(opened, lambda key=key: opened.keyboard.press(key)))
        opened.wait_for_timeout(rest_ms)
    return times


def main() -> None:
    """Measure both hosts and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--presses", type=int, default=len(KEYS))
    parser.add_argument("--hosts", nargs="*", default=["Panel", "JupyterLab"], choices=list(BARS_MS))
    asked = parser.parse_args()
    # Ended from outside, it ends its servers and browsers first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = Path(tempfile.mkdtemp(prefix="timeline-"))
    try:
        held = samples()
        begun, busy = time.perf_counter(), time.process_time()
        made = board(held)
        print(f"{SAMPLES:,} samples over {DAYS} days; Python builds the widget in {time.perf_counter() - begun:.2f} s "
              f"({time.process_time() - busy:.2f} s of processor); load {os.getloadavg()[0]:.1f} on {os.cpu_count()} "
              f"cores; greatest error of the drawn envelope {worst(made, held):g}")  # fmt: skip
        print(f"{'zoom to repaint, ms':<34}{'median':>8}{'p95':>8}{'bar':>8}")
        for host in asked.hosts:
            serving = (front_end.panel(folder, "benchmarks.timeline_widget:board") if host == "Panel"
                       else front_end.lab(folder, CELLS))  # fmt: skip
            with serving as address, front_end.page() as opened:
                first = (front_end.open_panel(opened, address) if host == "Panel"
                         else front_end.open_lab(opened, address, before=1))  # fmt: skip
                print(
                    front_end.said(
                        host, zoom(opened, (KEYS * (1 + asked.presses // len(KEYS)))[: asked.presses]), BARS_MS[host]
                    )
                )
                print(f"  first paint {first:.2f} s, bar {FIRST_S:g} s {'met' if first <= FIRST_S else 'MISSED'}; "
                      f"requests outside this machine: {len(opened.outside)}")  # fmt: skip
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
