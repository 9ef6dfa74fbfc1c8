"""Where a request's time went: waiting in a queue, preparing, the forward pass, finishing, and what nobody claims.

Every number names its source; where two sources disagree, both stay visible as a contradiction.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import pandas as pd

from workbench.model.intervals import total

Part = Literal["queue_wait", "pre", "forward_pass", "post"]
PARTS: tuple[Part, ...] = ("queue_wait", "pre", "forward_pass", "post")
TOLERANCE = 0.10
TOLERANCE_MS = 1.0
"""Two sources contradict each other beyond both of these."""


@dataclass(frozen=True)
class Extractor:
    """Say where one kind of sender states a part of a request's time."""

    source: str
    versions: str
    kind: Literal["column", "attribute", "child span", "metric"]
    key: str
    part: Part
    to_ms: float
    """What the sender's unit is multiplied by; 0 for a span, whose length counts."""


EXTRACTORS: tuple[Extractor, ...] = (
    Extractor("OTel span", "any", "column", "queue_wait_ms", "queue_wait", 1.0),
    Extractor("OTel span", "any", "column", "forward_pass_ms", "forward_pass", 1.0),
    Extractor("SGLang", ">=0.4", "child span", "prefill_waiting", "queue_wait", 0.0),
    Extractor("SGLang", ">=0.4", "child span", "prefill_forward", "forward_pass", 0.0),
    Extractor("SGLang", ">=0.4", "child span", "decode_loop", "forward_pass", 0.0),
    Extractor("vLLM", ">=0.6", "attribute", "gen_ai.latency.time_in_queue", "queue_wait", 1e3),
    Extractor("vLLM", ">=0.8", "attribute", "gen_ai.latency.time_in_model_prefill", "forward_pass", 1e3),
    Extractor("vLLM", ">=0.8", "attribute", "gen_ai.latency.time_in_model_decode", "forward_pass", 1e3),
    Extractor("plain spans", "any", "child span", "queue_wait", "queue_wait", 0.0),
    Extractor("plain spans", "any", "child span", "preprocess", "pre", 0.0),
    Extractor("plain spans", "any", "child span", "forward_pass", "forward_pass", 0.0),
    Extractor("plain spans", "any", "child span", "postprocess", "post", 0.0),
    Extractor("Triton", "metrics v2", "metric", "nv_inference_queue_duration_us", "queue_wait", 1e-3),
    Extractor("Triton", "metrics v2", "metric", "nv_inference_compute_input_duration_us", "pre", 1e-3),
    Extractor("Triton", "metrics v2", "metric", "nv_inference_compute_infer_duration_us", "forward_pass", 1e-3),
    Extractor("Triton", "metrics v2", "metric", "nv_inference_compute_output_duration_us", "post", 1e-3),
)
"""In order of trust: of two sources the earlier one gives the number. SGLang's spans stand before its
attributes, which contradict them and are not read. Keys of one source and part add up."""
_OF_SPANS = {part: [e for e in EXTRACTORS if e.part == part and e.kind != "metric"] for part in PARTS}
_ATTRIBUTES = [e.key for e in EXTRACTORS if e.kind == "attribute"]
_CHILD_FORWARD = {e.key for e in EXTRACTORS if e.part == "forward_pass" and e.kind == "child span"}

_REQUESTS, _TOTAL_US = "nv_inference_request_success", "nv_inference_request_duration_us"


def split_requests(spans: pd.DataFrame) -> pd.DataFrame:
    """Return one row a request (a span whose parent is of another service, or unseen).

    *spans*: rows of the table spans. Columns of the answer: trace_id, span_id, service, name, start_ns,
    total_ms, for each part ``<part>_ms`` (null where nobody says) and ``<part>_source``, residual_ms
    (null where no part is known), and contradictions (a list of sentences). A forward pass that
    served several requests is taken from the batch's span, which links to them.
    """
    cells = [spans[name].to_numpy(dtype=object).tolist() for name in spans]
    names = [str(name) for name in spans]
    rows: list[dict[str, Any]] = [dict(zip(names, row, strict=True)) for row in zip(*cells, strict=True)]
    for row in rows:
        row["attributes"] = _stated(row.get("attributes"))
    heard = _heard(rows)
    by_id = {(r["trace_id"], r["span_id"]): r for r in rows}
    children: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        if isinstance(row.get("parent_span_id"), str):
            children.setdefault((row["trace_id"], row["parent_span_id"]), []).append(row)
    batches = _batches(rows)
    found = []
    for row in rows:
        parent = by_id.get((row["trace_id"], str(row.get("parent_span_id"))))
        if parent is None or parent.get("service") != row.get("service"):
            family = _family(row, children)
            found.append(_split(row, family, batches, heard))
    columns = ["trace_id", "span_id", "service", "name", "start_ns", "total_ms",
               *(f"{p}_{what}" for p in PARTS for what in ("ms", "source")),
               "residual_ms", "contradictions"]  # fmt: skip
    return pd.DataFrame(found, columns=columns)


