"""Files of OTLP: recognised by content, streamed where they consist of lines or of length-prefixed messages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from workbench.sources import Batch, Context, Head, Rejection
from workbench.sources._otlp_decode import decode, document, documents_batch, signals
from workbench.sources._otlp_json import LEVELS, Signal

MAX_MESSAGE_BYTES = 512 * 2**20
"""A longer line, message or document is refused: it would have to stand in memory as a whole."""
_CHUNK_BYTES = 4 * 2**20
_NAMED = re.compile(
    rb'"resource(?:Spans|Metrics|Logs)"\s*:\s*\['
    rb'|"batches"\s*:\s*\[\s*\{\s*"(?:resource|scopeSpans|instrumentationLibrarySpans)"\s*:'
)
"""The list of resources, as OTLP calls it or as Grafana Tempo does."""

_LENGTH = 2
_ITEM_MARKS: dict[Signal, frozenset[tuple[int, int]]] = {
    "traces": frozenset({(7, 1), (8, 1)}),
    "metrics": frozenset({(5, _LENGTH), (7, _LENGTH), (9, _LENGTH), (10, _LENGTH), (11, _LENGTH)}),
    "logs": frozenset({(1, 1), (11, 1)}),
}
"""Signal -> (field number, wire type) that only its items have: times of spans and logs, data of metrics."""


def recognise(head: Head) -> float:
    """Return 1 for OTLP JSON, .9 for OTLP protobuf, 0 for anything else."""
    start = head.start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:1] == b"{" and _NAMED.search(start):
        return 1.0
    message = head.start[4:] if head.start[:1] == b"\0" else head.start
    return 0.9 if protobuf_signal(message) else 0.0


def protobuf_signal(message: bytes) -> Signal | None:
    """Return the signal of a protobuf body, whose outer levels look alike, by its first item; the end may be cut."""
    for scopes in _inside(message, 1):
        for scope in _inside(scopes, 2):
            for item in _inside(scope, 2):
                marks = {(number, wire) for number, wire, _ in _fields(item)}
                if (1, _LENGTH) in marks or (1, 1) in marks or (11, 1) in marks:
                    return next((s for s, own in _ITEM_MARKS.items() if own & marks), None)
                return None
    return None


def _inside(message: bytes, number: int) -> Iterator[bytes]:
    return (value for n, wire, value in _fields(message) if n == number and wire == _LENGTH)


def _fields(message: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield the number, wire type and bytes of each field; stop at the first that is none."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, wire = tag >> 3, tag & 7
        if wire == _LENGTH:
            size, at = _varint(message, at)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        elif wire == 0:
            begin = at
            _, at = _varint(message, at)
            size = begin - at
        else:
            return
        if not 0 < number < 100:
            return
        if wire == 0:
            yield number, wire, b""
            continue
        yield number, wire, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while at < len(message) and shift < 64:
        byte = message[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7
    return 0, len(message)


def read(stream: BinaryIO | Path, context: Context) -> Iterator[Batch]:
    """Yield the rows of an inflated file; what cannot be read is a rejection with its line."""
    if isinstance(stream, Path):
        with stream.open("rb") as opened:
            yield from read(opened, context)
        return
    start = stream.read(1)
    if start == b"\0":
        yield from _length_prefixed(stream, start, context)
    elif start == b"\x0a":
        yield from _protobuf_or_blank_line(start + stream.read(MAX_MESSAGE_BYTES), context)
    else:
        yield from _json(stream, start, context)


def _protobuf_or_blank_line(body: bytes, context: Context) -> Iterator[Batch]:
    """Read a file that begins with byte 10: the first field of a message, or the end of a blank line."""
    if len(body) > MAX_MESSAGE_BYTES:
        yield _refused(f"one message is longer than {MAX_MESSAGE_BYTES} bytes", context, body)
        return
    signal = protobuf_signal(body)
    if signal is None:
        yield from _json(BytesIO(body), b"", context)
    else:
        yield decode(signal, body, "protobuf", context)


def _length_prefixed(stream: BinaryIO, start: bytes, context: Context) -> Iterator[Batch]:
    """Read what a collector's file exporter writes as ``proto``: four bytes of length before each message."""
    number = 0
    prefix = start + stream.read(3)
    while prefix:
        number += 1
        at = replace(context, place=f"{context.place}:{number}")
        size = int.from_bytes(prefix, "big")
        body = stream.read(min(size, MAX_MESSAGE_BYTES))
        if len(prefix) < 4 or len(body) < size:
            yield _refused("the file ends, or a length points, beyond its end", at, prefix + body)
            return
        signal = protobuf_signal(body)
        if signal is not None:
            yield decode(signal, body, "protobuf", at)
        elif body:
            yield _refused("a message that is no OTLP protobuf", at, body)
        prefix = stream.read(4)


