"""Simple rules to compare with, run on the same cases: robust z, traversal, largest difference, recency, chance."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd

from benchmarks.sets import nezha, petshop, rootcausebench

Rankings = Mapping[str, list[str]]
DEVIATES = 3.0
"""Robust deviations from which traversal takes an entity for a deviating one."""
SEED = 7


def _z(rows: pd.DataFrame, normal: pd.DataFrame) -> pd.Series:
    """Return the largest |value - median| / interquartile range of each column; 0 where nothing varies (BARO, 2024)."""
    low, middle, high = (normal.quantile(share) for share in (0.25, 0.5, 0.75))
    far = rows.sub(middle).abs().max()
    return (far / (high - low)).replace([np.inf, -np.inf], np.nan).fillna(0.0)


def _by(score: Mapping[str, float]) -> list[str]:
    return sorted(score, key=lambda name: (-round(float(score[name]), 9), name))


def of_petshop(folder: Path) -> dict[str, Rankings]:
    """Return robust z over all metrics, traversal on the target's metric, and its largest difference."""
    found: dict[str, dict[str, list[str]]] = {"robust z": {}, "traversal": {}, "largest difference": {}, "chance": {}}
    for scenario in sorted(p for p in folder.iterdir() if (p / "graph.csv").is_file()):
        graph = petshop.call_graph(scenario / "graph.csv")
        normal = petshop.table(scenario / "noissue" / "metrics.csv")
        for issue in sorted(p for split in ("train", "test") for p in (scenario / split).glob("issue_*")):
            case = f"{scenario.name}/{issue.parent.name}/{issue.name}"
            target = json.loads((issue / "target.json").read_text())["target"]
            rows = petshop.table(issue / "metrics.csv").iloc[petshop.TRIGGER_ROW :]
            both = normal.columns.intersection(rows.columns)
            z = _z(rows[both], normal[both])
            found["robust z"][case] = _by(z.groupby(level=0).max().to_dict())
            own = [c for c in both if c[1:] == (target["metric"], target["agg"])]
            shift = (rows[own] - normal[own].median()).abs().max()
            found["largest difference"][case] = _by({c[0]: float(v) for c, v in shift.fillna(0.0).items()})
            found["traversal"][case] = _traverse(graph, target["node"], {c[0]: float(z[c]) for c in own})
            found["chance"][case] = _shuffled(graph.nodes, case)
    return dict(found)


def _traverse(graph: nx.DiGraph, target: str, z: Mapping[str, float]) -> list[str]:
    """Walk from the target along deviating callees; those without a deviating callee first, by deviation."""
    bad = {name for name, value in z.items() if value >= DEVIATES} | {target}
    reached = nx.descendants(graph.subgraph(bad), target) | {target} if target in graph else {target}
    ends = {n for n in reached if not any(w in reached and w != n for w in graph.successors(n))}
    return _by({n: z.get(n, 0.0) for n in ends}) + _by({n: z.get(n, 0.0) for n in reached - ends})


def of_robustspot(folder: Path) -> dict[str, Rankings]:
    """Return single conditions by the difference of bad counts to the usual rate, by robust z, and chance."""
    found: dict[str, dict[str, list[str]]] = {"robust z": {}, "largest difference": {}, "chance": {}}
    listed = re.findall(r"data:\s*(.+?)\s*\n\s*timestamp:\s*(\d+)", (folder / "anomaly.yaml").read_text())
    for name, minute in listed:
        if not (folder / f"{name}.csv").is_file():
            continue
        counts = pd.read_csv(folder / f"{name}.csv", dtype=str)
        counts = counts.astype({"min": "int64", "value": "float64", "cnt": "float64"})
        differences: dict[str, float] = {}
        deviations: dict[str, float] = {}
        for attribute in sorted(set(counts.columns) - {"min", "value", "cnt"}):
            sums = counts.groupby(["min", attribute])[["value", "cnt"]].sum()
            bad, rate = sums["value"].unstack(), (sums["value"] / sums["cnt"]).unstack()
            calm = bad.index != int(minute)
            shift = bad.loc[int(minute)] - bad[calm].median()
            z = _z(rate.loc[[int(minute)]], rate[calm])
            differences |= {f"{attribute}={level}": float(v) for level, v in shift.fillna(0.0).items()}
            deviations |= {f"{attribute}={level}": float(v) for level, v in z.items()}
        found["largest difference"][name], found["robust z"][name] = _by(differences), _by(deviations)
        found["chance"][name] = _shuffled(differences, name)
    return dict(found)


def of_nezha(folder: Path) -> dict[str, Rankings]:
    """Return each evidence alone, and chance."""
    labels = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    parts = nezha.evidences(folder, {case: pd.Timestamp(label["inject_time"]) for case, label in labels.items()})
    found = {f"{name} alone": {case: _by(part[case].to_dict()) for case in labels} for name, part in parts.items()}
    found["chance"] = {case: _shuffled(parts["latency"].index, case) for case in labels}
    return dict(found)


def of_rootcausebench(folder: Path) -> dict[str, Rankings]:
    """Return the newest change before the alert first, and chance; neither can say that no change is guilty."""
    found: dict[str, dict[str, list[str]]] = {"recency": {}, "chance": {}}
    for case in sorted(p for p in folder.iterdir() if (p / "alert.json").is_file()):
        changes = rootcausebench.changes(case)
        found["recency"][case.name] = _by({c.id: c.time for c in changes})
        found["chance"][case.name] = _shuffled([c.id for c in changes], case.name)
    return dict(found)


def _shuffled(names: object, case: str) -> list[str]:
    order = sorted(map(str, names))  # type: ignore[call-overload]
    random.Random(f"{SEED} {case}").shuffle(order)
    return order
