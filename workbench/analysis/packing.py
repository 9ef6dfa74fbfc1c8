"""Counts of bins as one line of text that compresses to what the counts are worth.

``FIRST|TEXT``: FIRST is the number of the first bin; in TEXT each character from ``#`` on counts one bin, the next
one after the last (``#`` 0, ``$`` 1, ... ``}`` 90), ``!n;`` counts n in one bin, and a space, ``n;`` skips n bins.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from workbench.errors import IntegrityError

Ints = NDArray[np.int64]
_ZERO = ord("#")
_MOST = ord("}") - _ZERO
_SHORTEST_SKIP = 6
_TOKEN = re.compile(r"([! ])(\d+);|([#-}]+)")


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
    if not text:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    first, bar, body = text.partition("|")
    if not bar or not re.fullmatch(r"-?\d{1,18}", first):
        raise IntegrityError(f"Not packed counts: {text[:40]!r}. Profile the table anew.")
    if "!" not in body and " " not in body:
        return _dense(int(first), body)
    return _tokens(int(first), body)


def _dense(first: int, body: str) -> tuple[Ints, Ints]:
    dense = np.frombuffer(body.encode("utf-8"), np.uint8)
    if len(dense) and (dense.min() < _ZERO or dense.max() > _ZERO + _MOST):
        raise IntegrityError(f"Not packed counts: {body[:40]!r}. Profile the table anew.")
    held = np.flatnonzero(dense != _ZERO)
    return held + first, dense[held].astype(np.int64) - _ZERO


def _tokens(first: int, body: str) -> tuple[Ints, Ints]:
    bins: list[Ints] = []
    counts: list[Ints] = []
    at, end = first, 0
    for token in _TOKEN.finditer(body):
        if token.start() != end:
            break
        end = token.end()
        if token[3]:
            found, n = _dense(at, token[3])
            bins.append(found)
            counts.append(n)
            at += len(token[3])
        elif token[1] == "!":
            bins.append(np.array([at]))
            counts.append(np.array([int(token[2])]))
            at += 1
        else:
            at += int(token[2])
    if end != len(body) or not bins:
        raise IntegrityError(f"Not packed counts: {body[end : end + 40]!r}. Profile the table anew.")
    return np.concatenate(bins), np.concatenate(counts)


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