def split_triton(samples: pd.DataFrame) -> pd.DataFrame:
    """Return the mean split per request of each model from Triton's cumulative counters.

    *samples*: rows of metric_samples of at least two scrapes. The counters' growth counts, a restart
    included. Columns: entity, model, model_version, requests, total_ms, ``<part>_ms``, residual_ms; null
    where no request was served.
    """
    grown: dict[tuple[str, str, str], dict[str, float]] = {}
    for row in samples.sort_values("time_ns").groupby(["series", "entity", "metric"], sort=True):
        (_, entity, metric), own = row
        if not str(metric).startswith("nv_inference_"):
            continue
        labels = _texts(own["labels"].iloc[-1]) if "labels" in own else {}
        key = (str(entity), labels.get("model", ""), labels.get("version", ""))
        of = grown.setdefault(key, {})
        of[str(metric)] = of.get(str(metric), 0.0) + growth(own["value"].dropna().tolist())
    found = []
    for (entity, model, version), by_metric in sorted(grown.items()):
        requests = by_metric.get(_REQUESTS, 0.0)

        def mean(metric: str, by: Mapping[str, float] = by_metric, n: float = requests) -> float | None:
            return by[metric] / 1e3 / n if metric in by and n > 0 else None

        parts = {e.part: mean(e.key) for e in EXTRACTORS if e.kind == "metric"}
        whole = mean(_TOTAL_US)
        known = [v for v in parts.values() if v is not None]
        found.append({"entity": entity, "model": model or None, "model_version": version or None, "requests": requests,
                      "total_ms": whole, **{f"{p}_ms": parts.get(p) for p in PARTS},
                      "residual_ms": whole - sum(known) if whole is not None and known else None})  # fmt: skip
    columns = ["entity", "model", "model_version", "requests", "total_ms", *(f"{p}_ms" for p in PARTS), "residual_ms"]
    return pd.DataFrame(found, columns=columns)


def growth(values: Sequence[float]) -> float:
    """Return how far a counter grew; after a restart it began at 0."""
    return float(sum(b - a if b >= a else b for a, b in pairwise(values)))


