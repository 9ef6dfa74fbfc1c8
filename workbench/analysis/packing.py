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
Bytes = NDArray[np.uint8]
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
    sizes = np.array([len(body) for body in bodies], np.int64)
    ends, raw = np.cumsum(sizes), np.frombuffer(b"".join(bodies), np.uint8)
    marks, stops = _tokens(raw, ends, texts)
    spelt, skips = _numbers(raw, marks, stops, ends, texts), raw[marks] == _SKIP
    wide = stops - marks + 1
    skipped = np.bincount(ends.searchsorted(marks[skips], side="right"), wide[skips], len(texts))
    _refuse(np.flatnonzero((skipped == sizes) & (sizes > 0)), texts)
    item = _items(raw, marks, wide, skips, ends, texts)
    number = raw[item].astype(np.int64) - _ZERO
    number[item.searchsorted(marks[~skips])] = spelt[~skips]
    # A bin's number is its place in the text, but for tokens: a skip stands for many bins, any number for one.
    moved = np.cumsum(np.where(skips, spelt, 1) - wide)
    moved = np.append(np.int64(0), moved)
    after = np.diff(item.searchsorted(marks, side="right"), prepend=0, append=len(item))
    begins = ends - sizes
    base = np.array([int(first or 0) for first, _, _ in parts], np.int64) - begins
    base -= moved[marks.searchsorted(begins)]
    owned = np.diff(item.searchsorted(ends), prepend=0)
    bins = item + np.repeat(moved, after) + np.repeat(base, owned)
    held = number > 0
    if held.all():
        return bins, number, owned
    return bins[held], number[held], np.bincount(np.repeat(np.arange(len(texts)), owned)[held], minlength=len(texts))


def _tokens(raw: Bytes, ends: Ints, texts: Sequence[str]) -> tuple[Ints, Ints]:
    """Return the places of ``!`` and spaces and of the ``;`` that ends each, shapes (tokens,)."""
    marks = np.flatnonzero((raw == _SKIP) | (raw == _MANY))
    stops = np.append(np.flatnonzero(raw == _STOP), len(raw))
    stops = stops[stops.searchsorted(marks)]
    owner, wide = ends.searchsorted(marks, side="right"), stops - marks - 1
    _refuse(owner[(stops >= ends[owner]) | (wide < 1) | (wide > _MOST_DIGITS)], texts)
    return marks, stops


def _numbers(raw: Bytes, marks: Ints, stops: Ints, ends: Ints, texts: Sequence[str]) -> Ints:
    """Return the number that each token spells, shape (tokens,)."""
    found, wide = np.zeros(len(marks), np.int64), stops - marks - 1
    for place in range(int(wide.max(initial=0))):
        more = np.flatnonzero(place < wide)
        digits = raw[marks[more] + 1 + place] - np.uint8(_DIGIT)
        _refuse(ends.searchsorted(marks[more[digits > 9]], side="right"), texts)
        found[more] = 10 * found[more] + digits
    return found


def _items(raw: Bytes, marks: Ints, wide: Ints, skips: NDArray[np.bool_], ends: Ints, texts: Sequence[str]) -> Ints:
    """Return the places of characters that count a bin, and of each ``!``; zeros, which most are, are left out."""
    plain = raw.copy()
    # Digits are such characters as count, too: what spells a number is none.
    for place in range(int(wide.max(initial=0))):
        plain[marks[place < wide] + place] = _ZERO
    if len(plain) and (plain.min() < _ZERO or plain.max() > _ZERO + _MOST):
        wrong = np.flatnonzero((plain < _ZERO) | (plain > _ZERO + _MOST))
        _refuse(ends.searchsorted(wrong, side="right"), texts)
    plain[marks[~skips]] = _ZERO + 1
    return np.flatnonzero(plain != _ZERO)


def _refuse(wrong: Ints, texts: Sequence[str]) -> None:
    if len(wrong):
        raise _unreadable(texts[int(wrong[0])])


def _unreadable(text: str) -> IntegrityError:
    return IntegrityError(f"Not packed counts: {text[:40]!r}. Profile the table anew.")


def pack_levels(counts: Mapping[str, int]) -> str:
    """Return canonical JSON of level to rows."""
    return json.dumps(dict(sorted(counts.items())), ensure_ascii=False, separators=(",", ":")) if counts else ""


def unpack_levels_each(texts: Sequence[str]) -> list[dict[str, int]]:
    """Return rows by level of each of many texts, read as one; `IntegrityError` for a text that packs none."""
    try:
        found: list[dict[str, int]] = json.loads(f"[{','.join(text or '{}' for text in texts)}]")
        if (
            len(found) == len(texts)
            and all(type(levels) is dict for levels in found)
            and all(type(rows) is int for levels in found for rows in levels.values())
        ):
            return found
    except ValueError:
        pass
    return [unpack_levels(text) for text in texts]


def unpack_levels(text: str) -> dict[str, int]:
    """Return rows by level; `IntegrityError` for text that packs none."""
    try:
        found = json.loads(text) if text else {}
        return {str(level): int(rows) for level, rows in found.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise IntegrityError(f"Not packed levels: {text[:40]!r}. Profile the table anew.") from error
