"""Which attributes fill which typed columns, and the many attributes of many spans as Arrow columns.

Attribute names stand in the tables below and nowhere else; ``docs/sources-otlp.md`` explains them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.columnar import schema
from workbench.model.tables import SPANS

RESOURCE_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "service": ("service.name",),
    "environment": ("deployment.environment.name", "deployment.environment"),
}
"""Typed column -> resource attributes that fill it, the first one present counts."""

SPAN_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "run_id": ("mlflow.run_id", "ml.run_id"),
    "model": ("mlflow.model.name", "ml.model.name", "gen_ai.request.model"),
    "model_version": ("mlflow.model.version", "ml.model.version"),
    "feature_version": ("feature.version", "ml.feature.version"),
    "data_version": ("data.version", "ml.data.version"),
    "prediction_id": ("prediction.id", "ml.prediction.id"),
    "host": ("host.name", "k8s.pod.name"),
    "gpu": ("gpu.uuid", "hw.id", "gpu.index"),
    "region": ("cloud.region", "cloud.availability_zone"),
}
"""Typed column -> attributes of the span, else of its resource, that fill it, the first one present counts."""


@dataclass(frozen=True)
class Extractor:
    """Read a latency from attributes: the sum of all *keys*, times *to_ms*; null unless all are numbers."""

    keys: tuple[str, ...]
    to_ms: float
    sender: str


LATENCY_COLUMNS: Mapping[str, tuple[Extractor, ...]] = {
    "queue_wait_ms": (
        Extractor(("queue_wait_ms",), 1.0, "any"),
        Extractor(("serving.queue_wait_ms",), 1.0, "any"),
        Extractor(("ml.queue_wait_ms",), 1.0, "any"),
        Extractor(("gen_ai.latency.time_in_queue",), 1e3, "vLLM"),
    ),
    "forward_pass_ms": (
        Extractor(("forward_pass_ms",), 1.0, "any"),
        Extractor(("serving.forward_pass_ms",), 1.0, "any"),
        Extractor(("ml.forward_pass_ms",), 1.0, "any"),
        Extractor(("gen_ai.latency.time_in_model_prefill", "gen_ai.latency.time_in_model_decode"), 1e3, "vLLM"),
        Extractor(("gen_ai.latency.time_in_model_inference",), 1e3, "vLLM"),
        Extractor(("gen_ai.latency.time_in_model_forward",), 1e3, "vLLM 0.x"),
    ),
}
"""Typed column -> extractors, the first one that gives a number counts. The attributes stay in the map."""

_TEXTS = schema(SPANS).field("attributes").type


@dataclass(frozen=True)
class Origin:
    """Hold what all spans of one resource and scope share: typed columns, and the rest as text."""

    columns: Mapping[str, str | None]
    rest: Mapping[str, str | None]
    labels: Mapping[str, str | None]
    """All attributes under their own names, apart from service and environment: for tables without typed columns."""

    @classmethod
    def of(cls, resource: Mapping[str, str | None], scope: Mapping[str, str | None]) -> Origin:
        """Split a resource's attributes into typed columns and the rest; the scope's join the rest."""
        rest = {**scope, **resource}
        columns = _take(rest, RESOURCE_COLUMNS)
        labels = dict(rest)
        return cls(columns | _take(rest, SPAN_COLUMNS), rest, labels)


def _take(attributes: dict[str, str | None], columns: Mapping[str, tuple[str, ...]]) -> dict[str, str | None]:
    """Move attributes into the typed columns that they fill."""
    taken = {}
    for column, names in columns.items():
        name = next((n for n in names if attributes.get(n) is not None), None)
        taken[column] = attributes.pop(name) if name is not None else None
    return taken


def scope_attributes(scope: object, attributes: Mapping[str, str | None]) -> dict[str, str | None]:
    """Name an instrumentation scope the way OpenTelemetry does where a format has no place for it."""
    named = {f"otel.scope.{k}": v for k, v in attributes.items()}
    if isinstance(scope, Mapping):
        for part in ("name", "version"):
            value = scope.get(part)
            if isinstance(value, str) and value:
                named[f"otel.scope.{part}"] = value
    return named


@dataclass(frozen=True)
class Attributes:
    """Hold the attributes of *rows* items, flat: attribute i belongs to ``row[i]`` and is named ``names[code[i]]``."""

    rows: int
    row: np.ndarray
    code: np.ndarray
    names: Sequence[str]
    value: pa.Array
    """Text, null where the sender gave no value."""

    @cached_property
    def codes(self) -> dict[str, int]:
        """Return the code of each name."""
        return {name: i for i, name in enumerate(self.names)}

    def column(self, name: str) -> pa.Array | None:
        """Return one attribute over all rows, null where it is missing; None where no row has it."""
        code = self.codes.get(name)
        if code is None:
            return None
        at = np.flatnonzero(self.code == code)
        place = np.full(self.rows, -1, dtype=np.int64)
        place[self.row[at]] = at
        return self.value.take(pa.array(place, mask=place < 0))

    def without(self, taken: np.ndarray) -> Attributes:
        """Drop the attributes marked in a boolean array as long as ``row``."""
        kept = ~taken
        value = self.value.filter(pa.array(kept))
        return Attributes(self.rows, self.row[kept], self.code[kept], self.names, value)

    def as_map(self) -> pa.Array:
        """Return all attributes as one map column: names sorted, the last of equal names counts."""
        rank = np.empty(len(self.names), dtype=np.int64)
        rank[sorted(range(len(self.names)), key=self.names.__getitem__)] = np.arange(len(self.names))
        sort = self.row * max(len(self.names), 1) + rank[self.code]
        order = np.argsort(sort, kind="stable")
        ordered = sort[order]
        last = np.ones(len(order), dtype=bool)
        last[:-1] = ordered[1:] != ordered[:-1]
        order = order[last]
        offsets = np.zeros(self.rows + 1, dtype=np.int32)
        np.cumsum(np.bincount(self.row[order], minlength=self.rows), out=offsets[1:])
        names = pa.array(self.names, pa.string()).take(pa.array(self.code[order]))
        return pa.MapArray.from_arrays(pa.array(offsets), names, self.value.take(pa.array(order)), type=_TEXTS)


def typed_columns(attributes: Attributes) -> tuple[dict[str, pa.Array], Attributes]:
    """Return the typed columns that attributes fill, and the attributes that are left."""
    columns: dict[str, pa.Array] = dict(_latencies(attributes))
    taken = np.zeros(len(attributes.row), dtype=bool)
    for column, names in SPAN_COLUMNS.items():
        filled = np.zeros(attributes.rows, dtype=bool)
        for name in names:
            values = attributes.column(name)
            if values is None:
                continue
            have = pc.is_valid(values).to_numpy(zero_copy_only=False) & ~filled
            taken |= (attributes.code == attributes.codes[name]) & have[attributes.row]
            filled |= have
            columns[column] = values if column not in columns else pc.coalesce(columns[column], values)
    return columns, attributes.without(taken) if taken.any() else attributes


def _latencies(attributes: Attributes) -> dict[str, pa.Array]:
    columns = {}
    for column, extractors in LATENCY_COLUMNS.items():
        figures = np.full(attributes.rows, math.nan)
        for extractor in extractors:
            parts = [attributes.column(key) for key in extractor.keys]
            if any(part is None for part in parts):
                continue
            total = sum(_figures(part) for part in parts) * extractor.to_ms
            figures = np.where(np.isnan(figures), total, figures)
        if not np.isnan(figures).all():
            columns[column] = pa.array(figures, from_pandas=True)
    return columns


def _figures(texts: pa.Array) -> np.ndarray:
    """Return text as floats; NaN where it is missing, no number or infinite."""
    figures = np.full(len(texts), math.nan)
    for i, text in enumerate(texts.to_pylist()):
        if text is not None:
            try:
                figure = float(text)
            except ValueError:
                continue
            if math.isfinite(figure):
                figures[i] = figure
    return figures


def merge_origins(origins: Sequence[Origin], origin: np.ndarray, columns: dict[str, pa.Array]) -> dict[str, pa.Array]:
    """Add to *columns* what the rows' origins say where the span itself is silent; *origin* is (rows,)."""
    index = pa.array(origin)
    merged = dict(columns)
    for column in (*RESOURCE_COLUMNS, *SPAN_COLUMNS):
        shared = [o.columns[column] for o in origins]
        if any(value is not None for value in shared):
            values = pa.array(shared, pa.string()).take(index)
            merged[column] = pc.coalesce(columns[column], values) if column in columns else values
    rest = pa.array([sorted(o.rest.items()) for o in origins], _TEXTS)
    merged["resource"] = rest.take(index)
    return merged
