"""Spans from OTLP JSON at full speed: typed decoding of the usual shapes.

A body with anything unusual (a type that OTLP does not name, broken text, an enum by
its name) is not refused here: ``parse`` returns None, and ``_otlp_spans_dicts`` reads it with care.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from workbench.sources import Batch, Context
from workbench.sources._otlp_columns import Attributes, Origin, scope_attributes
from workbench.sources._otlp_spans import SPAN_DIGITS, TRACE_DIGITS, SpanArrays, batch_of
from workbench.sources._otlp_spans_dicts import event, hex_ids, link, parts, times
from workbench.sources._otlp_values import INT64_MAX, figure, pairs, plain_text, text


class _Value(msgspec.Struct, gc=False):
    stringValue: str | None = None  # noqa: N815 - OTLP's names
    intValue: int | str | None = None  # noqa: N815
    doubleValue: float | str | None = None  # noqa: N815
    boolValue: bool | None = None  # noqa: N815
    arrayValue: dict[str, Any] | None = None  # noqa: N815
    kvlistValue: dict[str, Any] | None = None  # noqa: N815
    bytesValue: str | None = None  # noqa: N815


class _Attribute(msgspec.Struct, gc=False):
    key: str
    value: _Value | None = None


class _Status(msgspec.Struct, gc=False):
    code: int = 0
    message: str = ""


class _Span(msgspec.Struct, gc=False):
    traceId: str | None = None  # noqa: N815
    spanId: str | None = None  # noqa: N815
    parentSpanId: str | None = None  # noqa: N815
    name: str = ""
    kind: int = 0
    startTimeUnixNano: str | int | None = None  # noqa: N815
    endTimeUnixNano: str | int | None = None  # noqa: N815
    attributes: list[_Attribute] | None = None
    status: _Status | None = None
    events: list[dict[str, Any]] | None = None
    links: list[dict[str, Any]] | None = None


class _ScopeSpans(msgspec.Struct, gc=False):
    scope: dict[str, Any] | None = None
    spans: list[_Span] | None = None


class _Resource(msgspec.Struct, gc=False):
    attributes: list[Any] | None = None


class _ResourceSpans(msgspec.Struct, gc=False):
    resource: _Resource | None = None
    scopeSpans: list[_ScopeSpans] | None = None  # noqa: N815
    instrumentationLibrarySpans: msgspec.UnsetType = msgspec.UNSET  # noqa: N815 - old names need the careful way


class Document(msgspec.Struct, gc=False):
    """Hold one body of spans; the other signals beside it need the careful way."""

    resourceSpans: list[_ResourceSpans]  # noqa: N815
    resourceMetrics: msgspec.UnsetType = msgspec.UNSET  # noqa: N815
    resourceLogs: msgspec.UnsetType = msgspec.UNSET  # noqa: N815


_DECODER = msgspec.json.Decoder(Document)


def parse(body: bytes) -> Document | None:
    """Return a body of spans, or None where anything in it is unusual or broken."""
    try:
        return _DECODER.decode(body)
    except (ValueError, RecursionError):
        return None


def rows(documents: Sequence[tuple[Document, str]], context: Context) -> Batch:
    """Return the spans of parsed documents, each with its place."""
    spans: list[_Span] = []
    origins: list[Origin] = []
    sizes: list[int] = []
    places: list[str] = []
    for document, place in documents:
        for by_resource in document.resourceSpans:
            shared = pairs(by_resource.resource.attributes) if by_resource.resource else {}
            for by_scope in by_resource.scopeSpans or ():
                if by_scope.spans:
                    named = pairs(by_scope.scope.get("attributes")) if by_scope.scope else {}
                    spans += by_scope.spans
                    origins.append(Origin.of(shared, scope_attributes(by_scope.scope, named)))
                    sizes.append(len(by_scope.spans))
                    places.append(place)
    origin = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    at = documents[0][1] if len(documents) == 1 else pa.array(places, pa.string()).take(pa.array(origin))
    return batch_of(_arrays(spans, origins, origin, at), context)


def _arrays(spans: list[_Span], origins: list[Origin], origin: np.ndarray, place: pa.Array | str) -> SpanArrays:
    return SpanArrays(
        trace=hex_ids([s.traceId for s in spans], TRACE_DIGITS),
        span=hex_ids([s.spanId for s in spans], SPAN_DIGITS),
        parent=hex_ids([s.parentSpanId for s in spans], SPAN_DIGITS),
        name=pa.array([s.name for s in spans], pa.string()),
        kind=[s.kind if 0 <= s.kind < 100 else -1 for s in spans],
        start_ns=times([s.startTimeUnixNano for s in spans]),
        end_ns=times([s.endTimeUnixNano for s in spans]),
        status=[_status(s.status) for s in spans],
        events=parts([s.events for s in spans], event),
        links=parts([s.links for s in spans], link),
        attributes=_attributes([s.attributes for s in spans]),
        origins=origins,
        origin=origin,
        place=place,
        content=lambda row: msgspec.json.encode(spans[row]),
        readable=True,
    )


def _status(sent: _Status | None) -> tuple[int, str | None]:
    if sent is None:
        return 0, None
    return sent.code if 0 <= sent.code < 100 else -1, sent.message or None


def _attributes(held: list[list[_Attribute] | None]) -> Attributes:
    """Return all attributes flat."""
    counts = [len(attributes) if attributes else 0 for attributes in held]
    flat = [attribute for attributes in held if attributes for attribute in attributes]
    name = pa.array([attribute.key for attribute in flat], pa.string()).dictionary_encode()
    texts = [
        value.stringValue if value is not None and value.stringValue is not None else _text(value)
        for value in [attribute.value for attribute in flat]
    ]
    return Attributes(
        rows=len(held),
        row=np.repeat(np.arange(len(held)), counts),
        code=name.indices.to_numpy().astype(np.int64),
        names=name.dictionary.to_pylist(),
        value=pa.array(texts, pa.string()),
    )


def _text(value: _Value | None) -> str | None:
    if value is None:
        return None
    number = value.intValue
    if number is not None:
        if type(number) is int and -INT64_MAX <= number <= INT64_MAX:
            return str(number)
        return text({"intValue": number})
    if value.boolValue is not None:
        return "true" if value.boolValue else "false"
    if value.doubleValue is not None:
        return plain_text(figure(value.doubleValue))
    if value.arrayValue is not None:
        return text({"arrayValue": value.arrayValue})
    if value.kvlistValue is not None:
        return text({"kvlistValue": value.kvlistValue})
    return text({"bytesValue": value.bytesValue}) if value.bytesValue is not None else None
