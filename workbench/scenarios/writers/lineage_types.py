"""What one run of one job says, before it is written as OpenLineage."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Data:
    """One data set in one event; what is None or empty is not said."""

    dataset: str
    columns: tuple[tuple[str, str], ...] = ()
    rows: int | None = None
    nulls: dict[str, int] = field(default_factory=dict)
    version: str = ""
    made_from: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    checks: tuple[tuple[str, str, bool], ...] = ()
    """(assertion, column, held)."""


@dataclass(frozen=True)
class JobRun:
    """One run of one job."""

    job: str
    start_s: float
    end_s: float
    inputs: tuple[Data, ...]
    outputs: tuple[Data, ...]
    error: str = ""
