"""Focus, as-of and two times of 100,000 nodes and 500,000 edges: ``python -m benchmarks.lineage_widget``."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import front_end
from workbench.analysis.lineage_layout import Drawing, draw
from workbench.analysis.lineage_times import Timed, timed
from workbench_widgets.lineage import Lineage
from workbench_widgets.page import page

NODES, EDGES = 100_000, 500_000
BAR_MS = 300.0
NEAR = 2_000
"""Each edge leads to one of so many next nodes."""


def edges(nodes: int = NODES, size: int = EDGES, seed: int = 1) -> pd.DataFrame:
    """Return edges of data sets and jobs; edge i was seen from i to i + 10."""
    rng = np.random.default_rng(seed)
    up = rng.integers(0, nodes - 1, size)
    names = np.array([f"{'dataset' if i % 2 else 'job'}:area_{i % 97}/table_{i}" for i in range(nodes)], dtype=object)
    down = np.minimum(nodes - 1, up + 1 + rng.integers(0, NEAR, size))
    return pd.DataFrame({"upstream": names[up], "downstream": names[down], "rule": "same_event",
                         "first_ns": np.arange(size), "last_ns": np.arange(size) + 10})  # fmt: skip


def clicks(held: Timed, moves: int) -> dict[str, list[tuple[float, float]]]:
    """Return ms on the wall and of the processor of each click, by what is clicked; the first look is not counted."""
    dice = np.random.default_rng(3)
    newest = held.at(columns="folded")

    def focus() -> Drawing:
        return draw(newest, held.names[int(dice.integers(len(held.names)))])

    def as_of() -> Drawing:
        return draw(held.at(int(dice.integers(EDGES // 2, EDGES)), columns="folded"), held.names[len(held.names) // 2])

    def expand() -> Drawing:
        name = held.names[int(dice.integers(len(held.names)))]
        first = draw(newest, name)
        return draw(newest, name, expanded={node.name: "both" for node in first.nodes[:5]})

    kinds: dict[str, Callable[[], Drawing]] = {"focus": focus, "as of another time": as_of, "expand five nodes": expand}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in kinds}
    for name, act in kinds.items():
        act()
        for _ in range(moves):
            wall, cpu = time.perf_counter(), time.process_time()
            act()
            found[name].append(((time.perf_counter() - wall) * 1e3, (time.process_time() - cpu) * 1e3))
    return found


def drawn(moves: int, many: int) -> list[float]:
    """Return ms that a page takes from new nodes to the frame after they are drawn."""
    nodes = [{"name": f"dataset:n{i}", "kind": "dataset", "layer": i % 8, "row": i // 8} for i in range(many)]
    board = Lineage(nodes, [], focus="dataset:n0")
    with tempfile.TemporaryDirectory() as folder, front_end.page() as opened:
        (Path(folder) / "lineage.html").write_text(page([board]), encoding="utf-8")
        opened.goto((Path(folder) / "lineage.html").as_uri())
        opened.wait_for_selector(".wbw .node")
        took = opened.evaluate("""async (moves) => {
          const found = [], held = models[0].get("nodes");
          for (let k = 0; k < moves; k++) {
            const begun = performance.now();
            models[0].set("nodes", held.map((n) => ({ ...n, name: `${n.name}-${k}` })));
            await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
            found.push(performance.now() - begun);
          }
          return found;
        }""", moves)  # fmt: skip
    return [float(ms) for ms in took]


def said(name: str, times: Sequence[float]) -> None:
    """Print one figure beside its bar."""
    sys.stdout.write(front_end.said(name, times, BAR_MS) + "\n")


def main() -> None:
    """Print median and 95th percentile in ms beside the bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moves", type=int, default=60)
    moves = parser.parse_args().moves
    begun = time.perf_counter()
    held = timed(edges())
    held.at(columns="folded")
    sys.stdout.write(f"{NODES:,} nodes, {EDGES:,} edges; built once in {time.perf_counter() - begun:.1f} s\n"
                     f"{'ms':<34}{'median':>8}{'p95':>8}{'bar':>8}\n")  # fmt: skip
    for name, took in clicks(held, moves).items():
        said(name, [wall for wall, _ in took])
        said(f"{name}, processor", [cpu for _, cpu in took])
    for many in (40, 200):
        said(f"{many} nodes drawn by the page", drawn(moves, many))


if __name__ == "__main__":
    main()
