"""Bodies of OTLP, in either encoding, as rows; each reader is imported when it is first needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from workbench.sources import Batch, Context, Rejection
from workbench.sources._otlp_json import Signal, parse
from workbench.sources._otlp_json import signals as signals_of_dict

Encoding = Literal["protobuf", "json"]


def decode(signal: Signal, body: bytes, encoding: Encoding, context: Context) -> Batch:
    """Return the rows of one inflated request body; nothing that it holds raises.

    A body that is no OTLP gives one rejection and no table at all (answer 400); a body
    that is, gives its table and one rejection for each item left out (partial success).
    """
    try:
        if encoding == "json":
            return documents_batch(signal, [(document(body), context.place)], context)
        if signal == "traces":
            from workbench.sources import _otlp_spans_protobuf

            return _otlp_spans_protobuf.read(body, context)
        return documents_batch(signal, [(_message(signal, body), context.place)], context)
    except ValueError as error:
        return Batch({}, (Rejection.of(str(error), context.place, body),))


def document(body: bytes) -> Any:
    """Return a JSON body: typed where it holds spans of the usual shape, else a dict; raise ValueError."""
    from workbench.sources import _otlp_spans_json

    usual = _otlp_spans_json.parse(body) if b'"resourceSpans"' in body else None
    return parse(body) if usual is None else usual


def signals(parsed: object) -> list[Signal]:
    """Return the signals that a parsed document holds."""
    from workbench.sources import _otlp_spans_json

    return ["traces"] if isinstance(parsed, _otlp_spans_json.Document) else signals_of_dict(parsed)


def documents_batch(signal: Signal, documents: Sequence[tuple[Any, str]], context: Context) -> Batch:
    """Return the rows of parsed documents, each with its place; raise ValueError where one is of another signal."""
    if signal == "logs":
        from workbench.sources import _otlp_logs

        return _otlp_logs.rows(documents, context)
    if signal == "metrics":
        from workbench.sources import _otlp_metrics

        return _otlp_metrics.rows(documents, context)
    return _spans(documents, context)


def _spans(documents: Sequence[tuple[Any, str]], context: Context) -> Batch:
    import pyarrow as pa

    from workbench.sources import _otlp_spans_dicts, _otlp_spans_json

    usual = [one for one in documents if isinstance(one[0], _otlp_spans_json.Document)]
    others = [one for one in documents if not isinstance(one[0], _otlp_spans_json.Document)]
    if not others:
        return _otlp_spans_json.rows(usual, context)
    careful = _otlp_spans_dicts.rows(others, context)
    if not usual:
        return careful
    fast = _otlp_spans_json.rows(usual, context)
    tables = {name: pa.concat_tables([table, careful.tables[name]]) for name, table in fast.tables.items()}
    return Batch(tables, (*fast.rejections, *careful.rejections))


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
