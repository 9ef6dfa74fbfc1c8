"""One incident for a shift at the app: version 42 fails in one region, a figure fell and recovered, runs differ."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tests.strategies.triage import HOOK, NOW, STAMP, two_leads
from workbench.bench import Bench, open_bench
from workbench.case import operations
from workbench.case.operations import Outcome, operation
from workbench.columnar import build
from workbench.config import ActSettings, Settings
from workbench.model.tables import CHANGES, KPIS, SPANS, TABLES
from workbench.model.window import DAY_NS, HOUR_NS, MINUTE_NS

ONSET = "2026-03-11 13:00 UTC"
MISSING = "metric samples"
BASELINE = "2026-03-10T13:00:00Z/2026-03-10T14:00:00Z"
WORST = f"{7:032x}"
"""The trace that takes longest of those that failed."""
REQUESTS = 900
_ONSET_NS = NOW - 100 * MINUTE_NS


@contextlib.contextmanager
def shift(folder: Path) -> Iterator[Bench]:
    """Hold the incident with its first findings; nothing was contrasted, pinned or verified yet."""
    operations.register(operation("shift_test_rank", mode="computed", run=_ranked, doc="Rank."))
    settings = Settings(hooks=(HOOK,), act=ActSettings(windows=2))
    with open_bench(folder / "store", who="ada", settings=settings, clock=lambda: NOW) as bench:
        bench.store.append({"kpis": _kpis(), "changes": _changes(), "spans": _spans(), "lineage_edges": _edges()})
        case = bench.case("INC-1", entity="kpi:approval", signal="approval_rate",
                          window="2026-03-11T13:00Z/2026-03-11T14:00Z")  # fmt: skip
        for name in ("scope", "lineage", "shift_test_rank"):
            case.call(name)
        yield bench
    operations._REGISTERED.pop("shift_test_rank")


def _ranked(reading: Any) -> Outcome:
    return two_leads(reading, _ONSET_NS - 20 * MINUTE_NS)


def _kpis() -> Any:
    times = list(range(NOW - 10 * DAY_NS, NOW, 5 * MINUTE_NS))
    bad = range(_ONSET_NS, NOW - 40 * MINUTE_NS)
    values = [0.7 if t in bad else 0.9 + 0.001 * (i % 7) for i, t in enumerate(times)]
    return build(KPIS, {**STAMP, "kpi": "approval", "segment": "", "time_ns": times, "value": values})


def _changes() -> Any:
    return build(CHANGES, {**STAMP, "change_id": ["c1", "c2"], "kind": ["deploy", "commit"],
                           "time_ns": [NOW - 110 * MINUTE_NS, NOW - 3 * HOUR_NS],
                           "entity": ["service:scoring", "dataset:raw"], "title": ["v42", "Clean up"]})  # fmt: skip


def _spans() -> Any:
    """Return requests of two hours around the onset, one span each; version 42 fails in region c."""
    rng = np.random.default_rng(5)
    start = np.sort(rng.integers(_ONSET_NS - HOUR_NS, _ONSET_NS + HOUR_NS, REQUESTS))
    version = np.where(rng.random(REQUESTS) < 0.5, "42", "41")
    region = np.array(["a", "b", "c"])[rng.integers(0, 3, REQUESTS)]
    slow = (version == "42") & (region == "c") & (start >= _ONSET_NS)
    took = (rng.lognormal(3, 0.3, REQUESTS) * 1e6 * np.where(slow, 4, 1)).astype(np.int64)
    failed = slow & (rng.random(REQUESTS) < 0.9)
    traces = [f"{i + 1000:032x}" for i in range(REQUESTS)]
    worst = int(np.flatnonzero(failed)[0])
    traces[worst], took[worst] = WORST, 9_000_000_000
    return build(SPANS, {
        **STAMP, "trace_id": traces, "span_id": [f"{i:016x}" for i in range(REQUESTS)], "service": "scoring",
        "name": "POST /score", "kind": "server", "start_ns": start, "end_ns": start + took, "duration_ns": took,
        "status": np.where(failed, "error", "ok").tolist(), "model": "approve", "model_version": version.tolist(),
        "region": region.tolist(), "attributes": [{}] * REQUESTS})  # fmt: skip


def _edges() -> Any:
    """Return what feeds the figure, seen once a day in a run each; the newest run reads another table too."""
    steps = [
        ("dataset:raw", "dataset:features"),
        ("dataset:features", "model:approve"),
        ("model:approve", "kpi:approval"),
    ]
    rows = [(a, b, f"run-{day}", NOW - (day * 24 + 3) * HOUR_NS) for day in range(3) for a, b in steps]
    rows.append(("dataset:extra", "kpi:approval", "run-0", NOW - 3 * HOUR_NS))
    up, down, runs, times = (list(column) for column in zip(*rows, strict=True))
    return build(TABLES["lineage_edges"], {**STAMP, "upstream": up, "downstream": down, "job": "etl/daily",
                                           "job_run": runs, "rule": "same_event", "time_ns": times})  # fmt: skip
