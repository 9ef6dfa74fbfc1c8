"""What MLflow holds, as plain values, whichever way it was reached: database file, folder or server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.sources._json import figure, integer, objects, text


@dataclass(frozen=True)
class DataInput:
    """One data set that a run read."""

    name: str
    digest: str | None
    location: str | None
    """Source as MLflow wrote it: JSON."""
    schema: str | None
    profile: str | None
    tags: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Sample:
    """One value of a metric over time."""

    key: str
    time_ms: int
    value: float | None


@dataclass(frozen=True)
class Run:
    """One run with everything logged to it."""

    run_id: str
    experiment: str | None
    name: str | None
    status: str | None
    start_ms: int | None
    end_ms: int | None
    params: Mapping[str, str | None]
    tags: Mapping[str, str | None]
    last: tuple[Sample, ...]
    """Last value of each metric."""
    inputs: tuple[DataInput, ...] = ()
    system: tuple[Sample, ...] = ()
    """All values of the system metrics."""


@dataclass(frozen=True)
class ModelVersion:
    """One version of a registered model."""

    model: str
    version: str
    run_id: str | None
    created_ms: int | None
    updated_ms: int | None
    status: str | None
    stage: str | None
    tags: Mapping[str, str | None]
    aliases: tuple[str, ...] = ()
    alias_ms: int | None = None
    """Last time the model's registry entry changed: no earlier than any alias was set, as far as MLflow keeps it."""


@dataclass(frozen=True)
class Trace:
    """One trace: its id as MLflow writes it, the run that it belongs to, its spans as OTLP JSON."""

    trace_id: str
    time_ns: int | None
    run_id: str | None
    tags: Mapping[str, str | None]
    spans: tuple[Mapping[str, Any], ...]


def pairs(sent: object) -> dict[str, str | None]:
    """Return a list of ``{key, value}`` as a mapping."""
    return {str(each["key"]): text(each.get("value")) for each in objects(sent) if each.get("key")}


def samples(sent: object) -> tuple[Sample, ...]:
    """Return a list of ``{key, value, timestamp}``; NaN is null."""
    return tuple(
        Sample(str(each["key"]), time_ms, figure(each.get("value")))
        for each in objects(sent)
        if each.get("key") and (time_ms := integer(each.get("timestamp"))) is not None
    )


SYSTEM = "system/"


def system_keys(last: Iterable[Sample]) -> list[str]:
    """Return the names of the system metrics among a run's metrics."""
    return [sample.key for sample in last if sample.key.startswith(SYSTEM)]
