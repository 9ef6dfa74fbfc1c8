"""Spans from OTLP protobuf: upb parses, the many attributes stay bytes until each distinct one is read once.

The messages are declared here a second time, with bytes where OpenTelemetry's own
classes have messages or text: fewer Python objects, and one span with broken UTF-8
does not make its whole request unreadable.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from workbench.sources import Batch, Context
from workbench.sources._otlp_columns import Attributes, Origin, scope_attributes
from workbench.sources._otlp_spans import SPAN_DIGITS, TRACE_DIGITS, Ids, SpanArrays, batch_of, ids_of, times_ns
from workbench.sources._otlp_values import as_json, canonical_json, pairs, plain_attributes, text

_FIELD = descriptor_pb2.FieldDescriptorProto
_ONE, _MANY = _FIELD.LABEL_OPTIONAL, _FIELD.LABEL_REPEATED
_SHAPES: dict[str, tuple[tuple[str, int, int, Any], ...]] = {
    "Spans": (("resource_spans", 1, _MANY, "ResourceSpans"),),
    "ResourceSpans": (("resource", 1, _MANY, _FIELD.TYPE_BYTES), ("scope_spans", 2, _MANY, "ScopeSpans")),
    "ScopeSpans": (("scope", 1, _MANY, _FIELD.TYPE_BYTES), ("spans", 2, _MANY, "Span")),
    "Span": (
        ("trace_id", 1, _ONE, _FIELD.TYPE_BYTES),
        ("span_id", 2, _ONE, _FIELD.TYPE_BYTES),
        ("parent_span_id", 4, _ONE, _FIELD.TYPE_BYTES),
        ("name", 5, _ONE, _FIELD.TYPE_BYTES),
        ("kind", 6, _ONE, _FIELD.TYPE_INT32),
        ("start", 7, _ONE, _FIELD.TYPE_FIXED64),
        ("end", 8, _ONE, _FIELD.TYPE_FIXED64),
        ("attributes", 9, _MANY, _FIELD.TYPE_BYTES),
        ("events", 11, _MANY, _FIELD.TYPE_BYTES),
        ("links", 13, _MANY, _FIELD.TYPE_BYTES),
        ("status", 15, _ONE, _FIELD.TYPE_BYTES),
    ),
}
"""Message -> fields: name, number, label, type (a message's name or a scalar type)."""

_DOUBLE = struct.Struct("<d")
MIN_SPAN_BYTES = 30
"""A span with ids and a start is longer; a body of shorter ones holds nothing but costs memory."""


@cache
def _spans_class() -> type[Message]:
    file = descriptor_pb2.FileDescriptorProto(name="workbench_otlp.proto", package="workbench_otlp", syntax="proto3")
    for name, fields in _SHAPES.items():
        message = file.message_type.add(name=name)
        for field, number, label, kind in fields:
            added = message.field.add(name=field, number=number, label=label)
            if isinstance(kind, str):
                added.type, added.type_name = _FIELD.TYPE_MESSAGE, f".workbench_otlp.{kind}"
            else:
                added.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    made: type[Message] = message_factory.GetMessageClass(pool.FindMessageTypeByName("workbench_otlp.Spans"))
    return made


def read(body: bytes, context: Context) -> Batch:
    """Return the spans of one request body; raise ValueError where it is no OTLP protobuf."""
    try:
        message: Any = _spans_class().FromString(body)
        groups, origins = _groups(message)
    except DecodeError as error:
        raise ValueError(f"not an OTLP protobuf request: {error}") from error
    spans = [span for group in groups for span in group]
    if len(spans) * MIN_SPAN_BYTES > len(body):
        raise ValueError(f"{len(spans)} spans in {len(body)} bytes: most can hold neither ids nor times")
    origin = np.repeat(np.arange(len(groups), dtype=np.int32), [len(group) for group in groups])
    return batch_of(_arrays(spans, origins, origin, context), context)


def _groups(message: Any) -> tuple[list[Any], list[Origin]]:
    """Return the spans of each scope, and what each scope's spans share."""
    groups, origins = [], []
    resources: dict[bytes, dict[str, str | None]] = {}
    for resource_spans in message.resource_spans:
        raw = b"".join(resource_spans.resource)
        if raw not in resources:
            resources[raw] = pairs(as_json(Resource.FromString(raw)).get("attributes"))
        for scope_spans in resource_spans.scope_spans:
            scope = as_json(InstrumentationScope.FromString(b"".join(scope_spans.scope)))
            groups.append(scope_spans.spans)
            origins.append(Origin.of(resources[raw], scope_attributes(scope, pairs(scope.get("attributes")))))
    return groups, origins


def _arrays(spans: list[Any], origins: list[Origin], origin: np.ndarray, context: Context) -> SpanArrays:
    return SpanArrays(
        trace=_ids([s.trace_id for s in spans], TRACE_DIGITS),
        span=_ids([s.span_id for s in spans], SPAN_DIGITS),
        parent=_ids([s.parent_span_id for s in spans], SPAN_DIGITS),
        name=_utf8([s.name for s in spans]),
        kind=[s.kind for s in spans],
        start_ns=times_ns(np.fromiter([s.start for s in spans], dtype=np.uint64, count=len(spans))),
        end_ns=times_ns(np.fromiter([s.end for s in spans], dtype=np.uint64, count=len(spans))),
        status=_statuses([s.status for s in spans]),
        events=_parts([s.events for s in spans], _event),
        links=_parts([s.links for s in spans], _link),
        attributes=_attributes([s.attributes for s in spans]),
        origins=origins,
        origin=origin,
        place=context.place,
        content=lambda row: spans[row].SerializeToString(),
        readable=False,
    )


def _ids(sent: list[bytes], digits: int) -> Ids:
    """Return ids as hex, at once where all have the right length or are missing."""
    size = digits // 2
    lengths = np.fromiter(map(len, sent), dtype=np.int32, count=len(sent))
    present = lengths == size
    if not (present | (lengths == 0)).all():
        return ids_of(sent, digits)
    joined = b"".join(sent)
    words = np.frombuffer(joined, dtype=np.uint64).reshape(-1, size // 8)
    offsets = np.zeros(len(sent) + 1, dtype=np.int32)
    np.cumsum(lengths * 2, out=offsets[1:])
    present[present] = words.any(axis=1)
    validity = pa.array(present).buffers()[1]
    text = pa.StringArray.from_buffers(
        len(sent), pa.py_buffer(offsets), pa.py_buffer(joined.hex().encode()), validity, -1
    )
    return Ids(text, pa.nulls(len(sent), pa.string()), np.zeros(len(sent), dtype=bool))


def _utf8(sent: list[bytes]) -> pa.Array:
    """Return bytes as text; what is no UTF-8 becomes U+FFFD."""
    try:
        return pa.array(sent, pa.binary()).cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array([raw.decode("utf-8", "replace") for raw in sent], pa.string())


def _statuses(sent: list[bytes]) -> list[tuple[int, str | None]]:
    known = {raw: _status(raw) for raw in set(sent)}
    return [known[raw] for raw in sent]


def _status(raw: bytes) -> tuple[int, str | None]:
    try:
        status = Status.FromString(raw)
    except DecodeError:
        return -1, None
    return status.code, status.message or None


def _parts(held: list[Sequence[bytes]], plain: Callable[[bytes], dict[str, Any]]) -> pa.Array:
    """Return the events or links of each span as JSON text, null where there are none."""
    texts = [canonical_json([plain(raw) for raw in parts]) if len(parts) else None for parts in held]
    return pa.array(texts, pa.string())


def _event(raw: bytes) -> dict[str, Any]:
    try:
        shape = as_json(Span.Event.FromString(raw))
    except DecodeError:
        return {"name": None, "time_ns": None, "attributes": {}}
    return {
        "name": shape.get("name"),
        "time_ns": shape.get("timeUnixNano"),
        "attributes": plain_attributes(shape.get("attributes")),
    }


def _link(raw: bytes) -> dict[str, Any]:
    try:
        shape = as_json(Span.Link.FromString(raw))
    except DecodeError:
        return {"trace_id": None, "span_id": None, "attributes": {}}
    return {
        "trace_id": shape.get("traceId"),
        "span_id": shape.get("spanId"),
        "attributes": plain_attributes(shape.get("attributes")),
    }


def _attributes(held: list[Sequence[bytes]]) -> Attributes:
    """Return all attributes flat; each distinct encoded one is read once."""
    flat: list[bytes] = []
    counts = []
    for attributes in held:
        before = len(flat)
        flat.extend(attributes)
        counts.append(len(flat) - before)
    distinct = pa.array(flat, pa.binary()).dictionary_encode()
    names: dict[str, int] = {}
    codes, texts = [], []
    for raw in distinct.dictionary.to_pylist():
        name, value = key_value(raw)
        codes.append(names.setdefault(name, len(names)))
        texts.append(value)
    index = distinct.indices
    return Attributes(
        rows=len(held),
        row=np.repeat(np.arange(len(held)), counts),
        code=np.array(codes, dtype=np.int64)[index.to_numpy()] if codes else np.zeros(0, dtype=np.int64),
        names=list(names),
        value=pa.array(texts, pa.string()).take(index),
    )


def key_value(raw: bytes) -> tuple[str, str | None]:
    """Return the name and text of an encoded KeyValue; the usual short shapes without building a message."""
    try:
        end = raw[1] + 2
        head = end + 2
        if raw[0] == 0x0A and raw[1] < 128 and raw[end] == 0x12 and raw[end + 1] == len(raw) - head:
            tag = raw[head]
            if tag == 0x0A and raw[head + 1] == len(raw) - head - 2:
                return raw[2:end].decode(), raw[head + 2 :].decode()
            if tag == 0x18 and len(raw) <= head + 10 and (number := _varint(raw, head + 1)) is not None:
                return raw[2:end].decode(), str(number)
            if tag == 0x21 and len(raw) == head + 9:
                value = _DOUBLE.unpack_from(raw, head + 1)[0]
                if value - value == 0:
                    return raw[2:end].decode(), repr(value)
    except (IndexError, UnicodeDecodeError):
        pass
    return _key_value_slowly(raw)


def _varint(raw: bytes, begin: int) -> int | None:
    """Return the number that fills all bytes from *begin* on; None where they are not exactly one."""
    number = 0
    for at in range(len(raw) - 1, begin - 1, -1):
        if (raw[at] > 0x7F) != (at < len(raw) - 1):
            return None
        number = number << 7 | raw[at] & 0x7F
    return number


def _key_value_slowly(raw: bytes) -> tuple[str, str | None]:
    try:
        shape = as_json(KeyValue.FromString(raw))
    except DecodeError:
        # The name is worth keeping where only the value is broken; it is unknown then.
        return raw[2 : 2 + raw[1]].decode("utf-8", "replace") if len(raw) > 1 else "", None
    return shape.get("key", ""), text(shape.get("value"))
