"""Encode spans as OTLP protobuf bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Sent(NamedTuple):
    """One span of a service whose exporter sends protobuf; ids are hex, times ns."""

    trace_id: str
    span_id: str
    parent_id: str
    operation: str
    begin_ns: int
    end_ns: int
    region: str
    error: str = ""
    """Empty where it went well."""

    def again(self, span_id: str, begin_ns: int, end_ns: int) -> Sent:
        """Return the span of another attempt at the same call."""
        return self._replace(span_id=span_id, begin_ns=begin_ns, end_ns=end_ns)

    def failing(self, message: str) -> Sent:
        """Return the span as that of a call that failed."""
        return self._replace(error=message)


Body = tuple[dict[str, str], str, list[Sent]]
"""What a service says of itself, its instrumentation, and its spans."""


def encode(bodies: list[Body]) -> bytes:
    """Return one export request with the spans of several services."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest()
    usual: dict[tuple[str, str, str], Span] = {}
    for said, instrumentation, spans in bodies:
        target = request.resource_spans.add()
        for key, value in said.items():
            target.resource.attributes.add(key=key).value.string_value = value
        scope = target.scope_spans.add()
        scope.scope.name = instrumentation
        for span in spans:
            added = scope.spans.add()
            same = (span.operation, span.region, span.error)
            if same not in usual:
                usual[same] = _usual(span)
            added.CopyFrom(usual[same])
            added.trace_id, added.span_id = bytes.fromhex(span.trace_id), bytes.fromhex(span.span_id)
            added.parent_span_id = bytes.fromhex(span.parent_id)
            added.start_time_unix_nano, added.end_time_unix_nano = span.begin_ns, span.end_ns
    content: bytes = request.SerializeToString(deterministic=True)
    return content


def _usual(span: Sent) -> Span:
    """Return what spans of one operation share, all but ids and times."""
    from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

    made = Span(name=span.operation, kind=Span.SPAN_KIND_CONSUMER)
    made.attributes.add(key="cloud.region").value.string_value = span.region
    if span.error:
        made.status.code, made.status.message = Status.STATUS_CODE_ERROR, span.error
    return made
