"""Spans from OTLP JSON with care: any value may be of any type, and costs no more than itself or its span."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from workbench.sources import Batch, Context, Rejection
from workbench.sources._otlp_columns import Attributes, Origin
from workbench.sources._otlp_json import groups
from workbench.sources._otlp_spans import KINDS, SPAN_DIGITS, STATUSES, TRACE_DIGITS, Ids, SpanArrays, batch_of, ids_of
from workbench.sources._otlp_values import canonical_json, hex_id, integer, plain_attributes, text

_KIND_NAMES = {f"SPAN_KIND_{name.upper()}": i for i, name in enumerate(KINDS) if name}
_STATUS_NAMES = {f"STATUS_CODE_{name.upper()}": i for i, name in enumerate(STATUSES)}


def rows(documents: Sequence[tuple[Any, str]], context: Context) -> Batch:
    """Return the spans of parsed documents, each with its place; raise ValueError where one is no OTLP."""
    spans: list[Any] = []
    origins: list[Origin] = []
    sizes: list[int] = []
    places: list[str] = []
    rejections: list[Rejection] = []
    for document, place in documents:
        for group in groups(document, "traces"):
            items = [span for span in group.items if isinstance(span, dict)]
            if len(items) < len(group.items):
                odd = [item for item in group.items if not isinstance(item, dict)]
                rejections += [Rejection.of("span: not an object", place, orjson.dumps(item)) for item in odd]
            spans += items
            origins.append(group.origin)
            sizes.append(len(items))
            places.append(place)
    origin = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    place = documents[0][1] if len(documents) == 1 else pa.array(places, pa.string()).take(pa.array(origin))
    batch = batch_of(_arrays(spans, origins, origin, place), context)
    return Batch(batch.tables, (*rejections, *batch.rejections))


def _arrays(
    spans: list[dict[str, Any]], origins: list[Origin], origin: np.ndarray, place: pa.Array | str
) -> SpanArrays:
    return SpanArrays(
        trace=hex_ids([s.get("traceId") for s in spans], TRACE_DIGITS),
        span=hex_ids([s.get("spanId") for s in spans], SPAN_DIGITS),
        parent=hex_ids([s.get("parentSpanId") for s in spans], SPAN_DIGITS),
        name=_texts([s.get("name", "") for s in spans]),
        kind=[_enum(s.get("kind", 0), _KIND_NAMES) for s in spans],
        start_ns=times([s.get("startTimeUnixNano") for s in spans]),
        end_ns=times([s.get("endTimeUnixNano") for s in spans]),
        status=[_status(s.get("status")) for s in spans],
        events=parts([s.get("events") for s in spans], event),
        links=parts([s.get("links") for s in spans], link),
        attributes=_attributes([s.get("attributes") for s in spans]),
        origins=origins,
        origin=origin,
        place=place,
        content=lambda row: orjson.dumps(spans[row]),
        readable=True,
    )


def hex_ids(sent: list[Any], digits: int) -> Ids:
    """Return ids as sent where all are lower-case hex of full length, or missing; else normalise each."""
    try:
        array = pa.array(sent, pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return ids_of(sent, digits)
    usual = pc.match_substring_regex(array, f"^[0-9a-f]{{{digits}}}$")
    zeros = pc.equal(array, "0" * digits)
    missing = pc.or_kleene(pc.is_null(array), pc.equal(array, ""))
    if not pc.all(pc.or_kleene(missing, pc.and_(usual, pc.invert(zeros)))).as_py():
        return ids_of(sent, digits)
    return Ids(pc.if_else(missing, None, array), pa.nulls(len(sent), pa.string()), np.zeros(len(sent), dtype=bool))


def _texts(sent: list[Any]) -> pa.Array:
    try:
        return pa.array(sent, pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([one if isinstance(one, str) else None for one in sent], pa.string())


def times(sent: list[Any]) -> np.ndarray:
    """Return times as int64, 0 where they are missing or no whole numbers."""
    if all(type(one) is str for one in sent):
        try:
            return np.asarray(pa.array(sent, pa.string()).cast(pa.int64()))
        except pa.ArrowInvalid:
            pass
    return np.array([integer(one) or 0 for one in sent], dtype=np.int64)


def _enum(sent: object, names: dict[str, int]) -> int:
    if type(sent) is int and 0 <= sent < 100:
        return sent
    return names.get(sent, -1) if isinstance(sent, str) else -1


def _status(sent: object) -> tuple[int, str | None]:
    if not isinstance(sent, dict):
        return 0, None
    message = sent.get("message")
    return _enum(sent.get("code", 0), _STATUS_NAMES), message if isinstance(message, str) else None


def parts(held: list[Any], plain: Callable[[dict[str, Any]], dict[str, Any]]) -> pa.Array:
    """Return the events or links of each span as JSON text, null where there are none."""
    texts = [
        canonical_json([plain(part) for part in parts if isinstance(part, dict)])
        if parts and isinstance(parts, list)
        else None
        for parts in held
    ]
    return pa.array(texts, pa.string())


def event(sent: dict[str, Any]) -> dict[str, Any]:
    """Return one event as it is stored."""
    name = sent.get("name")
    return {
        "name": name if isinstance(name, str) else None,
        "time_ns": integer(sent.get("timeUnixNano")),
        "attributes": plain_attributes(sent.get("attributes")),
    }


def link(sent: dict[str, Any]) -> dict[str, Any]:
    """Return one link as it is stored."""
    return {
        "trace_id": hex_id(sent.get("traceId"), TRACE_DIGITS),
        "span_id": hex_id(sent.get("spanId"), SPAN_DIGITS),
        "attributes": plain_attributes(sent.get("attributes")),
    }


def _attributes(held: list[Any]) -> Attributes:
    """Return all attributes flat, passing over those that have no name."""
    names: list[str] = []
    texts: list[str | None] = []
    counts: list[int] = []
    for attributes in held:
        before = len(names)
        for attribute in attributes if isinstance(attributes, list) else []:
            if isinstance(attribute, dict) and isinstance(attribute.get("key"), str):
                names.append(attribute["key"])
                texts.append(text(attribute.get("value")))
        counts.append(len(names) - before)
    name = pa.array(names, pa.string()).dictionary_encode()
    return Attributes(
        rows=len(held),
        row=np.repeat(np.arange(len(held)), counts),
        code=name.indices.to_numpy().astype(np.int64),
        names=name.dictionary.to_pylist(),
        value=pa.array(texts, pa.string()),
    )
