"""Methods published for PetShop, as their authors define them, made deterministic: ties go by name.

Traversal of anomalous callees and ranked correlation (Hardt et al., "The PetShop Dataset", 2023), and the three-sigma
ranking that evaluations use as the simplest detector (N-sigma). All are given the normal table and the issue's rows.
"""

from __future__ import annotations

from collections.abc import Mapping

import networkx as nx
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from benchmarks.sets import petshop

ANOMALOUS = 5.0
"""Median absolute deviations, scaled to sigma, from which the authors call a node anomalous."""
MIN_NORMAL = 10
KEPT = 3
"""Ranked correlation returns at most this many."""
MAD_TO_SIGMA = 0.6744897501960817

Floats = NDArray[np.float64]


def anomalies(normal: pd.DataFrame, rows: pd.DataFrame, target: Mapping[str, str]) -> dict[str, float]:
    """Return the score of every anomalous node at the first row, from the trigger on, at which the target is anomalous.

    A node's score is |x - median| / scaled median absolute deviation; where it never varied, any change counts.
    Empty where the target is anomalous in none of the rows.
    """
    judged = {
        column[0]: _scores(normal[column], rows[column])
        for column in rows.columns
        if column[1:] == (target["metric"], target["agg"]) and column in normal.columns
    }
    if target["node"] not in judged:
        return {}
    hits = np.flatnonzero(judged[target["node"]][0][petshop.TRIGGER_ROW :])
    if not hits.size:
        return {}
    at = petshop.TRIGGER_ROW + int(hits[0])
    return {node: float(score[at]) for node, (told, score) in judged.items() if told[at]}


def _scores(usual: pd.Series, now: pd.Series) -> tuple[NDArray[np.bool_], Floats]:
    known, values = usual.dropna().to_numpy(float), now.to_numpy(float)
    if len(known) < MIN_NORMAL:
        return np.zeros(len(values), dtype=bool), np.zeros(len(values))
    if known.std() == 0:
        score, limit = np.abs(values - known.mean()), 0.0
    else:
        far = np.abs(values - np.median(known))
        scale = float(np.median(np.abs(known - np.median(known)))) / MAD_TO_SIGMA
        with np.errstate(divide="ignore", invalid="ignore"):
            score, limit = far / scale, ANOMALOUS
    score = np.nan_to_num(score, nan=0.0, posinf=np.inf)
    return score > limit, score


def traversal(graph: nx.DiGraph, target: str, score: Mapping[str, float]) -> list[str]:
    """Rank anomalous nodes without an anomalous callee by the largest sum of scores on an anomalous path to the target.

    Nothing where the anomalous nodes call one another in a circle, or the target is not anomalous.
    """
    bad = graph.subgraph(set(score))
    if target not in bad or not nx.is_directed_acyclic_graph(bad):
        return []
    best: dict[str, float] = {target: score[target]}
    for node in nx.topological_sort(bad):
        callers = [best[c] for c in bad.predecessors(node) if c in best]
        if callers:
            best[node] = max(callers) + score[node]
    ends = [n for n in best if not any(c != n for c in bad.successors(n))]
    # The authors give the target itself, whose path has no edge, a sum of nothing.
    told = {n: 0.0 if n == target else best[n] for n in ends}
    return sorted(told, key=lambda n: (-told[n], n))


def ranked_correlation(rows: pd.DataFrame, target: Mapping[str, str], score: Mapping[str, float]) -> list[str]:
    """Rank the other anomalous nodes by how small the p-value of their correlation with the target is; the first 3."""
    kind = (target["metric"], target["agg"])
    mine = rows[(target["node"], *kind)].to_numpy(float)
    found: dict[str, float] = {}
    for node in sorted(set(score) - {target["node"]}):
        other = rows[(node, *kind)].to_numpy(float)
        both = np.isfinite(mine) & np.isfinite(other)
        if both.sum() < 2 or np.ptp(mine[both]) == 0 or np.ptp(other[both]) == 0:
            continue
        found[node] = float(stats.pearsonr(mine[both], other[both]).pvalue) if both.sum() > 2 else 1.0
    return sorted(found, key=lambda n: (round(found[n], 12), n))[:KEPT]


def n_sigma(normal: pd.DataFrame, rows: pd.DataFrame) -> list[str]:
    """Rank nodes by the largest (x - mean) / deviation of any of their metrics from the trigger on."""
    both = normal.columns.intersection(rows.columns)
    spread = normal[both].std(ddof=0)
    z = ((rows[both].iloc[petshop.TRIGGER_ROW :] - normal[both].mean()) / spread.where(spread > 0)).max()
    best = z.fillna(0.0).groupby(level=0).max()
    return sorted(map(str, best.index), key=lambda n: (-round(float(best[n]), 9), n))
