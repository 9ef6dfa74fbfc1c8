"""Where requests' time goes by the metrics of model servers that send no split in their spans.

Every server counts sums and numbers of requests; their growth over a window gives means. What a server does
not count stays unknown, and the residual is shown.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from workbench.analysis.latency import PARTS, Part, growth

What = Literal["total"] | Part


@dataclass(frozen=True)
class MetricExtractor:
    """Say which counters of one server hold a part of its requests' time."""

    server: str
    what: What
    sums: str
    """Counter of time."""
    counts: str
    """Counter of requests that the time was summed over."""
    to_ms: float


def _histogram(server: str, what: What, name: str, to_ms: float) -> MetricExtractor:
    return MetricExtractor(server, what, f"{name}_sum", f"{name}_count", to_ms)


METRIC_EXTRACTORS: tuple[MetricExtractor, ...] = (
    _histogram("vLLM", "total", "vllm:e2e_request_latency_seconds", 1e3),
    _histogram("vLLM", "queue_wait", "vllm:request_queue_time_seconds", 1e3),
    _histogram("vLLM", "forward_pass", "vllm:request_prefill_time_seconds", 1e3),
    _histogram("vLLM", "forward_pass", "vllm:request_decode_time_seconds", 1e3),
    _histogram("SGLang", "total", "sglang:e2e_request_latency_seconds", 1e3),
    _histogram("SGLang", "queue_wait", "sglang:queue_time_seconds", 1e3),
    MetricExtractor("TorchServe", "queue_wait", "ts_queue_latency_microseconds", "ts_inference_requests_total", 1e-3),
    MetricExtractor("TorchServe", "total", "ts_inference_latency_microseconds", "ts_inference_requests_total", 1e-3),
    _histogram("KServe", "pre", "request_preprocess_seconds", 1e3),
    _histogram("KServe", "forward_pass", "request_predict_seconds", 1e3),
    _histogram("KServe", "post", "request_postprocess_seconds", 1e3),
    _histogram("Ray Serve", "total", "ray_serve_http_request_latency_ms", 1.0),
    _histogram("Ray Serve", "forward_pass", "ray_serve_deployment_processing_latency_ms", 1.0),
)
"""Units differ by server: s, µs, ms. Parts of one server and kind add up (prefill and decode)."""

_MODEL = ("model_name", "model", "deployment")
COLUMNS = ["server", "entity", "model", "requests", "total_ms", *(f"{p}_ms" for p in PARTS), "residual_ms", "sources"]


def split_servers(samples: pd.DataFrame) -> pd.DataFrame:
    """Return the mean split per request of each model, by server: columns COLUMNS, ms, null where nobody counts.

    *samples*: rows of metric_samples of at least two scrapes. A counter that restarted began at 0. A model that
    served nothing meanwhile has no row. *sources* names the counters that each number comes from.
    """
    wanted = {m for e in METRIC_EXTRACTORS for m in (e.sums, e.counts)}
    rows = samples[samples["metric"].isin(wanted)].sort_values("time_ns")
    grown: dict[tuple[str, str], dict[str, float]] = {}
    for (_, entity, metric), own in rows.groupby(["series", "entity", "metric"], sort=True):
        labels = _labels(own["labels"].iloc[-1]) if "labels" in own else {}
        model = next((labels[name] for name in _MODEL if name in labels), "")
        of = grown.setdefault((str(entity), model), {})
        of[str(metric)] = of.get(str(metric), 0.0) + growth(own["value"].dropna().tolist())
    found = []
    for (entity, model), counters in sorted(grown.items()):
        for server in dict.fromkeys(e.server for e in METRIC_EXTRACTORS):
            line = _line(server, counters)
            if line is not None:
                found.append({"server": server, "entity": entity, "model": model or None, **line})
    return pd.DataFrame(found, columns=COLUMNS)


def _line(server: str, counters: Mapping[str, float]) -> dict[str, Any] | None:
    means: dict[str, float] = {}
    sources = []
    requests = 0.0
    for extractor in METRIC_EXTRACTORS:
        if extractor.server != server or extractor.sums not in counters:
            continue
        number = counters.get(extractor.counts, 0.0)
        if number <= 0:
            continue
        requests = max(requests, number)
        means[extractor.what] = means.get(extractor.what, 0.0) + counters[extractor.sums] / number * extractor.to_ms
        sources.append(extractor.sums)
    if not means or not all(math.isfinite(v) for v in means.values()):
        return None
    parts = {p: means.get(p) for p in PARTS}
    known = [v for v in parts.values() if v is not None]
    whole = means.get("total")
    residual = whole - sum(known) if whole is not None and known else None
    return {"requests": requests, "total_ms": whole, **{f"{p}_ms": v for p, v in parts.items()},
            "residual_ms": residual, "sources": ", ".join(sources)}  # fmt: skip


def _labels(value: Any) -> dict[str, str]:  # a map column is a dict, or a list of pairs
    pairs = value.items() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return {str(k): str(v) for k, v in pairs}
