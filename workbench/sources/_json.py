"""JSON as real senders write it (NaN, lone surrogates, lines or one document), and single values out of it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import orjson

from workbench.sources import Rejection

INT64_MAX = 2**63 - 1
MOST_BYTES = 512 * 2**20
"""A single JSON document larger than this is refused: it cannot be read in pieces."""
_MOST_NESTED = 200
_SURROGATE = re.compile("[\ud800-\udfff]")


def parse(content: bytes) -> Any:
    """Return the value of a JSON text; ValueError where it is none.

    Lone surrogates become U+FFFD, since no UTF-8 file can hold them. ``NaN`` and
    ``Infinity``, which Python senders write, are read as floats.
    """
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        reason = str(error)
    try:
        return _clean(json.loads(content.decode("utf-8")), 0)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {reason}") from error


def _clean(value: Any, depth: int) -> Any:
    if depth > _MOST_NESTED:
        raise ValueError(f"nested deeper than {_MOST_NESTED}")
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_clean(v, depth + 1) for v in value]
    if isinstance(value, dict):
        return {_SURROGATE.sub("\ufffd", k): _clean(v, depth + 1) for k, v in value.items()}
    return value


def documents(stream: BinaryIO, place: str) -> Iterator[tuple[str, Any] | Rejection]:
    """Yield ``(place, value)`` for every document of a stream, or a Rejection for what is none.

    One document a line is streamed; anything else is read whole. The items of an
    array count as documents of their own, wherever the array stands.
    """
    first = stream.readline(MOST_BYTES)
    while first and not first.strip():
        first = stream.readline(MOST_BYTES)
    if not first:
        return
    try:
        value = parse(first)
    except ValueError:
        yield from _whole(first + stream.read(MOST_BYTES), place)
        return
    yield from _items(value, f"{place}:1")
    for number, line in enumerate(iter(lambda: stream.readline(MOST_BYTES), b""), 2):
        yield from _line(line, f"{place}:{number}")


def _whole(content: bytes, place: str) -> Iterator[tuple[str, Any] | Rejection]:
    if len(content) >= MOST_BYTES:
        reason = f"a single JSON document of more than {MOST_BYTES} bytes; write one event a line"
        yield Rejection.of(reason, place, content)
        return
    try:
        value = parse(content)
    except ValueError as error:
        yield from _lines(content, place, str(error))
        return
    yield from _items(value, place)


def _lines(content: bytes, place: str, reason: str) -> Iterator[tuple[str, Any] | Rejection]:
    """Read line by line where the first line is broken but another is not; else refuse the whole."""
    lines = [(f"{place}:{n}", line) for n, line in enumerate(content.splitlines(), 1) if line.strip()]
    found = (item for where, line in lines if line.lstrip()[:1] in (b"{", b"[") for item in _line(line, where))
    if any(isinstance(item, tuple) and isinstance(item[1], dict) and len(item[1]) > 1 for item in found):
        for where, line in lines:
            yield from _line(line, where)
    else:
        yield Rejection.of(reason, place, content)


def _line(line: bytes, place: str) -> Iterator[tuple[str, Any] | Rejection]:
    if not line.strip():
        return
    try:
        yield from _items(parse(line), place)
    except ValueError as error:
        yield Rejection.of(str(error), place, line)


def _items(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        for number, item in enumerate(value, 1):
            yield f"{place}[{number}]", item
    else:
        yield place, value


def canonical(value: object) -> str:
    """Return JSON text with sorted keys and no spaces; NaN becomes null."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS, default=str).decode()


def mapping(value: object) -> Mapping[str, Any]:
    """Return the value where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value: object) -> list[Mapping[str, Any]]:
    """Return the objects of a list; whatever else it holds is left out."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: object) -> str | None:
    """Return text as it stands, other values as JSON; None for nothing and for empty text."""
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else canonical(value)


def texts(value: object) -> dict[str, str | None]:
    """Return an object's values as texts."""
    return {str(k): text(v) for k, v in mapping(value).items()}


def integer(value: object) -> int | None:
    """Return a whole number sent as number or text; None where it is none or does not fit 64 bits."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = int(value) if isinstance(value, str | int) or value.is_integer() else None
    except (ValueError, OverflowError):
        return None
    return number if number is not None and -INT64_MAX - 1 <= number <= INT64_MAX else None


def figure(value: object) -> float | None:
    """Return a number sent as number or text; None where it is none, and for NaN."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return None if math.isnan(number) else number