def _family(root: dict[str, Any], children: Mapping[tuple[str, str], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return a request's own spans: itself and its descendants; a circle of parents ends."""
    found, seen, waiting = [], set(), [root]
    while waiting:
        row = waiting.pop()
        key = (row["trace_id"], row["span_id"])
        if key not in seen:
            seen.add(key)
            found.append(row)
            waiting += children.get(key, [])
    return found


def _heard(rows: Sequence[dict[str, Any]]) -> dict[Part, list[Extractor]]:
    """Return for each part the extractors that any of the spans has something for: most say little."""
    names = {r.get("name") for r in rows}
    stated = {key for r in rows for key in r["attributes"]}
    columns = {e.key for e in EXTRACTORS if e.kind == "column" and any(_cell(e, r) is not None for r in rows)}
    keys = {"child span": names, "attribute": stated, "column": columns}
    return {part: [e for e in own if e.key in keys[e.kind]] for part, own in _OF_SPANS.items()}


def _cell(extractor: Extractor, row: Mapping[str, Any]) -> float | None:
    """Return the number that a span states in its column or attribute."""
    where = row if extractor.kind == "column" else row["attributes"]
    return _number(where[extractor.key]) if extractor.key in where else None


def _split(
    row: dict[str, Any],
    family: list[dict[str, Any]],
    batches: Mapping[tuple[str, str], Any],
    heard: Mapping[Part, Sequence[Extractor]],
) -> dict[str, Any]:
    whole = row["duration_ns"] / 1e6
    answer: dict[str, Any] = {k: row.get(k) for k in ("trace_id", "span_id", "service", "name", "start_ns")}
    answer["total_ms"] = whole
    contradictions: list[str] = []
    known = []
    names = {str(r.get("name")) for r in family[1:]}
    for part in PARTS:
        said = _said(heard[part], family, names) if heard[part] else []
        if part == "forward_pass":
            said += [batches[key] for r in family if (key := (r["trace_id"], r["span_id"])) in batches]
        answer[f"{part}_ms"], answer[f"{part}_source"] = said[0] if said else (None, None)
        for value, source in said[1:]:
            first, where = said[0]
            if abs(value - first) > max(TOLERANCE_MS, TOLERANCE * max(value, first)):
                contradictions.append(f"{part}: {first:.3f} ms by {where}, yet {value:.3f} ms by {source}")
        if said:
            known.append(said[0][0])
    answer["residual_ms"] = whole - sum(known) if known else None
    if known and sum(known) > whole + max(TOLERANCE_MS, TOLERANCE * whole):
        contradictions.append(f"the parts add up to {sum(known):.3f} ms, yet the request took {whole:.3f} ms")
    answer["contradictions"] = contradictions
    return answer


def _said(extractors: Sequence[Extractor], family: list[dict[str, Any]], names: set[str]) -> list[tuple[float, str]]:
    """Return what each source says of a part, the most trusted first: ms and where it stands.

    *extractors*: those of the part that may find something; *names*: of all spans of the family but the request's own.
    """
    found: dict[tuple[str, str], list[tuple[float, str]]] = {}
    for extractor in extractors:
        if extractor.kind == "child span" and extractor.key not in names:
            continue
        value = _value(extractor, family)
        if value is not None:
            found.setdefault((extractor.source, extractor.kind), []).append((value, extractor.key))
    return [
        (sum(value for value, _ in values), f"{source} {kind} {' + '.join(key for _, key in values)}")
        for (source, kind), values in found.items()
    ]


def _value(extractor: Extractor, family: Sequence[dict[str, Any]]) -> float | None:
    """Return what the spans say in ms: attributes add up, spans that overlap count once."""
    if extractor.kind == "child span":
        spans = [(int(r["start_ns"]), int(r["end_ns"])) for r in family[1:] if r.get("name") == extractor.key]
        return total(spans) / 1e6 if spans else None
    values = []
    for row in family:
        number = _cell(extractor, row)
        if number is not None:
            values.append(number * extractor.to_ms)
    return sum(values) if values else None


def _batches(rows: Iterable[dict[str, Any]]) -> dict[tuple[str, str], tuple[float, str]]:
    """Return for each span that a batch's forward pass links to: its length in ms, and in words whose it is."""
    found: dict[tuple[str, str], tuple[float, str]] = {}
    for row in rows:
        if row.get("name") not in _CHILD_FORWARD:
            continue
        linked = {(str(link.get("trace_id")), str(link.get("span_id"))) for link in _links(row.get("links"))}
        for key in linked:
            found[key] = (row["duration_ns"] / 1e6, f"span {row['name']} of a batch of {len(linked)}, by its link")
    return found


def _links(value: Any) -> list[dict[str, Any]]:  # JSON text of the table, or its parsed form
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return []
    return [link for link in value if isinstance(link, dict)] if isinstance(value, list) else []


def _texts(value: Any) -> dict[str, str]:  # a map column is a dict, or a list of pairs
    if isinstance(value, Mapping):
        return {str(k): str(v) for k, v in value.items()}
    return {str(k): str(v) for k, v in value} if isinstance(value, list | tuple) else {}


def _stated(attributes: Any) -> dict[str, str]:  # as for `_texts`; only what some source is known to state
    if isinstance(attributes, Mapping):
        return {key: str(attributes[key]) for key in _ATTRIBUTES if key in attributes}
    return {key: said for key, said in _texts(attributes).items() if key in _ATTRIBUTES}


def _number(value: Any) -> float | None:  # a cell or a text
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) and number >= 0 else None
