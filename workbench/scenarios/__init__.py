"""Incidents with a known cause: a small ML system simulated, written only as files that third parties would send."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

Variant = Literal["cause", "no_cause", "decoy", "two_cause", "near_miss"]
VARIANTS: tuple[Variant, ...] = ("cause", "no_cause", "decoy", "two_cause", "near_miss")
Progress = Callable[[str, float], None]
"""Called with what is being done, and the share done so far (0..1)."""


def names() -> tuple[str, ...]:
    """Return the names of every fault that can be planted."""
    from workbench import plugins

    return plugins.names("fault")


def listing() -> list[dict[str, str]]:
    """Return one row a fault: name, title and mechanism, for ``workbench scenario list``."""
    from workbench import plugins

    faults = plugins.load_all("fault")
    return [{"name": name, "title": fault.title, "mechanism": fault.doc} for name, fault in faults.items()]


def create(
    name: str,
    *,
    seed: int,
    days: int = 31,
    variant: Variant = "cause",
    out: Path,
    progress: Progress | None = None,
) -> Path:
    """Write one incident below *out* as third-party files plus the sealed ``truth.json``; return *out*.

    The same arguments give the same bytes (the inside of ``mlflow.db`` apart). *days* is the length
    of the history, the incident included; *out* must be absent or empty.
    """
    from workbench.scenarios.incident import write

    return write(name, seed=seed, days=days, variant=variant, out=Path(out), progress=progress)
