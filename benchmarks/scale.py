"""Scale bench: how long questions of many spans take, here and on a Spark Connect server, beside their bars.

    python -m benchmarks.scale [--spans 20000000] [--days 10] [--points 10000000] [--store DIR] [--samples DIR] [--sail]

Wall time is the median of five after one warm-up; CPU seconds are those of the process that answers (this one, or the
server: then what building and sending the question takes here is not counted), all threads. The bars are for
20 M spans and 10 M points on an idle machine: smaller runs print them for comparison only. With ``--sail`` the same
questions go to a Sail server (pysail) started here, over the same files.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import psutil
import pyarrow as pa

from benchmarks.scale_data import FIRST_NS, Scale, fill
from workbench.analysis.lineage import core, levels
from workbench.columnar import build
from workbench.errors import StoreError
from workbench.model.tables import METRICS
from workbench.model.window import DAY_NS, MINUTE_NS
from workbench.store import Store
from workbench.store.cluster import open_store
from workbench_widgets.pyramid import Pyramid

FULL = 20_000_000
POINTS = 10_000_000
KEYS = ["service", "name", "status", "model_version", "host", "region", "kind"]
PIXELS = 2000


@dataclass(frozen=True)
class Took:
    """Say how long a question took: wall and CPU, in s."""

    wall: float
    cpu: float


def clocked(run: Callable[[], object], cpu: Callable[[], float], rounds: int = 5) -> Took:
    """Return the median wall time and CPU time of *run*, after one warm-up."""
    run()
    walls, cpus = [], []
    for _ in range(rounds):
        wall, used = time.perf_counter(), cpu()
        run()
        walls.append(time.perf_counter() - wall)
        cpus.append(cpu() - used)
    return Took(statistics.median(walls), statistics.median(cpus))


def line(what: str, figure: str, bar: str) -> None:
    """Print a figure beside its bar."""
    print(f"{what:<58} {figure:<34} {bar}", flush=True)


def shown(took: Took, bar_s: float | None = None, *, at: str = "") -> tuple[str, str]:
    """Return a duration and its bar in words, with how many times faster than the bar it was at full size."""
    figure = f"{took.wall * 1e3:,.1f} ms wall, {took.cpu:.2f} CPU s"
    if bar_s is None:
        return figure, ""
    # The ratio of a smaller run to a bar of the whole one would say nothing.
    return figure, f"bar {bar_s * 1e3:,.0f} ms{at}" + ("" if at else f": {bar_s / took.wall:.2f}x")


def questions(store: Store, scale: Scale, cpu: Callable[[], float], where: str, rounds: int) -> None:
    """Time the three questions of spans; CPU seconds also for each million spans that the store holds."""

    def each(took: Took, bar_s: float | None = None) -> tuple[str, str]:
        figure, bar = shown(took, bar_s, at=at)
        return f"{figure}, {took.cpu / scale.spans * 1e6:.4f} a million", bar

    start, end, at = scale.start_ns, scale.end_ns, "" if scale.spans >= FULL else " at 20 M"
    took = clocked(lambda: store.ask("span_percentiles", start_ns=start, end_ns=end, every_ns=MINUTE_NS), cpu, rounds)
    line(f"{where}: p95 per minute and service", *each(took, 0.6))
    selection, baseline = [(scale.change_ns, end)], [(start, scale.change_ns)]
    took = clocked(
        lambda: store.ask("attribute_counts", selection=selection, baseline=baseline, keys=KEYS), cpu, rounds
    )
    line(f"{where}: contrast over {len(KEYS)} dimensions", *each(took, 0.7))
    ids = store.ask("trace_ids", start_ns=start, end_ns=start + DAY_NS // 24, limit=40).column("trace_id").to_pylist()
    turn = iter(ids * 4)
    took = clocked(lambda: store.ask("trace", trace_id=next(turn)), cpu, 4 * rounds)
    line(f"{where}: one trace, day not known", *each(took, 0.020))
    near = {"start_ns": start, "end_ns": start + DAY_NS}
    turn = iter(ids * 4)
    took = clocked(lambda: store.ask("trace", trace_id=next(turn), **near), cpu, 4 * rounds)
    line(f"{where}: one trace, day known", *each(took))
    took = clocked(lambda: store.ask("kpi_series", start_ns=start, end_ns=end), cpu, 4 * rounds)
    line(f"{where}: a question of an empty table (query layer alone)", *shown(took, 0.015))


def floor(files: list[Path], columns: dict[str, str], what: str) -> None:
    """Time what nothing can beat on these files: DuckDB bare, each column (name -> expression) decoded and summed."""
    with duckdb.connect() as connection:
        connection.execute("SET GLOBAL parquet_metadata_cache=true")
        paths = ", ".join(f"'{file}'" for file in files)
        sums = ", ".join(f"sum({expression})" for expression in columns.values())
        sql = f"SELECT {sums} FROM read_parquet([{paths}], hive_partitioning=false)"
        took = clocked(lambda: connection.sql(sql).to_arrow_table(), time.process_time)
    line(f"floor: {what}, only decoded", *shown(took))


def samples(root: Path, points: int, seed: int) -> Store:
    """Return a store that holds one series of *points* samples, one a ms, with a dropout now and then."""
    if root.exists():
        return Store.open(root, mode="read")
    rng = np.random.default_rng(seed)
    store = Store.open(root, upkeep="manual")
    for first in range(0, points, 1_000_000):
        n = min(1_000_000, points - first)
        values = np.where(rng.random(n) < 1e-5, 0.0, 50 + rng.standard_normal(n))
        store.append({"metric_samples": build(METRICS, {
            "environment": "prod", "source": "bench", "place": "generator", "received_ns": int(FIRST_NS),
            "series": "s", "entity": "host:h", "metric": "load_percent", "unit": "%", "type": "gauge",
            "time_ns": pa.array(FIRST_NS + (first + np.arange(n)) * 1_000_000), "value": pa.array(values),
        })})  # fmt: skip
        store.seal()
    store.compact()
    return store


def thinning(root: Path, points: int, seed: int) -> None:
    """Time a series drawn at 2,000 pixels: from disk, and from a pyramid built before."""
    at = "" if points >= POINTS else " at 10 M"
    with samples(root, points, seed) as store:
        window = {"start_ns": FIRST_NS, "end_ns": FIRST_NS + points * 1_000_000}
        took = clocked(lambda: store.ask("metric_series", **window, points=2 * PIXELS), time.process_time, 3)
        line(f"duckdb: {points:,} points to {PIXELS:,} px from disk", *shown(took, 0.1, at=at))
        floor(store.files("metric_samples"), {"time_ns": "time_ns", "value": "value"}, "times and values of the series")
        rows = store.ask("metric_series", **window)
    times, values = (rows.column(name).to_numpy() for name in ("time_ns", "value"))
    pyramid = Pyramid(times, values)
    took = clocked(lambda: pyramid.places(0, len(times), 2 * PIXELS), time.process_time)
    line(f"pyramid: {points:,} points to {PIXELS:,} px, built before", *shown(took, 0.003, at=at))


def lineage(seed: int, nodes: int = 100_000, size: int = 500_000) -> None:
    """Time the lineage core: 100,000 nodes, 500,000 edges, each to one of the next 2,000 nodes."""
    rng = np.random.default_rng(seed)
    up = rng.integers(0, nodes - 1, size)
    down = np.minimum(nodes - 1, up + 1 + rng.integers(0, 2000, size))
    took = clocked(lambda: core(up, down, nodes), time.process_time)
    line(f"lineage: core of {nodes:,} nodes and {size:,} edges", *shown(took, 0.050))
    backward = core(down, up, nodes)
    reached = sum(len(level) for level in levels(backward, nodes - 1))
    took = clocked(lambda: levels(backward, nodes - 1), time.process_time)
    line(f"lineage: {reached:,} ancestors of one node", *shown(took, 0.010))


def used_by(pid: int) -> Callable[[], float]:
    """Return what tells the CPU seconds that a process and all that it started have used so far."""

    def cpu() -> float:
        server = psutil.Process(pid)
        times: list[Any] = [process.cpu_times() for process in (server, *server.children(recursive=True))]
        return float(sum(used.user + used.system for used in times))

    return cpu


@contextlib.contextmanager
def sail(folder: Path) -> Iterator[tuple[str, Callable[[], float]]]:
    """Run a Sail server of one process; yield its address and what tells its CPU seconds."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "pysail", "spark", "server", "--ip", "127.0.0.1", "--port", str(port)]
    with (folder / "sail.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until and process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"sc://127.0.0.1:{port}", used_by(process.pid)
    finally:
        process.kill()
        process.wait(10)


def _lengths(*names: str) -> dict[str, str]:
    return {name: f"length({name})" for name in names}


def _run(asked: argparse.Namespace, folder: Path) -> None:
    scale = Scale(asked.spans, asked.days, asked.seed)
    root = asked.store or folder / "spans"
    if not root.exists():
        with Store.open(root, upkeep="manual") as store:
            took = fill(store, scale)
        line("fill: append, seal and compact", f"{scale.spans / sum(took.values()):,.0f} spans/s", "")
    with Store.open(root, mode="read") as store:
        size = sum(path.stat().st_size for path in store.files("spans"))
        line("on disk, 8 attributes and provenance", f"{size / scale.spans:.1f} bytes/span", "bar 50 bytes/span")
        questions(store, scale, time.process_time, "duckdb", asked.rounds)
        files = store.files("spans")
        floor(files, {"start_ns": "start_ns", "duration_ns": "duration_ns"} | _lengths("service", "status"),
              "the four columns of percentiles")  # fmt: skip
        floor(files, _lengths(*KEYS), "the seven columns of the contrast")
    if asked.sail:
        with sail(folder) as (server, cpu), open_store(f"{server}/;path={root};missing=refuse", mode="read") as store:
            try:
                questions(store, scale, cpu, "sail", asked.rounds)
            except StoreError as error:
                line("sail", f"failed: {error}", "")
    if asked.server:
        # What another machine uses is not seen from here.
        cpu = used_by(asked.server_pid) if asked.server_pid else lambda: math.nan
        with open_store(f"{asked.server}/;path={root};missing=refuse", mode="read") as store:
            questions(store, scale, cpu, "spark", asked.rounds)
    lineage(asked.seed)
    if asked.points:
        thinning(asked.samples or folder / "samples", asked.points, asked.seed)
    line("peak memory of this process", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB", "")


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spans", type=int, default=FULL)
    parser.add_argument("--days", type=int, default=10)
    parser.add_argument("--points", type=int, default=POINTS, help="samples of the series that is drawn; 0 for none")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sail", action="store_true", help="ask a Sail server the same questions")
    parser.add_argument("--store", type=Path, help="keep the store here and use it again")
    parser.add_argument("--samples", type=Path, help="keep the store of samples here and use it again")
    parser.add_argument("--server", help="ask a Spark Connect server that runs already, sc://host:port, too")
    parser.add_argument("--server-pid", type=int, help="its process here: CPU seconds of it and what it started")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        _run(asked, Path(folder))


if __name__ == "__main__":
    main()
