"""Writers: each turns the simulated incident into the files of one outside system."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.scenarios.writers import (
    alert,
    events,
    gitlog,
    gpu,
    lineage,
    metrics,
    mlflow_store,
    tables,
    traces,
    truth,
)

if TYPE_CHECKING:
    from workbench.scenarios.incident import Incident

REGISTRY = mlflow_store.write
"""Writes the model registry in a process of its own, so the others need not wait for it."""
WRITERS: tuple[tuple[str, Callable[[Incident, Path], None]], ...] = (
    ("traces", traces.write),
    ("lineage", lineage.write),
    ("metrics", metrics.write),
    ("GPU recordings", gpu.write),
    ("tables", tables.write),
    ("changes", gitlog.write),
    ("change events", events.write),
    ("the alert", alert.write),
    ("the sealed truth", truth.write),
)
