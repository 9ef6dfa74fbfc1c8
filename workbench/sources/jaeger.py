"""Jaeger: traces as its query API and its page write them, one, several, or wrapped in ``data``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from workbench.sources import Batch, Context, Head, Rejection, Source
from workbench.sources._json import documents, mapping, objects, text
from workbench.sources._spans_as_otlp import attributes, batch, interval, nanoseconds

_OWN = re.compile(rb'"(?:traceID|spanID)"\s*:\s*"')
_NAMED = re.compile(rb'"(?:operationName|processID|processes|references)"\s*:')
_STATES = {"ERROR": 2, "OK": 1}
_TOLD = frozenset({"span.kind", "otel.status_code", "otel.status_description"})
"""Tags that become columns of their own."""


def recognise(head: Head) -> float:
    """Return .95 for JSON with Jaeger's spelling of ids beside one of its own names, 0 for anything else."""
    start = head.start.removeprefix(b"\xef\xbb\xbf").lstrip()
    return 0.95 if start[:1] in (b"{", b"[") and _OWN.search(start) and _NAMED.search(start) else 0.0


def read(stream: BinaryIO | Path, context: Context) -> Iterator[Batch]:
    """Yield the spans of each trace of an inflated file; what is no trace is a rejection with its place."""
    if isinstance(stream, Path):
        with stream.open("rb") as opened:
            yield from read(opened, context)
        return
    for found in documents(stream, context.place):
        if isinstance(found, Rejection):
            yield Batch({}, (found,))
            continue
        place, document = found
        traces = objects(mapping(document).get("data")) if "data" in mapping(document) else [mapping(document)]
        for trace in traces:
            if isinstance(trace.get("spans"), list):
                yield batch(list(_resources(trace, place)), "jaeger", context)
            else:
                reason = "JSON, but no trace of Jaeger: there is no list of spans"
                yield Batch({}, (Rejection.of(reason, place, repr(sorted(trace))[:200].encode()),))


def _resources(trace: Mapping[str, Any], place: str) -> Iterator[tuple[dict[str, object], list[dict[str, Any]], str]]:
    """Yield each process with its spans."""
    known = mapping(trace.get("processes"))
    by_process: dict[str, list[dict[str, Any]]] = {}
    alone: dict[str, Mapping[str, Any]] = {}
    for span in objects(trace.get("spans")):
        # Stores keep the process inside each span, the page beside them.
        process = text(span.get("processID")) or repr(sorted(mapping(span.get("process")).items(), key=str))
        alone[process] = mapping(known.get(process)) or mapping(span.get("process"))
        by_process.setdefault(process, []).append(_span(span, text(trace.get("traceID"))))
    for process, spans in by_process.items():
        shared: dict[str, object] = dict(_tags(alone[process].get("tags")))
        if alone[process].get("serviceName"):
            shared["service.name"] = text(alone[process]["serviceName"])
        yield shared, spans, place


def _span(span: Mapping[str, Any], trace_id: str | None) -> dict[str, Any]:
    tags = _tags(span.get("tags"))
    kind, own = tags.get("span.kind"), span.get("traceID") or trace_id
    found = {
        "traceId": own, "spanId": span.get("spanID"), "name": text(span.get("operationName")) or "",
        "attributes": attributes({name: value for name, value in tags.items() if name not in _TOLD}),
        "events": [_event(log) for log in objects(span.get("logs"))],
        **interval(span.get("startTime"), span.get("duration")), **_refers(span, own),
    }  # fmt: skip
    if isinstance(kind, str):
        found["kind"] = f"SPAN_KIND_{kind.upper()}"
    state, failed = text(tags.get("otel.status_code")), str(tags.get("error", "")).lower()
    code = _STATES.get((state or "").upper(), 2 if failed == "true" else 0)
    found["status"] = {"code": code, "message": text(tags.get("otel.status_description"))}
    return found


def _refers(span: Mapping[str, Any], trace_id: object) -> dict[str, Any]:
    """Return the parent, the first reference within the trace, children before followers, and the rest as links."""
    sent = objects(span.get("references"))
    near = sorted((r for r in sent if r.get("traceID", trace_id) == trace_id),
                  key=lambda r: r.get("refType") != "CHILD_OF")  # fmt: skip
    parent = near[0].get("spanID") if near else span.get("parentSpanID")
    links = [{"traceId": r.get("traceID"), "spanId": r.get("spanID"), "attributes": attributes(
        {"refType": text(r.get("refType"))})} for r in sent if not near or r is not near[0]]  # fmt: skip
    return {"parentSpanId": parent, "links": links}


def _event(log: Mapping[str, Any]) -> dict[str, Any]:
    fields = _tags(log.get("fields"))
    time_ns = nanoseconds(log.get("timestamp"))
    name = text(fields.pop("event", None)) or text(fields.pop("message", None)) or "log"
    return {"name": name, "timeUnixNano": None if time_ns is None else str(time_ns), "attributes": attributes(fields)}


def _tags(sent: object) -> dict[str, object]:
    return {tag["key"]: tag.get("value") for tag in objects(sent) if isinstance(tag.get("key"), str)}


SOURCE = Source(
    name="jaeger",
    title="Jaeger",
    doc="Traces as JSON, as Jaeger's query API gives them and its page saves them: one, several, or wrapped in data.",
    reads=("spans",),
    recognise=recognise,
    read=read,
)
