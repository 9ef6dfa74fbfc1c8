"""What the query layer takes of a question beside the engine's own work: every named query, each engine.

    python -m benchmarks.scale_layer [--rounds 5] [--server sc://host:15002]

The overhead of a question is its time less the time from sending its SQL to having its rows, in the same question; so a
server's speed does not count, nor its client's. Shown are the first time that an engine is asked each of the sets of
arguments by which engines are compared, and the median of further times; CPU seconds are those of this process, all
threads. Rows are few: what grows with them is the engine's.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks.scale import line, sail
from tests.strategies.engine_rows import CASES, world
from workbench.store import Store
from workbench.store.cluster import open_store
from workbench.store.engines.duckdb import Session
from workbench.store.engines.spark import SparkEngine

BAR_MS = 15.0


@dataclass
class Inside:
    """Time spent in the engine since it was set to nothing, in s."""

    wall: float = 0.0
    cpu: float = 0.0

    def timed(self, run: Callable[..., Any]) -> Callable[..., Any]:
        """Return *run* with its time added."""

        def call(*parts: Any, **named: Any) -> Any:
            wall, cpu = time.perf_counter(), time.process_time()
            try:
                return run(*parts, **named)
            finally:
                self.wall += time.perf_counter() - wall
                self.cpu += time.process_time() - cpu

        return call


@dataclass
class Overhead:
    """Overheads in ms, of each set of arguments: wall and CPU of the first time, medians of further times."""

    first: dict[str, tuple[float, float]] = field(default_factory=dict)
    again: dict[str, tuple[float, float]] = field(default_factory=dict)


def measured(store: Store, inside: Inside, rounds: int) -> Overhead:
    """Ask everything *rounds* times and once before."""
    found = Overhead()
    for place, (name, arguments) in enumerate(CASES):
        times = []
        for _ in range(rounds + 1):
            inside.wall = inside.cpu = 0.0
            wall, cpu = time.perf_counter(), time.process_time()
            store.ask(name, **arguments)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            times.append(((wall - inside.wall) * 1e3, (cpu - inside.cpu) * 1e3))
        case = f"{name} {place}"
        found.first[case] = times[0]
        found.again[case] = (statistics.median(w for w, _ in times[1:]), statistics.median(c for _, c in times[1:]))
    return found


def said(where: str, found: Overhead) -> None:
    """Print median and worst over all sets of arguments."""
    queries = len({case.split()[0] for case in found.again})
    for how, times in (("asked again", found.again), ("asked first", found.first)):
        for what, place in (("wall", 0), ("CPU", 1)):
            worst = max(times, key=lambda case: times[case][place])
            median = statistics.median(t[place] for t in times.values())
            over = sum(t[place] > BAR_MS for t in times.values())
            line(
                f"{where}: query layer, {queries} queries, {how}, {what}",
                f"median {median:.1f} ms, worst {times[worst][place]:.1f} ms ({worst.split()[0]})",
                f"bar {BAR_MS:.0f} ms: {over} of {len(times)} above",
            )


@contextlib.contextmanager
def filled(root: Path) -> Iterator[Path]:
    """Yield a store of the rows by which engines are compared, sealed and compacted."""
    with Store.open(root, upkeep="manual") as store:
        for seed in (1, 2):
            store.append(world(seed))
            store.seal()
        store.compact()
    yield root


def served(where: str, server: str, root: Path, rounds: int) -> None:
    """Measure a Spark Connect server."""
    inside = Inside()
    fetched = inside.timed(SparkEngine._fetched)  # noqa: SLF001
    with (
        mock.patch.object(SparkEngine, "_fetched", fetched),
        open_store(f"{server}/;path={root};missing=refuse", mode="read") as store,
    ):
        store.ask("runs")
        said(where, measured(store, inside, rounds))


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--server", help="measure a Spark Connect server that runs already, sc://host:port, too")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, filled(Path(folder) / "store") as root:
        inside = Inside()
        with (
            mock.patch.object(Session, "query", inside.timed(Session.query)),
            Store.open(root, mode="read") as store,
        ):
            said("duckdb", measured(store, inside, asked.rounds))
        with sail(Path(folder)) as (server, _):
            served("sail", server, root, asked.rounds)
        if asked.server:
            served("spark", asked.server, root, asked.rounds)


if __name__ == "__main__":
    main()
