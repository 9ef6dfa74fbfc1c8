"""Write metrics as OpenMetrics text with timestamps, one file an exporter."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.scenarios import figures
from workbench.scenarios.figures import Figure
from workbench.scenarios.mechanisms import Stall
from workbench.scenarios.mechanisms_data import Retry
from workbench.scenarios.serving import cpu_percent
from workbench.scenarios.world import BATCH_S, SLOT_S, stream

if TYPE_CHECKING:
    from workbench.scenarios.incident import Incident


def exporter(incident: Incident) -> str:
    """Return the name of the program that reports the business figures."""
    return f"{incident.world.domain.event.replace('_', '-')}-kpi-exporter"


def write(incident: Incident, out: Path) -> None:
    """Write ``metrics/*.openmetrics.txt``."""
    folder = out / "metrics"
    folder.mkdir()
    rng = stream(incident.world.seed, "scrapes")
    reports = {
        "business": (exporter(incident), incident.reported.business),
        "services": ("service-metrics", incident.reported.services),
        "model": ("model-metrics", [*incident.reported.model, *figures.labelled(incident), *_freshness(incident)]),
        "nodes": ("node-exporter", _hosts(incident, rng)),
        "cost": ("cost-exporter", figures.spending(incident)),
        "timing": ("decision-timing", figures.timing(incident)),
        "judge": ("explanation-judge", figures.judged(incident)),
    }
    for name, (job, found) in reports.items():
        gaps = _gaps(incident, rng)
        (folder / f"{name}.openmetrics.txt").write_text(_text(incident, job, found, gaps))


def _gaps(incident: Incident, rng: np.random.Generator) -> np.ndarray:
    """Return which scrapes failed: single ones, and one longer outage somewhere in the quiet weeks."""
    count = int(incident.plan.moment.end_s // SLOT_S)
    missing = rng.random(count) < 0.004
    start = int(rng.integers(0, max(count - 200, 1)))
    missing[start : start + int(rng.integers(2, 9))] = True
    return missing


def _text(incident: Incident, job: str, found: list[Figure], gaps: np.ndarray) -> str:
    world = incident.world
    kept = np.flatnonzero(~gaps)
    stamps = [f" {second}" for second in (world.start_s + (kept + 1) * SLOT_S).tolist()]
    lines: list[str] = []
    seen = ""
    for figure in found:
        if figure.metric != seen:
            lines += [f"# HELP {figure.metric} {figure.help}", f"# TYPE {figure.metric} gauge"]
            seen = figure.metric
        labels = ",".join(f'{k}="{v}"' for k, v in {"job": job, **figure.labels}.items())
        head = f"{figure.metric}{{{labels}}} "
        values = figure.values[kept].tolist()
        lines += [f"{head}{value:.6g}{stamp}" for value, stamp in zip(values, stamps, strict=True) if value == value]
    return "\n".join([*lines, "# EOF", ""])


def _hosts(incident: Incident, rng: np.random.Generator) -> list[Figure]:
    world = incident.world
    cpu = cpu_percent(world, incident.plan, incident.rows, incident.served)[: int(incident.plan.moment.end_s // SLOT_S)]
    steps = rng.normal(0, 0.25, cpu.shape).cumsum(0)
    memory = np.clip(
        rng.uniform(35, 60, len(world.hosts)) + steps - 0.98 * np.maximum.accumulate(np.abs(steps)) * np.sign(steps),
        10,
        92,
    )
    found = [
        Figure("node_cpu_utilization_percent", {"instance": host}, cpu[:, i], "CPU in use")
        for i, host in enumerate(world.hosts)
    ]
    return found + [
        Figure("node_memory_used_percent", {"instance": host}, memory[:, i], "Memory in use")
        for i, host in enumerate(world.hosts)
    ]


def _freshness(incident: Incident) -> list[Figure]:
    """Return how old the newest copy of each feature view is, as the feature store says."""
    world = incident.world
    count = int(incident.plan.moment.end_s // SLOT_S)
    now = (np.arange(count) + 1.0) * SLOT_S
    found = []
    for v, view in enumerate(world.views):
        copied = np.floor((now - 360) / BATCH_S) * BATCH_S + 360
        for retry in incident.plan.of(Retry):
            if retry.view == v:
                missed = np.ceil(retry.start_s / BATCH_S) * BATCH_S + 360
                copied = np.where((now >= missed) & (now < missed + retry.after_s), missed - BATCH_S, copied)
        for stall in incident.plan.of(Stall):
            if stall.view == v:
                copied = np.where(now >= stall.start_s, np.minimum(copied, stall.start_s), copied)
        found.append(
            Figure("feature_view_age_seconds", {"feature_view": view.name}, now - copied, "Age of the newest copy")
        )
    return found
