"""OTLP: traces, metrics and logs in protobuf or JSON, as request bodies or as files of a collector."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Literal

from workbench.sources import Batch, Context, Rejection, Source
from workbench.sources._otlp_files import read as read_file
from workbench.sources._otlp_files import recognise
from workbench.sources._otlp_json import Signal, parse
from workbench.sources._otlp_reply import refusal, reply

__all__ = ["SOURCE", "Encoding", "Signal", "decode", "refusal", "reply"]

Encoding = Literal["protobuf", "json"]


def decode(signal: Signal, body: bytes, encoding: Encoding, context: Context) -> Batch:
    """Return the rows of one inflated request body; nothing that it holds raises.

    A body that is no OTLP gives one rejection and no table at all (answer 400); a body
    that is, gives its table and one rejection for each item left out (partial success).
    """
    try:
        if encoding == "json":
            return _documents(signal, [(parse(body), context.place)], context)
        return _protobuf(signal, body, context)
    except ValueError as error:
        return Batch({}, (Rejection.of(str(error), context.place, body),))


def _protobuf(signal: Signal, body: bytes, context: Context) -> Batch:
    if signal == "traces":
        from workbench.sources import _otlp_spans_protobuf

        return _otlp_spans_protobuf.read(body, context)
    return _documents(signal, [(_message(signal, body), context.place)], context)


def _message(signal: Signal, body: bytes) -> dict[str, Any]:
    """Return a protobuf body of metrics or logs in the shape of its JSON."""
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
    from opentelemetry.proto.metrics.v1.metrics_pb2 import MetricsData

    from workbench.sources._otlp_values import as_json

    try:
        return as_json(LogsData.FromString(body) if signal == "logs" else MetricsData.FromString(body))
    except DecodeError as error:
        raise ValueError(f"not an OTLP protobuf request: {error}") from error


def _documents(signal: Signal, documents: list[tuple[Any, str]], context: Context) -> Batch:
    """Return the rows of parsed JSON documents of one signal, each with its place."""
    if signal == "traces":
        from workbench.sources import _otlp_spans_json

        return _otlp_spans_json.rows(documents, context)
    if signal == "logs":
        from workbench.sources import _otlp_logs

        return _otlp_logs.rows(documents, context)
    from workbench.sources import _otlp_metrics

    return _otlp_metrics.rows(documents, context)


def _read(stream: BinaryIO | Path, context: Context) -> Iterator[Batch]:
    return read_file(stream, context, lambda signal, body, at: decode(signal, body, "protobuf", at), _documents)


SOURCE = Source(
    name="otlp",
    title="OpenTelemetry (OTLP)",
    doc="Traces, metrics and logs of OpenTelemetry: OTLP JSON (one document, or lines of a collector's file "
    "exporter) and OTLP protobuf, from files or from senders.",
    reads=("spans", "logs", "metric_samples"),
    recognise=recognise,
    read=_read,
)
