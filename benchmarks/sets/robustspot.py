"""RobustSpot: in which slice of a video service's sessions do the bad ones concentrate?

Read per case: the counts per minute and attribute combination, and the minute of the alert from
``anomaly.yaml`` (its ``cause`` is left alone).
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from benchmarks.sets import Prediction
from workbench.analysis.scan import scan_slices

TOP = 20


def predictions(folder: Path) -> Iterator[Prediction]:
    """Yield one prediction per case listed in ``anomaly.yaml``."""
    listed = re.findall(r"data:\s*(.+?)\s*\n\s*timestamp:\s*(\d+)", (folder / "anomaly.yaml").read_text())
    for name, minute in listed:
        path = folder / f"{name}.csv"
        if not path.is_file():
            continue
        counts = pd.read_csv(path, dtype=str).astype({"min": "int64", "value": "float64", "cnt": "float64"})
        started = time.perf_counter()
        ranking, score = rank(counts, int(minute))
        verdict = "suspected" if score > 0 else "none"
        yield Prediction(name, ranking, verdict, 1.0 if score > 0 else 0.0, time.perf_counter() - started)


def rank(counts: pd.DataFrame, minute: int) -> tuple[tuple[str, ...], float]:
    """Rank the slices of one case; without an earlier minute, the other ones are the baseline."""
    attributes = sorted(set(counts.columns) - {"min", "value", "cnt"})
    now = counts[counts["min"] == minute]
    before = counts[counts["min"] < minute]
    if before.empty:
        before = counts[counts["min"] != minute]
    found = scan_slices(now, before, attributes=attributes, bad="value", total="cnt")
    return tuple(found["slice"].head(TOP)), float(found["score"].iloc[0])
