"""Read the events of a Chrome trace as a stream: one chunk in memory at a time, times in exact integer ns."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, BinaryIO

import msgspec

_CHUNK = 1 << 18
_MOST_HEADER = 16 << 20
_MOST_EVENT = 8 << 20
_MOST_TAIL = 16 << 20
_CANDIDATES = 8
_BEGIN = re.compile(rb'"traceEvents"\s*:\s*\[')
_BETWEEN = re.compile(rb"\}(\s*,\s*)\{")
_SPACE = re.compile(r"[\s,]*")
_PLAIN = re.compile(r"(-?)(\d{1,19})(?:\.(\d*))?")
_FURTHEST = 2**63


class Args(msgspec.Struct):
    """The few arguments of an event that are needed."""

    stream: Any = None
    device: Any = None
    correlation: Any = None


class Event(msgspec.Struct):
    """One event of a Chrome trace; its times stay the digits that the profiler wrote."""

    ph: str = ""
    cat: str | None = None
    name: str | None = None
    ts: msgspec.Raw = msgspec.Raw(b"")
    dur: msgspec.Raw = msgspec.Raw(b"")
    args: Args | None = None


@dataclass
class Stream:
    """Hold what becomes known of a trace while its events are taken one by one."""

    head: dict[str, Any] = field(default_factory=dict)
    """Everything beside the events; complete once they are all taken."""
    broken: list[tuple[str, bytes]] = field(default_factory=list)
    """What could not be read: the reason and its bytes."""


def events(what: BinaryIO, stream: Stream) -> Iterator[Event]:
    """Yield the events of a trace, ``{"traceEvents": [...], ...}`` or a bare list; fill *stream* on the way.

    A part that cannot be read stands in ``stream.broken``; events before it were yielded.
    """
    header, rest = _header(what, stream)
    if rest is None:
        return
    tail = yield from _body(what, rest, stream)
    if header.strip() == b"[":
        return
    while len(tail) <= _MOST_TAIL and (more := what.read(_CHUNK)):
        tail += more
    _beside(header, tail, stream)


def exact_ns(text: str | bytes | msgspec.Raw) -> int | None:
    """Return microseconds, written as digits, in whole ns; None where it is no number within 64 bits.

    Digits beyond the third decimal are below one ns and cut off; no float is made on the way.
    """
    raw = text.encode() if isinstance(text, str) else bytes(text)
    if len(raw) < 16 and raw.isdigit():
        return int(raw) * 1000
    written = raw.decode("ascii", "replace")
    plain = _PLAIN.fullmatch(written)
    if plain is not None:
        found = int(plain[2]) * 1000 + int((plain[3] or "")[:3].ljust(3, "0"))
        found = -found if plain[1] else found
    else:
        try:
            number = Decimal(written)
        except InvalidOperation:
            return None
        if not number.is_finite() or abs(number.adjusted()) > 20:
            return None
        found = int(number * 1000)
    return found if abs(found) < _FURTHEST else None


def _header(what: BinaryIO, stream: Stream) -> tuple[bytes, bytes | None]:
    """Return what stands before the events, and the bytes read beyond; None where there are no events."""
    buffer = b""
    while len(buffer) <= _MOST_HEADER:
        if buffer.lstrip()[:1] == b"[":
            return b"[", buffer.lstrip()[1:]
        found = _BEGIN.search(buffer)
        if found is not None:
            return buffer[: found.end()], buffer[found.end() :]
        more = what.read(_CHUNK)
        if not more:
            break
        buffer += more
    stream.broken.append(("no list of traceEvents", buffer))
    return buffer, None


def _body(what: BinaryIO, rest: bytes, stream: Stream) -> Generator[Event, None, bytes]:
    """Yield events chunk by chunk; return the bytes after the end of their list."""
    fast = msgspec.json.Decoder(list[Event])
    ended = False
    while True:
        if rest and (split := _split(rest)) is not None:
            for end, begin in split:
                try:
                    found = fast.decode(b"[" + rest[:end] + b"]")
                except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
                    continue
                yield from found
                rest = rest[begin:]
                break
            else:
                rest, closed = yield from _slowly(rest, stream)
                if closed:
                    return rest
        if ended:
            rest, closed = yield from _slowly(rest, stream)
            if not closed:
                stream.broken.append(("the trace breaks off, or an event is no JSON", rest))
            return rest if closed else b""
        if len(rest) > _MOST_EVENT:
            stream.broken.append(("an event that is no JSON, or longer than 8 MiB", rest))
            return b""
        more = what.read(_CHUNK)
        ended = not more
        rest += more


def _split(buffer: bytes) -> list[tuple[int, int]] | None:
    """Return where events may be parted: the last few places, the last first; None where there is none."""
    places: list[tuple[int, int]] = []
    for window in (1 << 14, len(buffer)):
        start = max(0, len(buffer) - window)
        places = [(m.start() + 1, m.end(1)) for m in _BETWEEN.finditer(buffer, start)]
        if places:
            break
    return places[: -_CANDIDATES - 1 : -1] or None


def _slowly(buffer: bytes, stream: Stream) -> Generator[Event, None, tuple[bytes, bool]]:
    """Yield events one by one; return the bytes left, and whether the list of events has ended."""
    text, used = codecs.utf_8_decode(buffer, "replace", False)
    decoder = json.JSONDecoder(parse_float=str)
    at = 0
    while True:
        at = _SPACE.match(text, at).end()  # type: ignore[union-attr]
        if at >= len(text):
            return buffer[used:], False
        if text[at] == "]":
            return text[at + 1 :].encode("utf-8", "replace") + buffer[used:], True
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return text[at:].encode("utf-8", "replace") + buffer[used:], False
        event = _event(value)
        if event is None:
            stream.broken.append(("an event of another shape", text[at:end].encode("utf-8", "replace")))
        else:
            yield event
        at = end


def _event(value: Any) -> Event | None:
    """Return a decoded value as an event; None where it has another shape."""
    if not isinstance(value, dict):
        return None
    ph, cat, name, args = value.get("ph"), value.get("cat"), value.get("name"), value.get("args")
    if not isinstance(ph, str) or not isinstance(cat, str | None) or not isinstance(name, str | None):
        return None
    wanted = Args(args.get("stream"), args.get("device"), args.get("correlation")) if isinstance(args, dict) else None
    return Event(ph, cat, name, _raw(value.get("ts")), _raw(value.get("dur")), wanted)


def _raw(value: Any) -> msgspec.Raw:  # whatever JSON holds
    return msgspec.Raw(str(value).encode("ascii", "replace") if isinstance(value, int | str) else b"")


def _beside(header: bytes, tail: bytes, stream: Stream) -> None:
    """Read what stands around the events; it is left empty where it is no JSON."""
    try:
        found = json.loads((header + b"]" + tail).decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return
    if isinstance(found, dict):
        stream.head.update({k: v for k, v in found.items() if k != "traceEvents"})
