"""PetShop (Hardt et al. 2023): find the microservice at fault from the call graph and five rows of metrics.

Read per case: the call graph, the target of ``target.json`` (its ``root_cause`` is left alone), the normal
table and the issue table, whose third row triggered the alert.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd

from benchmarks.sets import Prediction
from workbench.analysis.rank import rank_causes

TRIGGER_ROW = 2


def predictions(folder: Path) -> Iterator[Prediction]:
    """Yield one prediction per issue of every scenario below *folder*."""
    for scenario in sorted(p for p in folder.iterdir() if (p / "graph.csv").is_file()):
        graph = call_graph(scenario / "graph.csv")
        normal = table(scenario / "noissue" / "metrics.csv")
        for split in ("train", "test"):
            for issue in sorted((scenario / split).glob("issue_*")):
                target = json.loads((issue / "target.json").read_text())["target"]
                rows = table(issue / "metrics.csv")
                started = time.perf_counter()
                yield predict(f"{scenario.name}/{split}/{issue.name}", graph, normal, rows, target, started)


def predict(
    case: str,
    graph: nx.DiGraph,
    normal: pd.DataFrame,
    rows: pd.DataFrame,
    target: dict[str, str],
    started: float,
    *,
    trigger_row: int = TRIGGER_ROW,
) -> Prediction:
    """Rank one case; *normal* and *rows* have three header rows, and times in seconds as index.

    The incident begins with *trigger_row* of *rows*.
    """
    metrics = pd.concat([_long(part, target["metric"], target["agg"]) for part in (normal, rows)])
    ranking = rank_causes(
        metrics,
        graph,
        (target["node"], target["metric"]),
        incident=(rows.index[trigger_row], rows.index[-1] + 1),
        baseline=(normal.index.min(), normal.index.max() + 1),
    )
    named = tuple(cause.entity for cause in ranking)
    return Prediction(case, named, ranking.verdict, ranking.causes[0].confidence, time.perf_counter() - started)


def call_graph(path: Path) -> nx.DiGraph:
    """Read the adjacency matrix: rows call columns."""
    matrix = pd.read_csv(path, index_col=0)
    graph = nx.DiGraph()
    graph.add_nodes_from(matrix.index)
    graph.add_edges_from((a, b) for a in matrix.index for b in matrix.columns if matrix.at[a, b])
    return graph


def table(path: Path) -> pd.DataFrame:
    """Read a metric table: columns (microservice, metric, statistic), index unix time in seconds."""
    return pd.read_csv(path, header=[0, 1, 2], index_col=0).sort_index()


def _long(rows: pd.DataFrame, metric: str, statistic: str) -> pd.DataFrame:
    parts = []
    for name, wanted in ((metric, statistic), ("requests", "Sum")):
        places = [place for place, column in enumerate(rows.columns) if column[1:] == (name, wanted)]
        entities = np.array([rows.columns[place][0] for place in places], dtype=object)
        parts.append(
            pd.DataFrame({
                "time": np.tile(rows.index.to_numpy(), len(places)),
                "entity": np.repeat(entities, len(rows)),
                "value": rows.iloc[:, places].to_numpy(dtype=float).ravel(order="F"),
                "metric": name,
            })
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)
