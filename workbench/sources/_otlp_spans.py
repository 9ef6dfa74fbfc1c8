"""Spans as rows: what both encodings share once ids, times and attributes are arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.columnar import build
from workbench.model.tables import SPANS
from workbench.sources import Batch, Context, Rejection
from workbench.sources._otlp_columns import Attributes, Origin, merge_origins, typed_columns
from workbench.sources._otlp_values import INT64_MAX, hex_id

KINDS = (None, "internal", "server", "client", "producer", "consumer")
STATUSES = ("unset", "ok", "error")
TRACE_DIGITS, SPAN_DIGITS = 32, 16


@dataclass(frozen=True)
class Ids:
    """Hold ids as hex; *unreadable* marks rows where something was sent that is no id."""

    hex: pa.Array
    sent: pa.Array
    """What the sender wrote, null where it equals *hex*."""
    unreadable: np.ndarray


@dataclass(frozen=True)
class SpanArrays:
    """Hold n spans as arrays of length n, whichever encoding they came in."""

    trace: Ids
    span: Ids
    parent: Ids
    name: pa.Array
    kind: Sequence[int]
    start_ns: np.ndarray
    """int64; 0 where no usable time was sent."""
    end_ns: np.ndarray
    status: Sequence[tuple[int, str | None]]
    events: pa.Array
    links: pa.Array
    attributes: Attributes
    origins: Sequence[Origin]
    origin: np.ndarray
    """Index into *origins*."""
    place: pa.Array | str
    content: Callable[[int], bytes]
    """Bytes of the i-th span as sent, for its rejection."""
    readable: bool
    """Can *content* be kept, because it is text that can be masked?"""


def ids_of(sent: Sequence[object], digits: int) -> Ids:
    """Normalise ids of any spelling, each distinct one once; None and "" are missing, not unreadable."""
    known: dict[object, str | None] = {None: None, "": None, b"": None}
    for one in sent:
        if isinstance(one, str | bytes) and one not in known:
            known[one] = hex_id(one, digits)
    missing = ("", b"", None)
    found = [known.get(one) if isinstance(one, str | bytes) else None for one in sent]
    unreadable = [
        hexed is None and one not in missing and not _zeros(one) for one, hexed in zip(sent, found, strict=True)
    ]
    spelled = [one.hex() if isinstance(one, bytes) else one for one in sent]
    differs = [
        text if isinstance(text, str) and text and hexed and text != hexed else None
        for text, hexed in zip(spelled, found, strict=True)
    ]
    return Ids(pa.array(found, pa.string()), pa.array(differs, pa.string()), np.array(unreadable, dtype=bool))


def _zeros(sent: object) -> bool:
    return (isinstance(sent, str) and not sent.strip("0")) or (isinstance(sent, bytes) and not any(sent))


def times_ns(numbers: np.ndarray) -> np.ndarray:
    """Return unsigned times as int64, 0 where they lie beyond it (after the year 2262)."""
    return np.where(numbers > np.uint64(INT64_MAX), np.uint64(0), numbers).astype(np.int64)


def batch_of(spans: SpanArrays, context: Context) -> Batch:
    """Return spans as rows; those without ids or times are rejected, each by itself."""
    reasons = _reasons(spans)
    bad = sorted(reasons)
    rejections = tuple(_rejection(spans, i, reasons[i], context) for i in bad)
    table = _table(spans, context, bad)
    if bad:
        good = np.ones(len(spans.start_ns), dtype=bool)
        good[bad] = False
        table = table.filter(pa.array(good))
    return Batch({SPANS.name: table}, rejections)


def _reasons(spans: SpanArrays) -> dict[int, str]:
    """Return the row numbers that cannot be kept, each with the first reason."""
    reasons: dict[int, str] = {}

    def mark(rows: np.ndarray, reason: str) -> None:
        for row in np.flatnonzero(rows).tolist():
            reasons.setdefault(row, reason)

    for ids, what in ((spans.trace, "trace id"), (spans.span, "span id")):
        if ids.hex.null_count:
            mark(ids.unreadable, f"the {what} is neither hex nor base64 of the right length")
            mark(pc.is_null(ids.hex).to_numpy(zero_copy_only=False), f"the {what} is missing or all zeros")
    mark(spans.parent.unreadable, "the parent span id is neither hex nor base64 of the right length")
    mark(spans.start_ns <= 0, "the start time is missing or no time in nanoseconds")
    mark(spans.end_ns <= 0, "the end time is missing or no time in nanoseconds")
    return reasons


def _rejection(spans: SpanArrays, row: int, reason: str, context: Context) -> Rejection:
    place = context.place if isinstance(spans.place, str) else spans.place[row].as_py()
    content = spans.content(row)
    rejection = Rejection.of(f"span: {reason}", place, content)
    if not spans.readable:
        return rejection
    return Rejection(rejection.reason, place, rejection.length, rejection.sha256, content)


def _table(spans: SpanArrays, context: Context, bad: Sequence[int]) -> pa.Table:
    columns, rest = typed_columns(spans.attributes)
    columns = merge_origins(spans.origins, spans.origin, columns)
    environment = columns.get("environment")
    codes = [code for code, _ in spans.status]
    columns |= {
        "environment": context.environment if environment is None else environment.fill_null(context.environment),
        "trace_id": _required(spans.trace.hex, bad),
        "span_id": _required(spans.span.hex, bad),
        "parent_span_id": spans.parent.hex,
        "sender_trace_id": spans.trace.sent,
        "name": spans.name,
        "kind": _named(spans.kind, KINDS),
        "start_ns": pa.array(spans.start_ns),
        "end_ns": pa.array(spans.end_ns),
        "duration_ns": pa.array(spans.end_ns - spans.start_ns),
        "status": _named(codes, STATUSES),
        "status_message": pa.array([message or None for _, message in spans.status], pa.string()),
        "attributes": rest.as_map(),
        "events": spans.events,
        "links": spans.links,
        "source": "otlp",
        "place": spans.place,
        "received_ns": context.received_ns,
    }
    return build(SPANS, columns)


def _required(ids: pa.Array, bad: Sequence[int]) -> pa.Array:
    """Fill the gaps of rows that are about to be dropped."""
    return ids.fill_null("") if bad else ids


def _named(codes: Sequence[int], names: Sequence[str | None]) -> pa.Array:
    """Return enum numbers as names, null for numbers that OTLP does not define."""
    numbers = np.asarray(codes, dtype=np.int64)
    known = (numbers >= 0) & (numbers < len(names))
    return pa.array(names, pa.string()).take(pa.array(np.where(known, numbers, 0), mask=~known))
