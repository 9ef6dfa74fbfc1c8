"""What ours is compared with, on the same cases in the same run: published methods, simple rules, chance."""

from __future__ import annotations

import json
import random
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from benchmarks import peers_installed, peers_patterns, peers_petshop, peers_slices
from benchmarks.sets import nezha, petshop, rootcausebench

Rankings = Mapping[str, list[str]]
Scope = Literal["quick", "whole"]
SEED = 7


@dataclass
class Others:
    """Rankings by method, and what is said of methods that were not run."""

    rankings: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, method: str, case: str, ranking: list[str]) -> None:
        """Keep one ranking."""
        self.rankings.setdefault(method, {})[case] = ranking


def _z(rows: pd.DataFrame, normal: pd.DataFrame) -> pd.Series:
    """Return the largest |value - median| / interquartile range of each column; 0 if nothing varies (BARO's idea)."""
    low, middle, high = (normal.quantile(share) for share in (0.25, 0.5, 0.75))
    far = rows.sub(middle).abs().max()
    return (far / (high - low)).replace([np.inf, -np.inf], np.nan).fillna(0.0)


def _by(score: Mapping[str, float]) -> list[str]:
    return sorted(score, key=lambda name: (-round(float(score[name]), 9), name))


def of_petshop(folder: Path, scope: Scope, environments: Path) -> Others:
    """Return traversal and ranked correlation of PetShop's authors, N-sigma, BARO, dowhy, and simple rules."""
    found = Others()
    for scenario in sorted(p for p in folder.iterdir() if (p / "graph.csv").is_file()):
        graph = petshop.call_graph(scenario / "graph.csv")
        normal = petshop.table(scenario / "noissue" / "metrics.csv")
        for issue in sorted(p for split in ("train", "test") for p in (scenario / split).glob("issue_*")):
            case = f"{scenario.name}/{issue.parent.name}/{issue.name}"
            target = json.loads((issue / "target.json").read_text())["target"]
            rows = petshop.table(issue / "metrics.csv")
            told = peers_petshop.anomalies(normal, rows, target)
            found.add("traversal", case, peers_petshop.traversal(graph, target["node"], told))
            found.add("ranked correlation", case, peers_petshop.ranked_correlation(rows, target, told))
            found.add("N-sigma", case, peers_petshop.n_sigma(normal, rows))
            later = rows.iloc[petshop.TRIGGER_ROW :]
            both = normal.columns.intersection(later.columns)
            z = _z(later[both], normal[both])
            found.add("robust z", case, _by(z.groupby(level=0).max().to_dict()))
            own = [c for c in both if c[1:] == (target["metric"], target["agg"])]
            shift = (later[own] - normal[own].median()).abs().max()
            found.add("largest difference", case, _by({c[0]: float(v) for c, v in shift.fillna(0.0).items()}))
            found.add("chance", case, _shuffled(graph.nodes, case))
    for method in peers_installed.PEERS:
        if scope == "quick":
            found.notes.append(f"{method}: left out of the quick run")
            continue
        answer = peers_installed.rankings(method, folder, environments)
        if isinstance(answer, str):
            found.notes.append(f"{method}: {answer}")
        else:
            found.rankings[method] = answer
    return found


def of_robustspot(folder: Path, _scope: Scope, _environments: Path) -> Others:
    """Return RobustSpot's own method, Adtributor, and single conditions by difference, by robust z and by chance."""
    found = Others()
    listed = re.findall(r"data:\s*(.+?)\s*\n\s*timestamp:\s*(\d+)", (folder / "anomaly.yaml").read_text())
    for name, minute in listed:
        if not (folder / f"{name}.csv").is_file():
            continue
        counts = pd.read_csv(folder / f"{name}.csv", dtype=str)
        counts = counts.astype({"min": "int64", "value": "float64", "cnt": "float64"})
        found.add("RobustSpot", name, peers_slices.robustspot(counts, int(minute)))
        found.add("Adtributor", name, peers_slices.adtributor(counts, int(minute)))
        differences: dict[str, float] = {}
        deviations: dict[str, float] = {}
        for attribute in sorted(set(counts.columns) - {"min", "value", "cnt"}):
            sums = counts.groupby(["min", attribute])[["value", "cnt"]].sum()
            bad, rate = sums["value"].unstack(), (sums["value"] / sums["cnt"]).unstack()
            calm = bad.index != int(minute)
            shift = bad.loc[int(minute)] - bad[calm].median()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # a level never seen before has no quantile
                z = _z(rate.loc[[int(minute)]], rate[calm])
            differences |= {f"{attribute}={level}": float(v) for level, v in shift.fillna(0.0).items()}
            deviations |= {f"{attribute}={level}": float(v) for level, v in z.items()}
        found.add("largest difference", name, _by(differences))
        found.add("robust z", name, _by(deviations))
        found.add("chance", name, _shuffled(differences, name))
    return found


def of_nezha(folder: Path, scope: Scope, _environments: Path) -> Others:
    """Return Nezha's own ranking of patterns, each evidence alone, and chance."""
    labels = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    injected = {case: pd.Timestamp(label["inject_time"]) for case, label in labels.items()}
    found = Others(notes=["Nezha as published, not rerun: top-1 .867, top-3 .978; the next best .20, .31"])
    if scope == "quick":
        found.notes.append("Nezha's patterns, each evidence alone: left out of the quick run")
        return found
    found.rankings["Nezha's patterns"] = peers_patterns.rankings(folder, injected)
    parts = nezha.evidences(folder, injected)
    for name, part in parts.items():
        found.rankings[f"{name} alone"] = {case: _by(part[case].to_dict()) for case in labels}
    found.rankings["chance"] = {case: _shuffled(parts["latency"].index, case) for case in labels}
    return found


def of_rootcausebench(folder: Path, _scope: Scope, _environments: Path) -> Others:
    """Return the newest change before the alert first, and chance; neither can say that no change is guilty."""
    found = Others()
    for case in sorted(p for p in folder.iterdir() if (p / "alert.json").is_file()):
        changes = rootcausebench.changes(case)
        found.add("recency", case.name, _by({c.id: c.time for c in changes}))
        places = {piece.service for piece in rootcausebench.shown(case) if piece.service}
        covered = {c.id: sum(s == c.service or any(s in f for f in c.files) for s in places) for c in changes}
        order = sorted(changes, key=lambda c: (-covered[c.id], -c.time, c.id))
        found.add("coverage + recency", case.name, [c.id for c in order])
        found.add("chance", case.name, _shuffled([c.id for c in changes], case.name))
    return found


def _shuffled(names: object, case: str) -> list[str]:
    order = sorted(map(str, names))  # type: ignore[call-overload]
    random.Random(f"{SEED} {case}").shuffle(order)
    return order
