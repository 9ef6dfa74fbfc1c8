"""Harder settings of PetShop: two baseline rows, a fifth of the call graph unknown, and windows where nothing is wrong.

``python -m benchmarks.petshop_hard --data DIR`` prints one line a setting. Labels are read here, to score, and
nowhere else.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd

from benchmarks.sets import Prediction, petshop

ROWS = 5
"""Length of an issue table, and of a quiet window cut from the normal table."""
REMOVED = 0.2
SEEDS = range(5)
SYMPTOMS = (("latency", "Average"), ("availability", "Average"))


@dataclass(frozen=True)
class Case:
    """One labelled issue: its five rows, what alerted, and which node is at fault."""

    name: str
    rows: pd.DataFrame
    target: dict[str, str]
    right: str


def cases(scenario: Path) -> list[Case]:
    """Read every issue of one scenario."""
    found = []
    for path in sorted(p for split in ("train", "test") for p in (scenario / split).glob("issue_*")):
        told: dict[str, Any] = json.loads((path / "target.json").read_text(encoding="utf-8"))
        rows = petshop.table(path / "metrics.csv")
        found.append(Case(path.name, rows, told["target"], told["root_cause"]["node"]))
    return found


def two_rows(case: Case, graph: nx.DiGraph) -> Prediction:
    """Rank with the issue table's first two rows as the whole baseline."""
    before, after = case.rows.iloc[: petshop.TRIGGER_ROW], case.rows.iloc[petshop.TRIGGER_ROW :]
    return _predict(case.name, graph, before, after, case.target, trigger=0)


def without_edges(graph: nx.DiGraph, seed: int) -> nx.DiGraph:
    """Return the call graph without a fifth of its edges."""
    edges = sorted(graph.edges)
    random.Random(seed).shuffle(edges)
    thinner = graph.copy()
    thinner.remove_edges_from(edges[: int(len(edges) * REMOVED)])
    return thinner


def thinned(case: Case, graph: nx.DiGraph, normal: pd.DataFrame, seed: int) -> Prediction:
    """Rank with a fifth of the call graph unknown."""
    known = without_edges(graph, seed)
    return _predict(case.name, known, normal, case.rows, case.target, trigger=petshop.TRIGGER_ROW)


def quiet(graph: nx.DiGraph, normal: pd.DataFrame, *, baseline_rows: int | None) -> Iterator[Prediction]:
    """Yield the answer for every five rows, against the rest of the normal table or their own first rows."""
    front = next(n for n in sorted(graph.nodes) if graph.in_degree(n) == 0 and graph.out_degree(n) > 1)
    for start in range(0, len(normal) - ROWS + 1, ROWS):
        window = normal.iloc[start : start + ROWS]
        after = window.iloc[petshop.TRIGGER_ROW :]
        for metric, statistic in SYMPTOMS:
            before = window.iloc[:baseline_rows] if baseline_rows else normal.drop(window.index)
            target = {"node": front, "metric": metric, "agg": statistic}
            yield _predict(f"{start} {metric}", graph, before, after, target, trigger=0)


def _predict(
    name: str, graph: nx.DiGraph, before: pd.DataFrame, after: pd.DataFrame, target: dict[str, str], *, trigger: int
) -> Prediction:
    """Rank *after* against *before*, whose rows are moved to the time just before: the engine only looks back."""
    step = float(np.median(np.diff(before.index))) if len(before) > 1 else 300.0
    times = float(after.index[0]) - step * np.arange(len(before), 0, -1)
    return petshop.predict(
        name, graph, before.set_axis(times, axis=0), after, target, time.perf_counter(), trigger_row=trigger
    )


def lines(folder: Path) -> Iterator[str]:
    """Yield one line a scenario and setting: share, count, bar."""
    for scenario in sorted(p for p in folder.iterdir() if (p / "graph.csv").is_file()):
        graph = petshop.call_graph(scenario / "graph.csv")
        normal = petshop.table(scenario / "noissue" / "metrics.csv")
        known = cases(scenario)
        firsts, named = _scored((case, two_rows(case, graph)) for case in known)
        yield _line(scenario.name, "two baseline rows, ranked first", firsts, len(known), 0.92)
        yield _line(scenario.name, "two baseline rows, also named", named, len(known), None)
        pairs = [(case, thinned(case, graph, normal, seed)) for seed in SEEDS for case in known]
        firsts, named = _scored(pairs)
        yield _line(scenario.name, "a fifth of the edges removed, 5 seeds", firsts, len(pairs), 0.80)
        yield _line(scenario.name, "the same, also named", named, len(pairs), None)
        for rows, what in ((None, "rest of the table"), (petshop.TRIGGER_ROW, "two rows")):
            said = [p.verdict for p in quiet(graph, normal, baseline_rows=rows)]
            bar = 0.95 if rows is None else None
            yield _line(scenario.name, f"quiet windows, verdict none ({what})", said.count("none"), len(said), bar)


def _scored(made: Any) -> tuple[int, int]:
    """Return how often the guilty node is first, and how often it is first and named."""
    firsts = named = 0
    for case, prediction in made:
        right = bool(prediction.ranking) and prediction.ranking[0] == case.right
        firsts += right
        named += right and prediction.verdict != "none"
    return firsts, named


def _line(scenario: str, setting: str, hits: int, count: int, bar: float | None) -> str:
    share = hits / count
    said = "" if bar is None else f"  bar {bar:.2f} {'met' if share >= bar else 'MISSED'}"
    return f"petshop {scenario:12s} {setting:48s} {hits:4d}/{count:<4d} {share:.3f}{said}"


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = os.environ.get("WORKBENCH_CONFORMANCE_DATA", "")
    parser.add_argument("--data", type=Path, default=Path(known) / "causes" / "petshop", help="PetShop's folder")
    for line in lines(parser.parse_args().data):
        print(line, flush=True)


if __name__ == "__main__":
    main()
