"""Metrics of OTLP as samples: gauges and sums as they are, histograms and summaries part by part.

Parts are named as Prometheus names them: ``_count``, ``_sum``, ``_bucket`` with a
cumulative count up to the label ``le``, and ``quantile``.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import orjson

from workbench.columnar import build
from workbench.model.entities import entity
from workbench.model.tables import METRICS
from workbench.sources import Batch, Context, Rejection
from workbench.sources._otlp_columns import Origin
from workbench.sources._otlp_json import groups
from workbench.sources._otlp_values import canonical_json, figure, integer, pairs

_KINDS = ("gauge", "sum", "histogram", "exponentialHistogram", "summary")
_DELTA = (1, "AGGREGATION_TEMPORALITY_DELTA")
_NO_RECORDED_VALUE = 1
_HOST_PREFIXES = ("system.", "host.", "hw.", "k8s.node.")
Temporality = Literal["delta", "cumulative"]
MAX_BUCKETS = 1024
"""A histogram with more buckets is refused: real ones have at most some hundreds."""


class Sample(NamedTuple):
    """One figure of a data point: *suffix* of the metric's name, labels that it adds, value, type."""

    suffix: str
    labels: Mapping[str, str]
    value: float | None
    type: str


def rows(documents: Sequence[tuple[Any, str]], context: Context) -> Batch:
    """Return the samples of parsed documents, each with its place; raise ValueError where one is no OTLP."""
    found: list[dict[str, Any]] = []
    rejections: list[Rejection] = []
    for document, place in documents:
        for group in groups(document, "metrics"):
            shared = {"environment": group.origin.columns["environment"] or context.environment, "place": place}
            for metric in group.items:
                for point, kind, temporality in _points(metric):
                    try:
                        found += [row | shared for row in _rows(metric, point, kind, temporality, group.origin)]
                    except ValueError as error:
                        rejections.append(_rejection(str(error), metric, point, place))
    columns: dict[str, Any] = {
        column.name: [row[column.name] for row in found]
        for column in METRICS
        if column.name not in ("source", "received_ns")
    }
    table = build(METRICS, columns | {"source": "otlp", "received_ns": context.received_ns})
    return Batch({METRICS.name: table}, tuple(rejections))


def _rejection(reason: str, metric: object, point: object, place: str) -> Rejection:
    name = metric.get("name") if isinstance(metric, Mapping) else None
    content = orjson.dumps({"name": name, "point": point}, default=str)
    made = Rejection.of(f"data point: {reason}", place, content)
    return Rejection(made.reason, place, made.length, made.sha256, content)


def _points(metric: object) -> Iterator[tuple[object, str, object]]:
    """Yield the data points of a metric, with the metric's kind and temporality."""
    if not isinstance(metric, Mapping):
        yield metric, "", None
        return
    for kind in _KINDS:
        held = metric.get(kind)
        if isinstance(held, Mapping) and isinstance(held.get("dataPoints"), list):
            temporality = held.get("aggregationTemporality")
            if kind == "sum" and temporality not in _DELTA and held.get("isMonotonic") is not True:
                kind = "gauge"  # a cumulative sum that falls too is read like a gauge
            for point in held["dataPoints"]:
                yield point, kind, temporality


def _rows(metric: Any, point: object, kind: str, temporality: object, origin: Origin) -> Iterator[dict[str, Any]]:
    """Yield the samples of one data point; raise ValueError where it has no name, time or shape."""
    if not isinstance(metric, Mapping) or not isinstance(point, Mapping):
        raise ValueError("not an object")
    name, unit = metric.get("name"), metric.get("unit")
    if not isinstance(name, str) or not name:
        raise ValueError("the metric has no name")
    time_ns = integer(point.get("timeUnixNano")) or 0
    if time_ns <= 0:
        raise ValueError("no time in nanoseconds")
    labels = dict(origin.labels) | pairs(point.get("attributes"))
    about = _entity(name, labels, origin)
    unknown = bool((integer(point.get("flags")) or 0) & _NO_RECORDED_VALUE)
    for sample in _SAMPLES[kind](point, "delta" if temporality in _DELTA else "cumulative"):
        full = name + sample.suffix
        own = {**labels, **sample.labels}
        yield {
            "series": _digest(about, full, own),
            "time_ns": time_ns,
            "entity": about,
            "metric": full,
            "value": None if unknown else sample.value,
            "unit": unit if isinstance(unit, str) and unit else None,
            "type": sample.type,
            "labels": own,
        }


def _digest(about: str, metric: str, labels: Mapping[str, str | None]) -> str:
    return hashlib.blake2b(canonical_json([about, metric, labels]).encode(), digest_size=16).hexdigest()


def _entity(metric: str, labels: Mapping[str, str | None], origin: Origin) -> str:
    """Return what a figure describes: the GPU it names, a host for host metrics, else the service."""
    host = origin.columns["host"]
    is_gpu = labels.get("hw.type") == "gpu" or metric.startswith("hw.gpu")
    gpu = labels.get("gpu.uuid") or (labels.get("hw.id") if is_gpu else None)
    index = labels.get("gpu.index")
    if gpu:
        return entity("gpu", gpu)
    if index:
        return entity("gpu", f"{host}/{index}" if host else index)
    service = origin.columns["service"]
    if host and (metric.startswith(_HOST_PREFIXES) or not service):
        return entity("host", host)
    return entity("service", service) if service else entity("source", "otlp")


