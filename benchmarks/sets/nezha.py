"""Nezha TrainTicket (FSE 2023): which service is at fault, from spans, logs and pod metrics?

Read per case: ``inject_time`` and the windows; node, pod and group of ``labels.json`` are left alone. Quiet is what
was recorded before an injection, the named normal windows included; the recording's other quiet
windows serve as history. Evidences stay apart until each is a tail probability of its quiet windows.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.sets import Prediction
from workbench.analysis.event_rates import changed_events, events
from workbench.analysis.fusion import CHANCE, fuse, ranked, surprise
from workbench.analysis.visits import extra_time, visits

FAULTY_MINUTES = (1, 2)
"""Windows named so many minutes after the injection's hold its effect."""
AFTERMATH_S = 600
"""Seconds after an injection that are not quiet for resource metrics."""
RESOURCE_S = (45, 210)
"""Seconds after an injection whose samples tell of it: the first is scraped a minute late."""
BEFORE_S = 180
CPU, CPU_FLOOR = "CpuUsage(m)", 0.05
ALPHA = 1 / 3
"""A cause is named where at most this share of quiet windows look as bad: an alert has fired, so a miss costs more."""
TRACE_TEXTS = ("service", "name", "window", "trace_id", "span_id", "parent_id")


def predictions(folder: Path) -> Iterator[Prediction]:
    """Yield one prediction per injection."""
    started = time.perf_counter()
    labels = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    injected = {case: pd.Timestamp(label["inject_time"]) for case, label in labels.items()}
    parts = evidences(folder, injected)
    each = (time.perf_counter() - started) / max(len(injected), 1)
    yield from judged(parts, list(injected), each)


def judged(parts: Mapping[str, pd.DataFrame], cases: Collection[str], seconds: float) -> Iterator[Prediction]:
    """Yield one prediction per case from evidences that are calibrated already; *seconds* is what each took."""
    fused, leads = fuse(parts), fuse({name: part + CHANCE for name, part in parts.items()})
    quiet_best = fused[[w for w in fused if w.startswith("quiet")]].max().to_numpy(float)
    for case in cases:
        tail = tail_share(float(fused[case].max()), quiet_best)
        verdict = "suspected" if tail <= ALPHA else "none"
        yield Prediction(case, tuple(ranked(fused[case], leads[case])), verdict, 1 - tail, seconds)


def tail_share(best: float, quiet_best: np.ndarray) -> float:
    """Return the share of quiet windows whose best score is at least *best*, the window itself counted as one."""
    return (1 + float((quiet_best >= best).sum())) / (1 + len(quiet_best))


def evidences(
    folder: Path, injected: dict[str, pd.Timestamp], *, calibrate: Collection[str] | None = None
) -> dict[str, pd.DataFrame]:
    """Return latency, events and resource as surprise in nats, one row a service, one column a window.

    Quiet windows of the cases in *calibrate* alone, of all where it is None, say what is usual.
    """
    spans = pd.read_parquet(folder / "spans.parquet")
    spans = spans.astype(dict.fromkeys(TRACE_TEXTS, str))
    windows = _windows(spans["window"].unique(), injected)
    start = {f"quiet {case}": at.value for case, at in injected.items()}
    spans = spans.assign(window=spans["window"].map(windows)).dropna(subset=["window"])
    spans = spans[spans["start_ns"] < spans["window"].map(start).fillna(2**62)]
    visited = visits(spans)
    left_out = set() if calibrate is None else {f"quiet {case}" for case in injected if case not in calibrate}
    quiet = sorted(w for w in visited["window"].unique() if w.startswith("quiet") and w not in left_out)
    logs = pd.read_parquet(folder / "logs.parquet").astype({"log": str, "trace_id": str, "span_id": str})
    logs = logs.drop_duplicates(["trace_id", "span_id", "time_ns", "log"])
    services = sorted(visited["service"].unique())
    scores = {
        "events": changed_events(visited, events(visited, logs), quiet),
        "latency": extra_time(visited, quiet),
        "resource": resource(pd.read_parquet(folder / "metrics.parquet"), injected),
    }
    return {name: surprise(score.reindex(services), quiet) for name, score in scores.items()}


def _windows(names: np.ndarray, injected: dict[str, pd.Timestamp]) -> dict[str, str]:
    """Map the recording's windows to cases: the faulty ones to the case, the one before and normal ones to quiet."""
    found = {str(name): f"quiet {name}" for name in names if str(name).startswith("normal")}
    for case, at in injected.items():
        minute = at.floor("min")
        for offset in FAULTY_MINUTES:
            found[f"fault {(minute + pd.Timedelta(minutes=offset)).strftime('%Y-%m-%d %H:%M')}"] = case
        found[f"fault {minute.strftime('%Y-%m-%d %H:%M')}"] = f"quiet {case}"
    return found


def resource(metrics: pd.DataFrame, injected: dict[str, pd.Timestamp]) -> pd.DataFrame:
    """Return robust deviations of the log of CPU use, its busiest pod, per service and window."""
    once = metrics.drop_duplicates(["PodName", "TimeStamp"]).astype({"service": str})
    used = np.log1p(once.pivot_table(index="TimeStamp", columns="service", values=CPU, aggfunc="max").clip(lower=0))
    at = used.index.to_numpy()
    starts = {case: when.value // 10**9 for case, when in injected.items()}
    calm = np.ones(len(at), dtype=bool)
    for start in starts.values():
        calm &= ~((at >= start) & (at < start + AFTERMATH_S))
    usual = used[calm].median()
    scale = np.maximum(1.4826 * (used[calm] - usual).abs().median(), CPU_FLOOR)
    score = (used - usual) / scale
    found = {}
    for case, start in starts.items():
        found[case] = score[(at >= start + RESOURCE_S[0]) & (at < start + RESOURCE_S[1])].mean()
        found[f"quiet {case}"] = score[(at >= start - BEFORE_S) & (at < start)].mean()
    return pd.DataFrame(found)