def _json(stream: BinaryIO, start: bytes, context: Context) -> Iterator[Batch]:
    first, number = start + stream.readline(MAX_MESSAGE_BYTES), 1
    while first and not first.strip():
        first, number = stream.readline(MAX_MESSAGE_BYTES), number + 1
    try:
        parsed = document(first)
    except ValueError:
        yield from _document_or_lines(first, number, stream, context)
        return
    yield from _lines([(parsed, number, first)], stream, context, number + 1)


def _document_or_lines(first: bytes, number: int, stream: BinaryIO, context: Context) -> Iterator[Batch]:
    """Read a file whose first line is no JSON: one pretty-printed document, or lines with a broken first one."""
    rest = stream.read(MAX_MESSAGE_BYTES)
    try:
        parsed = document(first + rest)
    except ValueError as error:
        lines = rest.split(b"\n")
        if not any(_NAMED.search(line) and line.lstrip()[:1] == b"{" for line in lines):
            yield _refused(str(error), context, first + rest)
            return
        yield _refused(str(error), replace(context, place=f"{context.place}:{number}"), first)
        yield from _lines([], iter(lines), context, number + 1)
        return
    yield _batch([(parsed, context.place, first + rest)], context)


def _lines(
    parsed: list[tuple[Any, int, bytes]],
    lines: Iterator[bytes] | BinaryIO,
    context: Context,
    first_number: int,
) -> Iterator[Batch]:
    """Read lines of one document each, some megabytes to a batch."""
    held = [(one, f"{context.place}:{number}", raw) for one, number, raw in parsed]
    size = sum(len(raw) for _, _, raw in held)
    refused: list[Rejection] = []
    for number, line in enumerate(lines, first_number):
        if not line.strip():
            continue
        place = f"{context.place}:{number}"
        try:
            held.append((document(line), place, line))
            size += len(line)
        except ValueError as error:
            refused.append(Rejection.of(str(error), place, line))
        if size >= _CHUNK_BYTES:
            yield _batch(held, context, refused)
            held, size, refused = [], 0, []
    if held or refused:
        yield _batch(held, context, refused)


def _batch(
    held: list[tuple[Any, str, bytes]],
    context: Context,
    refused: list[Rejection] | None = None,
) -> Batch:
    """Decode parsed documents, all of a signal at once."""
    by_signal: dict[Signal, list[tuple[Any, str]]] = {}
    rejections = list(refused or [])
    for one, place, raw in held:
        found = signals(one)
        for signal in found:
            by_signal.setdefault(signal, []).append((one, place))
        if not found:
            names = ", ".join(resources for resources, _, _ in LEVELS.values())
            rejections.append(Rejection.of(f"JSON, but not OTLP: none of {names}", place, raw))
    batches = [documents_batch(signal, documents, context) for signal, documents in by_signal.items()]
    tables = {name: table for batch in batches for name, table in batch.tables.items()}
    return Batch(tables, (*rejections, *(r for batch in batches for r in batch.rejections)))


def _refused(reason: str, context: Context, content: bytes) -> Batch:
    return Batch({}, (Rejection.of(reason, context.place, content),))
