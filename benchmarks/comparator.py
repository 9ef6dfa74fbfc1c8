"""Brush to repaint of the drift comparator, 30 columns over 1,440 hours: ``python -m benchmarks.comparator``."""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import front_end
from workbench.analysis.profile_frames import profile_frame
from workbench.analysis.profile_rows import as_columns
from workbench.bench import open_bench
from workbench.columnar import build
from workbench.model.tables import PROFILES
from workbench.model.window import HOUR_NS, iso, parse_time_ns
from workbench.views.bind_drift import comparator
from workbench_widgets.comparator import Comparator

START = parse_time_ns("2026-01-01T00:00:00Z")
HOURS, COLUMNS, ROWS_AN_HOUR = 1_440, 30, 200
NUMERIC = 24
BARS_MS = {"JupyterLab": 100.0, "Panel": 250.0}
SETTLED_MS = 1000.0
SETTLES = 24
CELLS = ["from benchmarks.comparator import board", "board()"]


def lay(folder: Path) -> None:
    """Make a case whose table has 30 columns over 1,440 hours of profiles, compared once."""
    dice = np.random.default_rng(7)
    n, end = HOURS * ROWS_AN_HOUR, START + HOURS * HOUR_NS
    frame = pd.DataFrame({f"n{i}": dice.lognormal(3, 1, n) for i in range(NUMERIC)}
                         | {f"c{i}": dice.choice(list("abcdefghij"), n) for i in range(COLUMNS - NUMERIC)})  # fmt: skip
    frame.iloc[-2 * ROWS_AN_HOUR :, 0] *= 100
    stamps = {"environment": "prod", "source": "bench", "place": "here", "received_ns": end}
    with open_bench(folder / "store", who="bench", clock=lambda: end) as opened:
        for profile in profile_frame(frame, START + np.arange(n) * (HOUR_NS // ROWS_AN_HOUR), HOUR_NS):
            opened.store.append({"profiles": build(PROFILES, {**stamps, **as_columns(profile, "wide")})})
        case = opened.case("INC-1", entity="dataset:wide", signal="n0", window=f"{iso(end - 2 * HOUR_NS)}/{iso(end)}")
        case.call("compare", dataset="wide", baseline=f"{iso(START)}/{iso(end - 2 * HOUR_NS)}")
        case.call("compare", dataset="wide")


def board() -> Comparator:
    """Return the comparator over the case that `lay` made."""
    opened = open_bench(Path(os.environ["BENCH_FOLDER"]) / "store", who="bench", clock=lambda: START + HOURS * HOUR_NS)
    return comparator(opened.case("INC-1"))


def brush(opened: Any, moves: int) -> list[float]:
    """Move the current window by hand, one repaint after the other; return ms each."""
    canvas = opened.locator(".strip canvas")
    canvas.wait_for()
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    left, wide, y = box["x"] + 104, box["width"] - 110, box["y"] + 60
    opened.mouse.move(left + wide * 0.6, y)
    opened.mouse.down()
    opened.mouse.move(left + wide * 0.61, y)
    opened.wait_for_timeout(800)
    found = []
    for k in range(moves):
        at = left + wide * (0.62 + 0.3 * ((k * 37) % moves) / moves)
        found.append(front_end.timed(opened, lambda at=at: opened.mouse.move(at, y)))
    opened.mouse.up()
    return found


def kernel_side(moves: int) -> list[float]:
    """Return ms of processor time that Python takes for each look, without a browser."""
    made, found = board(), []
    end = made.extent[1]
    for k in range(moves):
        current = [end - (40 + 7 * k) * 3.6e6, end - (38 + 6 * k) * 3.6e6]
        begun = time.process_time()
        made.ask = {"what": "windows", "current": current, "baseline": None, "serial": k + 1}
        found.append(1000 * (time.process_time() - begun))
    return found


def settled(times: int) -> tuple[list[float], list[float]]:
    """Return ms by the clock, and of processor time, from a released brush to its entry, drawn: ``case.compare``."""
    made, clock, busy = board(), [], []
    end = made.extent[1] * 1_000_000
    for k in range(times):
        current = f"{iso(int(end - (30 + 3 * k) * HOUR_NS))}/{iso(int(end - (26 + 3 * k) * HOUR_NS))}"
        wanted = {"dataset": "wide", "current": current, "baseline": "same hours, 30 d"}
        begun, spent = time.perf_counter(), time.process_time()
        made.action = {"operation": "compare", "arguments": wanted, "serial": k + 1}
        clock.append(1000 * (time.perf_counter() - begun))
        busy.append(1000 * (time.process_time() - spent))
    return clock, busy


def main() -> None:
    """Measure both hosts and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moves", type=int, default=60)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="comparator-"))
    os.environ["BENCH_FOLDER"] = str(folder)
    try:
        lay(folder)
        alone, (clock, busy) = kernel_side(asked.moves), settled(SETTLES)
        print(f"{COLUMNS} columns, {HOURS:,} hours; one look takes Python {statistics.median(alone):.0f} ms of "
              f"processor (median, {max(alone):.0f} at most); "
              f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")  # fmt: skip
        print(f"{'ms':<34}{'median':>8}{'p95':>8}{'bar':>8}")
        print(front_end.said("settled brush, by the clock", clock, SETTLED_MS))
        print(front_end.said("settled brush, processor time", busy, SETTLED_MS))
        print("brush to repaint, in the page")
        with front_end.panel(folder, "benchmarks.comparator:board") as address, front_end.page() as opened:
            front_end.open_panel(opened, address)
            print(front_end.said("Panel", brush(opened, asked.moves), BARS_MS["Panel"]))
            print(f"requests outside this machine: {len(opened.outside)}")
        with front_end.lab(folder, CELLS) as address, front_end.page() as opened:
            front_end.open_lab(opened, address, before=1)
            print(front_end.said("JupyterLab", brush(opened, asked.moves), BARS_MS["JupyterLab"]))
            print(f"requests outside this machine: {len(opened.outside)}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
