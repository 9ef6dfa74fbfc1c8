"""Zipkin: spans as JSON of version 2, as senders post them and its API gives them (lists, or lists of lists)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from workbench.sources import Batch, Context, Head, Rejection, Source
from workbench.sources._json import documents, mapping, objects, text, texts
from workbench.sources._spans_as_otlp import attributes, batch, interval, nanoseconds

MOST_SPANS = 50_000
"""Spans of one batch; both halves of a shared span are told apart where they stand in one batch."""
_OWN = re.compile(rb'"traceId"\s*:\s*"')
_NAMED = re.compile(rb'"(?:localEndpoint|remoteEndpoint|timestamp|duration|annotations|parentId)"\s*:')
_OTHERS = re.compile(rb'"(?:spanId|spanID|resourceSpans|startTimeUnixNano)"\s*:')


def recognise(head: Head) -> float:
    """Return .95 for a list with Zipkin's names and without those of others, 0 for anything else."""
    start = head.start.removeprefix(b"\xef\xbb\xbf").lstrip()
    own = start[:1] == b"[" and _OWN.search(start) and _NAMED.search(start)
    return 0.95 if own and not _OTHERS.search(start) else 0.0


def read(stream: BinaryIO | Path, context: Context) -> Iterator[Batch]:
    """Yield the spans of an inflated file; what is no span is a rejection with its place."""
    if isinstance(stream, Path):
        with stream.open("rb") as opened:
            yield from read(opened, context)
        return
    held: list[tuple[Mapping[str, Any], str]] = []
    for found in documents(stream, context.place):
        if isinstance(found, Rejection):
            yield Batch({}, (found,))
            continue
        place, document = found
        items = objects(document) if isinstance(document, list) else [mapping(document)]
        if not items or not all(items):
            yield Batch({}, (Rejection.of("JSON, but no span of Zipkin", place, repr(document)[:200].encode()),))
        held += [(item, place) for item in items if item]
        if len(held) >= MOST_SPANS:
            yield _batch(held, context)
            held = []
    if held:
        yield _batch(held, context)


def _batch(held: Sequence[tuple[Mapping[str, Any], str]], context: Context) -> Batch:
    renamed = _shared([span for span, _ in held])
    resources = [({"service.name": _service(span)} if _service(span) else {}, [_span(span, renamed)], place)
                 for span, place in held]  # fmt: skip
    return batch(resources, "zipkin", context)


def _shared(spans: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], tuple[str, str | None]]:
    """Return (trace, id) of spans whose client and server sent one id -> the server's new id and its service.

    Here each half is a span of its own: the server's becomes a child of the client's.
    """
    whole = {(str(s.get("traceId")), str(s.get("id"))) for s in spans if not _is_server_half(s)}
    halves = {(str(s.get("traceId")), str(s.get("id"))): _service(s) for s in spans if _is_server_half(s)}
    return {key: (sha256("/".join(key).encode()).hexdigest()[:16], service)
            for key, service in halves.items() if key in whole}  # fmt: skip


def _is_server_half(span: Mapping[str, Any]) -> bool:
    return span.get("shared") is True and span.get("kind") == "SERVER"


def _service(span: Mapping[str, Any]) -> str | None:
    return text(mapping(span.get("localEndpoint")).get("serviceName"))


def _span(span: Mapping[str, Any], renamed: Mapping[tuple[str, str], tuple[str, str | None]]) -> dict[str, Any]:
    trace, own, parent = (span.get(name) for name in ("traceId", "id", "parentId"))
    half = renamed.get((str(trace), str(own)))
    above = renamed.get((str(trace), str(parent)))
    if half is not None and _is_server_half(span):
        parent, own = own, half[0]
    elif above is not None and above[1] == _service(span):
        # What the server did was sent as a child of the id that both halves have.
        parent = above[0]
    tags = texts(span.get("tags"))
    found = {
        "traceId": trace, "spanId": own, "parentSpanId": parent, "name": text(span.get("name")) or "",
        "attributes": attributes(tags | _places(span)),
        "events": [_event(note) for note in objects(span.get("annotations"))],
        "status": {"code": 2, "message": tags["error"]} if "error" in tags else {},
        **interval(span.get("timestamp"), span.get("duration")),
    }  # fmt: skip
    if isinstance(span.get("kind"), str):
        found["kind"] = f"SPAN_KIND_{span['kind']}"
    return found


def _places(span: Mapping[str, Any]) -> dict[str, str | None]:
    """Return the other side of a call under OpenTelemetry's names."""
    other = mapping(span.get("remoteEndpoint"))
    named = {"peer.service": other.get("serviceName"), "network.peer.address": other.get("ipv4") or other.get("ipv6"),
             "network.peer.port": other.get("port")}  # fmt: skip
    return {name: text(value) for name, value in named.items() if text(value) is not None}


def _event(note: Mapping[str, Any]) -> dict[str, Any]:
    time_ns = nanoseconds(note.get("timestamp"))
    return {"name": text(note.get("value")) or "annotation", "timeUnixNano": None if time_ns is None else str(time_ns)}


SOURCE = Source(
    name="zipkin",
    title="Zipkin",
    doc="Spans as JSON of version 2, as senders post them and Zipkin's API gives them; server halves of shared spans "
    "become spans of their own.",
    reads=("spans",),
    recognise=recognise,
    read=read,
)
