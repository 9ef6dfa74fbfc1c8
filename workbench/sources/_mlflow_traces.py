"""MLflow traces as its client and its server write them, with their spans brought into the shape of OTLP JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.sources._json import mapping, objects, parse, text, texts
from workbench.sources._mlflow_seen import Trace
from workbench.sources._time import iso_ns

_SOURCE_RUN = "mlflow.sourceRun"
_STATUS = {"STATUS_CODE_OK": 1, "OK": 1, "STATUS_CODE_ERROR": 2, "ERROR": 2}
_VALUE_KEYS = {
    "string_value": "stringValue", "bool_value": "boolValue", "int_value": "intValue", "double_value": "doubleValue",
    "array_value": "arrayValue", "kvlist_value": "kvlistValue", "bytes_value": "bytesValue",
}  # fmt: skip


def trace_of(info: Mapping[str, Any], spans: object) -> Trace | None:
    """Return a trace from its info and spans, or None where the info has no id."""
    trace_id = text(info.get("trace_id") or info.get("request_id"))
    if trace_id is None:
        return None
    metadata = mapping(info.get("trace_metadata"))
    shaped = tuple(_span(span) for span in objects(spans))
    began = iso_ns(info.get("request_time"))
    return Trace(trace_id, began, text(metadata.get(_SOURCE_RUN)), texts(info.get("tags")), shaped)


def _span(sent: Mapping[str, Any]) -> dict[str, Any]:
    status = mapping(sent.get("status"))
    return {
        "traceId": sent.get("trace_id"), "spanId": sent.get("span_id"), "parentSpanId": sent.get("parent_span_id"),
        "name": text(sent.get("name")) or "", "kind": 1,
        "startTimeUnixNano": sent.get("start_time_unix_nano"), "endTimeUnixNano": sent.get("end_time_unix_nano"),
        "attributes": _attributes(sent.get("attributes")),
        "status": {"code": _STATUS.get(str(status.get("code")), 0), "message": text(status.get("message")) or ""},
        "events": [
            {"name": text(e.get("name")), "timeUnixNano": e.get("time_unix_nano") or e.get("timestamp"),
             "attributes": _attributes(e.get("attributes"))}
            for e in objects(sent.get("events"))
        ],
        "links": [
            {"traceId": e.get("trace_id"), "spanId": e.get("span_id"), "attributes": _attributes(e.get("attributes"))}
            for e in objects(sent.get("links"))
        ],
    }  # fmt: skip


def _attributes(sent: object) -> list[dict[str, Any]]:
    """Return attributes as OTLP JSON: the client writes each value as JSON text, the server as protobuf in JSON."""
    if isinstance(sent, list):
        return [{"key": text(each.get("key")), "value": _value(each.get("value"))} for each in objects(sent)]
    given = {key: _plain(value) for key, value in mapping(sent).items()}
    return [{"key": key, "value": {"stringValue": value}} for key, value in given.items() if value is not None]


def _plain(value: object) -> str | None:
    """Undo the JSON around a text: ``"\\"CHAIN\\""`` is CHAIN; objects and lists become canonical JSON."""
    if isinstance(value, str) and value[:1] in ('"', "{", "["):
        try:
            return text(parse(value.encode()))
        except ValueError:
            return value
    return text(value)


def _value(sent: object, depth: int = 0) -> Any:
    """Rename protobuf's field names to those of OTLP JSON, all the way down."""
    if depth > 32:
        return None
    if isinstance(sent, dict):
        return {_VALUE_KEYS.get(k, k): _value(v, depth + 1) for k, v in sent.items()}
    if isinstance(sent, list):
        return [_value(each, depth + 1) for each in sent]
    return sent