def _gauge(point: Mapping[str, Any], _temporality: Temporality) -> list[Sample]:
    return [Sample("", {}, _number(point), "gauge")]


def _sum(point: Mapping[str, Any], temporality: Temporality) -> list[Sample]:
    return [Sample("", {}, _number(point), "delta" if temporality == "delta" else "counter")]


def _number(point: Mapping[str, Any]) -> float | None:
    return figure(point["asInt"]) if "asInt" in point else figure(point.get("asDouble"))


def _histogram(point: Mapping[str, Any], temporality: Temporality) -> list[Sample]:
    counts = _counts(point.get("bucketCounts"))
    bounds = [figure(bound) for bound in _list(point.get("explicitBounds"))]
    if counts and len(counts) != len(bounds) + 1:
        raise ValueError(f"{len(counts)} buckets do not fit {len(bounds)} bounds")
    if any(bound is None for bound in bounds):
        raise ValueError("a bound of a bucket is no number")
    edges = [*bounds, math.inf] if counts else []
    return _parts(point, temporality) + _buckets(edges, counts, temporality)


def _exponential(point: Mapping[str, Any], temporality: Temporality) -> list[Sample]:
    """Return the buckets of a base-2 exponential histogram by their upper bounds, the most negative first."""
    scale = integer(point.get("scale", 0))
    if scale is None or not -64 <= scale <= 64:
        raise ValueError("the scale is no small whole number")
    edges, counts = [], []
    negative, offset = _side(point.get("negative"))
    for i, count in reversed(list(enumerate(negative))):
        edges.append(-_bound(scale, offset + i))
        counts.append(count)
    zero_count = _counts([point.get("zeroCount", 0)])[0]
    edges.append(figure(point.get("zeroThreshold")) or 0.0)
    counts.append(zero_count)
    positive, offset = _side(point.get("positive"))
    for i, count in enumerate(positive):
        edges.append(_bound(scale, offset + i + 1))
        counts.append(count)
    if not edges or edges[-1] != math.inf:
        edges.append(math.inf)
        counts.append(0)
    return _parts(point, temporality) + _buckets(edges, counts, temporality)


def _side(buckets: object) -> tuple[list[int], int]:
    if not isinstance(buckets, Mapping):
        return [], 0
    offset = integer(buckets.get("offset", 0))
    if offset is None or abs(offset) > 2**32:
        raise ValueError("the offset of the buckets is no whole number")
    return _counts(buckets.get("bucketCounts")), offset


def _bound(scale: int, index: int) -> float:
    """Return base**index with base = 2**(2**-scale); infinite beyond the largest float."""
    try:
        return math.exp2(math.ldexp(index, -scale))
    except OverflowError:
        return math.inf if index > 0 else 0.0


def _summary(point: Mapping[str, Any], _temporality: Temporality) -> list[Sample]:
    samples = _parts(point, "cumulative", "summary")
    for item in _list(point.get("quantileValues"))[:MAX_BUCKETS]:
        quantile = figure(item.get("quantile", 0)) if isinstance(item, Mapping) else None
        if quantile is not None:
            samples.append(Sample("", {"quantile": repr(quantile)}, figure(item.get("value", 0)), "summary"))
    return samples


def _parts(
    point: Mapping[str, Any], temporality: Temporality, kind: Literal["histogram", "summary"] = "histogram"
) -> list[Sample]:
    """Return count and sum, and the extremes where they were sent."""
    part = f"{kind}_delta" if temporality == "delta" else kind
    count = figure(point.get("count", 0))
    samples = [Sample("_count", {}, count, part)]
    if "sum" in point or kind == "summary":
        samples.append(Sample("_sum", {}, figure(point.get("sum", 0)), part))
    samples += [Sample(f"_{name}", {}, figure(point[name]), "gauge") for name in ("min", "max") if name in point]
    return samples


def _buckets(edges: Sequence[float | None], counts: Sequence[int], temporality: Temporality) -> list[Sample]:
    part = "histogram_delta" if temporality == "delta" else "histogram"
    upto: dict[str, int] = {}
    total = 0
    for edge, count in zip(edges, counts, strict=True):
        total += count
        upto["+Inf" if edge == math.inf else repr(edge)] = total
    return [Sample("_bucket", {"le": edge}, float(count), part) for edge, count in upto.items()]


def _counts(sent: object) -> list[int]:
    numbers = [integer(one) for one in _list(sent)]
    if len(numbers) > MAX_BUCKETS:
        raise ValueError(f"{len(numbers)} buckets; at most {MAX_BUCKETS} are read")
    if any(number is None or number < 0 for number in numbers):
        raise ValueError("a bucket count is no whole number")
    return [number for number in numbers if number is not None]


def _list(sent: object) -> list[Any]:
    return sent if isinstance(sent, list) else []


_SAMPLES = {
    "gauge": _gauge,
    "sum": _sum,
    "histogram": _histogram,
    "exponentialHistogram": _exponential,
    "summary": _summary,
}
