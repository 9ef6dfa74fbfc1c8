"""Counts of bins as one line of text that compresses to what the counts are worth.

``FIRST|TEXT``: FIRST is the number of the first bin; in TEXT each character from ``#`` on counts one bin, the next
one after the last (``#`` 0, ``$`` 1, ... ``}`` 90), ``!n;`` counts n in one bin, and a space, ``n;`` skips n bins.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.errors import IntegrityError

Ints = NDArray[np.int64]
_ZERO = ord("#")
_MOST = ord("}") - _ZERO
_SHORTEST_SKIP = 6
_SKIP, _MANY, _STOP, _DIGIT = ord(" "), ord("!"), ord(";"), ord("0")
_MOST_DIGITS = 18
_FIRST = re.compile(r"-?[0-9]{1,18}")


def pack(bins: Ints, counts: Ints) -> str:
    """Return text for bins of shape (k,), rising, and their positive counts; empty for none."""
    if not len(bins):
        return ""
    gaps = np.diff(bins, prepend=bins[0] - 1) - 1
    if int(counts.max()) <= _MOST and int(gaps.max()) < 64:
        dense = np.full(int(bins[-1] - bins[0]) + 1, _ZERO, np.uint8)
        dense[bins - bins[0]] += counts.astype(np.uint8)
        return f"{int(bins[0])}|{dense.tobytes().decode('ascii')}"
    parts = []
    for gap, count in zip(gaps.tolist(), counts.tolist(), strict=True):
        if gap:
            parts.append(chr(_ZERO) * gap if gap < _SHORTEST_SKIP else f" {gap};")
        parts.append(chr(_ZERO + count) if count <= _MOST else f"!{count};")
    return f"{int(bins[0])}|{''.join(parts)}"


def unpack(text: str) -> tuple[Ints, Ints]:
    """Return bins and counts, shapes (k,); `IntegrityError` for text that packs none."""
    bins, counts, _ = unpack_each([text])
    return bins, counts


def unpack_each(texts: Sequence[str]) -> tuple[Ints, Ints, Ints]:
    """Return bins and counts of many texts after each other, shapes (k,), and how many bins each has, shape (texts,).

    `IntegrityError` for a text that packs none. All are read in a few passes over their bytes.
    """
    parts = [text.partition("|") for text in texts]
    for (first, bar, _), text in zip(parts, texts, strict=True):
        if text and not (bar and _FIRST.fullmatch(first)):
            raise _unreadable(text)
    bodies = [body.encode("utf-8", "replace") for _, _, body in parts]
    ends = np.cumsum([len(body) for body in bodies], dtype=np.int64)
    raw, of = np.frombuffer(b"".join(bodies), np.uint8), np.repeat(np.arange(len(texts)), np.diff(ends, prepend=0))
    marks, stops = _tokens(raw, ends, texts)
    # Digits are such characters as count, too: what spells a number is none.
    edge = np.zeros(len(raw) + 1, np.int8)
    edge[marks + 1] += 1
    edge[stops + 1] -= 1
    item = np.flatnonzero(np.cumsum(edge[:-1]) == 0)
    owner, kind = of[item], raw[item]
    skip, many = kind == _SKIP, kind == _MANY
    _refuse(owner[~(skip | many) & ((kind < _ZERO) | (kind > _ZERO + _MOST))], texts)
    number = kind.astype(np.int64) - _ZERO
    number[skip | many] = _numbers(raw, marks, stops)
    only_skips = np.bincount(owner[skip], minlength=len(texts)) == np.bincount(owner, minlength=len(texts))
    _refuse(np.flatnonzero(only_skips & np.array([bool(body) for body in bodies], bool)), texts)
    step = np.where(skip, number, 1)
    at = np.cumsum(step) - step
    # Each text counts from a first bin of its own: what lies before its first item is not its.
    start = np.append(at, 0)[owner.searchsorted(np.arange(len(texts)))]
    base = np.array([int(first or 0) for first, _, _ in parts], np.int64) - start
    held = ~skip & (number > 0)
    return (at + base[owner])[held], number[held], np.bincount(owner[held], minlength=len(texts))


def _tokens(raw: NDArray[np.uint8], ends: Ints, texts: Sequence[str]) -> tuple[Ints, Ints]:
    """Return the places of ``!`` and spaces and of the ``;`` that ends each, shapes (tokens,)."""
    marks = np.flatnonzero((raw == _SKIP) | (raw == _MANY))
    stops = np.append(np.flatnonzero(raw == _STOP), len(raw))
    stops = stops[stops.searchsorted(marks)]
    owner, wide = ends.searchsorted(marks, side="right"), stops - marks - 1
    others = np.cumsum((raw < _DIGIT) | (raw > _DIGIT + 9))
    wrong = (stops >= ends[owner]) | (wide < 1) | (wide > _MOST_DIGITS) | (others[stops - 1] != others[marks])
    _refuse(owner[wrong], texts)
    return marks, stops


def _numbers(raw: NDArray[np.uint8], marks: Ints, stops: Ints) -> Ints:
    found, wide = np.zeros(len(marks), np.int64), stops - marks - 1
    for place in range(int(wide.max(initial=0))):
        more = place < wide
        found[more] = 10 * found[more] + raw[marks[more] + 1 + place] - _DIGIT
    return found


def _refuse(wrong: Ints, texts: Sequence[str]) -> None:
    if len(wrong):
        raise _unreadable(texts[int(wrong[0])])


def _unreadable(text: str) -> IntegrityError:
    return IntegrityError(f"Not packed counts: {text[:40]!r}. Profile the table anew.")


def pack_levels(counts: Mapping[str, int]) -> str:
    """Return canonical JSON of level to rows."""
    return json.dumps(dict(sorted(counts.items())), ensure_ascii=False, separators=(",", ":")) if counts else ""


def unpack_levels(text: str) -> dict[str, int]:
    """Return rows by level; `IntegrityError` for text that packs none."""
    try:
        found = json.loads(text) if text else {}
        return {str(level): int(rows) for level, rows in found.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise IntegrityError(f"Not packed levels: {text[:40]!r}. Profile the table anew.") from error
