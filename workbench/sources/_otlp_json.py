"""OTLP JSON bodies as plain dicts: what strict parsers refuse but senders write, and the walk down to the items."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from workbench.sources._otlp_columns import Origin, scope_attributes
from workbench.sources._otlp_values import pairs

Signal = Literal["traces", "metrics", "logs"]

LEVELS: Mapping[Signal, tuple[str, tuple[str, ...], str]] = {
    "traces": ("resourceSpans", ("scopeSpans", "instrumentationLibrarySpans"), "spans"),
    "metrics": ("resourceMetrics", ("scopeMetrics", "instrumentationLibraryMetrics"), "metrics"),
    "logs": ("resourceLogs", ("scopeLogs", "instrumentationLibraryLogs"), "logRecords"),
}
"""Signal -> names of the three levels of lists; the second name is that of OTLP before 0.15."""

_ESCAPES = re.compile(
    rb"(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)
_MAX_NESTING = 512


@dataclass(frozen=True)
class Group:
    """Hold the items of one resource and scope."""

    items: list[Any]
    origin: Origin


def parse(body: bytes) -> Any:
    """Return the JSON value of a body; raise ValueError where it is none.

    Three things that strict parsers refuse are mended, as the rest of the body is sound:
    lone surrogates and broken UTF-8 become U+FFFD, bare NaN and Infinity become null.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        first = error
    text = body.decode("utf-8-sig", "replace")
    mended = _ESCAPES.sub(_mend, text.encode())
    try:
        return orjson.loads(mended)
    except orjson.JSONDecodeError:
        pass
    if not re.search(rb"NaN|Infinity", mended) or _nesting(mended) > _MAX_NESTING:
        raise ValueError(f"not JSON: {first}")
    try:
        return json.loads(mended, parse_constant=lambda _: None)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from error


def _mend(match: re.Match[bytes]) -> bytes:
    return rb"\ufffd" if match.group(2) else match.group(0)


def _nesting(body: bytes) -> int:
    """Return an upper bound of how deep brackets nest, without building anything."""
    depth = deepest = 0
    for bracket in re.finditer(rb"[\[\]{}]", body):
        depth += 1 if bracket.group() in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def unwrapped(document: object) -> object:
    """Return the OTLP document that Jaeger's API wraps in ``result`` and Tempo's in ``trace``; any other as it is.

    Tempo calls the list of resources ``batches``.
    """
    for name in ("result", "trace"):
        if isinstance(document, Mapping) and isinstance(document.get(name), Mapping):
            document = document[name]
    if isinstance(document, Mapping) and isinstance(document.get("batches"), list) and "resourceSpans" not in document:
        return {**document, "resourceSpans": document["batches"]}
    return document


def signals(document: object) -> list[Signal]:
    """Return the signals that a parsed document holds."""
    held = unwrapped(document)
    return [s for s, (resources, _, _) in LEVELS.items() if isinstance(held, Mapping) and resources in held]


def groups(document: object, signal: Signal) -> Iterator[Group]:
    """Yield the items of each resource and scope; raise ValueError where the document is not of this signal.

    Anything of another type than OTLP says is passed over like an unknown field; items may be anything.
    """
    resources, scopes, items = LEVELS[signal]
    document = unwrapped(document)
    if not isinstance(document, Mapping):
        raise ValueError(f"not OTLP JSON: an object with {resources!r} was expected, not {type(document).__name__}")
    if resources not in document and document:
        raise ValueError(f"not OTLP JSON: there is no {resources!r} among {sorted(document)[:5]}")
    for by_resource in _objects(document.get(resources)):
        resource = by_resource.get("resource")
        shared = pairs(resource.get("attributes")) if isinstance(resource, Mapping) else {}
        for by_scope in [s for name in scopes for s in _objects(by_resource.get(name))]:
            scope = by_scope.get("scope") or by_scope.get("instrumentationLibrary")
            named = pairs(scope.get("attributes")) if isinstance(scope, Mapping) else {}
            held = by_scope.get(items)
            if isinstance(held, list) and held:
                yield Group(held, Origin.of(shared, scope_attributes(scope, named)))


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
