"""Log records of OTLP as rows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from workbench.columnar import build
from workbench.model.tables import LOGS
from workbench.sources import Batch, Context, Rejection
from workbench.sources._otlp_columns import Origin
from workbench.sources._otlp_json import groups
from workbench.sources._otlp_values import canonical_json, hex_id, integer, pairs, text

_SEVERITIES = ("trace", "debug", "info", "warn", "error", "fatal")
_SEVERITY_WORDS = {
    **{word: word for word in _SEVERITIES},
    "information": "info", "notice": "info", "warning": "warn", "err": "error",
    "critical": "fatal", "emergency": "fatal",
}  # fmt: skip


def rows(documents: Sequence[tuple[Any, str]], context: Context) -> Batch:
    """Return the log records of parsed documents, each with its place; raise ValueError where one is no OTLP."""
    records: list[dict[str, Any]] = []
    rejections: list[Rejection] = []
    for document, place in documents:
        for group in groups(document, "logs"):
            for item in group.items:
                record = _row(item, group.origin, context) if isinstance(item, Mapping) else None
                if record is None:
                    rejections.append(_rejection(item, place))
                else:
                    records.append(record | {"place": place})
    columns: dict[str, Any] = {
        column.name: [record.get(column.name) for record in records]
        for column in LOGS
        if column.name not in ("source", "received_ns")
    }
    table = build(LOGS, columns | {"source": "otlp", "received_ns": context.received_ns})
    return Batch({LOGS.name: table}, tuple(rejections))


def _rejection(item: object, place: str) -> Rejection:
    content = orjson.dumps(item, default=str)
    made = Rejection.of("log record: no time in nanoseconds, neither its own nor that of observation", place, content)
    return Rejection(made.reason, place, made.length, made.sha256, content)


def _row(item: Mapping[str, Any], origin: Origin, context: Context) -> dict[str, Any] | None:
    """Return one record; None where it has no time."""
    time_ns = integer(item.get("timeUnixNano")) or integer(item.get("observedTimeUnixNano")) or 0
    if time_ns <= 0:
        return None
    attributes = dict(origin.labels) | pairs(item.get("attributes"))
    event = item.get("eventName")
    if isinstance(event, str) and event:
        attributes["event.name"] = event
    row = {
        "environment": origin.columns["environment"] or context.environment,
        "time_ns": time_ns,
        "service": origin.columns["service"],
        "severity": _severity(item),
        "body": text(item.get("body")),
        "trace_id": hex_id(item.get("traceId"), 32),
        "span_id": hex_id(item.get("spanId"), 16),
        "attributes": attributes,
    }
    identity = [row[name] for name in ("time_ns", "service", "body", "trace_id", "span_id", "attributes")]
    row["log_id"] = hashlib.blake2b(canonical_json(identity).encode(), digest_size=16).hexdigest()
    return row


def _severity(item: Mapping[str, Any]) -> str | None:
    number = integer(item.get("severityNumber")) or 0
    if not number and isinstance(item.get("severityNumber"), str):
        name = item["severityNumber"].removeprefix("SEVERITY_NUMBER_").rstrip("1234").lower()
        return _SEVERITY_WORDS.get(name)
    if 1 <= number <= 24:
        return _SEVERITIES[(number - 1) // 4]
    word = item.get("severityText")
    return _SEVERITY_WORDS.get(word.strip().lower()) if isinstance(word, str) else None
