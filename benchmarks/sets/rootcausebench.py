"""RootCauseBench (Edge Delta): which commit is guilty, or none?

Read per case: alert, logs, metrics, patterns, traces, commits, deploys and flags; never ``ground_truth.json``.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.sets import Prediction
from workbench.analysis.change_ranking import Change, Shown, guilty, rank_changes

SHIFTED = 4.0
"""Robust deviations from its first half that make a metric a shifted one."""


def predictions(folder: Path) -> Iterator[Prediction]:
    """Yield one prediction per case folder."""
    for case in sorted(p for p in folder.iterdir() if (p / "alert.json").is_file()):
        started = time.perf_counter()
        suspects = rank_changes(changes(case), shown(case), onset=_seconds(_json(case / "alert.json")["fired_at"]))
        named = guilty(suspects)
        ranking = [s.change.id for s in suspects]
        ranking.insert(0 if not named else len(ranking[:1]), "none")
        confidence = suspects[0].share if suspects else 0.0
        yield Prediction(
            case.name, tuple(ranking), "suspected" if named else "none", confidence, time.perf_counter() - started
        )


def changes(case: Path) -> list[Change]:
    """Return every commit, at the time of its first deployment where it has one."""
    deployed = {d["commit_sha"]: d for d in sorted(_json(case / "context" / "deploys.json"),
                                                   key=lambda d: str(d["timestamp"]), reverse=True)}  # fmt: skip
    found = []
    for commit in _json(case / "context" / "commits.json"):
        deploy = deployed.get(commit["sha"])
        when = deploy["timestamp"] if deploy else commit["timestamp"]
        found.append(
            Change(commit["sha"], _seconds(when), commit["message"], tuple(commit["files_changed"] or ()),
                   commit.get("diff") or "", deploy["service"] if deploy else "", deployed=deploy is not None)
        )  # fmt: skip
    return found


def shown(case: Path) -> list[Shown]:
    """Return what the evidence shows: the alert, risen patterns, errors, shifted metrics, failing or slow spans."""
    alert = _json(case / "alert.json")
    pieces = [Shown(f"{alert['metric']} {alert.get('summary', '')}", 1.0, alert["service"])]
    pieces += _patterns(_json(case / "patterns.json"))
    pieces += _errors(case / "logs.ndjson")
    pieces += _metrics(case / "metrics.csv")
    failing = [s for s in _json(case / "traces.json") if str(s.get("status", "")).upper() not in {"OK", "UNSET", ""}]
    pieces += [Shown(f"{s['name']} {s.get('status_message', '')}", 1.0, s["service"]) for s in failing]
    return pieces


def _patterns(patterns: list[dict[str, Any]]) -> list[Shown]:
    risen = []
    for pattern in patterns:
        rise = float(str(pattern["delta_vs_baseline"]).replace("+", "").replace(",", ""))
        usual = max(float(pattern["count"]) - rise, 0.0)
        # New or multiplied, rather than merely more of what is always there.
        if rise > usual:
            risen.append(Shown(pattern["signature"], 1.0 + math.log10(1.0 + rise) / 4, pattern.get("service", "")))
    return risen


def _errors(path: Path) -> list[Shown]:
    seen: dict[tuple[str, str], int] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        if str(record.get("severity_text", "")).upper() in {"ERROR", "FATAL", "WARN", "CRITICAL"}:
            extra = " ".join(str(v) for k, v in record.items() if k.startswith(("exception", "error", "db.")))
            key = (f"{record.get('msg', '')} {extra}", record.get("service", ""))
            seen[key] = seen.get(key, 0) + 1
    return [Shown(text, 1.0, service) for (text, service) in sorted(seen)]


def _metrics(path: Path) -> list[Shown]:
    rows = pd.read_csv(path)
    pieces = []
    for (service, metric), group in rows.groupby(["service", "metric"]):
        values = group["value"].to_numpy(float)
        before, after = values[: len(values) // 2], values[len(values) // 2 :]
        level = float(np.median(before))
        scale = max(1.4826 * float(np.median(np.abs(before - level))), 0.01 * abs(level), 1e-9)
        if np.abs(after - level).max() / scale >= SHIFTED:
            pieces.append(Shown(str(metric), 0.5, str(service)))
    return pieces


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
