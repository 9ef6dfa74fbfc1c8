"""Replies to OTLP requests, in the encoding of the request."""

from __future__ import annotations

from typing import Literal

import orjson

_REJECTED = {
    "traces": "rejectedSpans",
    "metrics": "rejectedDataPoints",
    "logs": "rejectedLogRecords",
}


def reply(
    signal: Literal["traces", "metrics", "logs"],
    encoding: Literal["protobuf", "json"],
    rejected: int = 0,
    message: str = "",
) -> bytes:
    """Return the body of a 200: empty where all was taken, else a partial success with the number left out.

    The message types of the three signals differ in names only: field 1 holds the
    partial success, in it field 1 the number and field 2 the words.
    """
    if encoding == "json":
        if not rejected and not message:
            return b"{}"
        partial = {_REJECTED[signal]: str(rejected), "errorMessage": _clean(message)}
        return orjson.dumps({"partialSuccess": partial})
    partial_bytes = (b"\x08" + _varint(rejected) if rejected else b"") + _text(2, message)
    return b"\x0a" + _varint(len(partial_bytes)) + partial_bytes if partial_bytes else b""


def _clean(message: str) -> str:
    return message.encode("utf-8", "replace").decode()


def _text(field: int, message: str) -> bytes:
    raw = message.encode("utf-8", "replace")
    return bytes([field << 3 | 2]) + _varint(len(raw)) + raw if raw else b""


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
