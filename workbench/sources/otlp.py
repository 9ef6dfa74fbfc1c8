"""OTLP: traces, metrics and logs in protobuf or JSON, as request bodies or as files of a collector."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from workbench.sources import Batch, Context, Rejection
from workbench.sources._otlp_reply import refusal, reply

__all__ = ["decode", "refusal", "reply"]

Signal = Literal["traces", "metrics", "logs"]
Encoding = Literal["protobuf", "json"]


def decode(signal: Signal, body: bytes, encoding: Encoding, context: Context) -> Batch:
    """Return the rows of one inflated request body.

    A body that is no OTLP gives one rejection and no table at all (answer 400); a body
    that is, gives its table and one rejection for each item left out (partial success).
    """
    try:
        return _reader(signal, encoding)(body, context)
    except ValueError as error:
        return Batch({}, (Rejection.of(str(error), context.place, body),))


def _reader(signal: Signal, encoding: Encoding) -> Callable[[bytes, Context], Batch]:
    """Import one reader when it is first needed."""
    if signal == "traces" and encoding == "protobuf":
        from workbench.sources._otlp_spans_protobuf import read

        return read
    if signal == "traces":
        from workbench.sources._otlp_spans_json import read as read_json

        return read_json
    raise ValueError(f"{signal} in {encoding} cannot be read yet")
