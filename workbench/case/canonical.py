"""The canonical form: one way to write plain values as bytes, round them, digest them and tell them apart."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.errors import UsageError
from workbench.model.findings import Evidence
from workbench.model.window import Window

SIGNIFICANT_DIGITS = 9
RELATIVE_TOLERANCE = 1e-9
_AS_IS = frozenset({str, int, bool, type(None)})
"""Types whose values are plain as they are: most of what is in long lists."""


def plain(value: Any, where: str = "value") -> Any:
    """Return *value* as dicts, lists, text, numbers and None: what JSON can hold without loss.

    Not-a-number becomes None (unknown is null); infinities keep their sign as
    ``{"$float": "inf"}``. Windows become text and evidence its id. Raise
    `UsageError` naming *where* for anything that has no plain form.
    """
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return _plain_float(float(value))
    return _plain_container(value, where)


def _item(value: Any, where: str, place: int) -> Any:
    """Return a list's item in plain values; its place is only written down where an error may name it."""
    if type(value) in _AS_IS:
        return value
    return _plain_float(value) if type(value) is float else plain(value, f"{where}[{place}]")


def _plain_float(value: float) -> Any:
    if math.isnan(value):
        return None
    if math.isinf(value):
        return {"$float": "inf" if value > 0 else "-inf"}
    return value + 0.0 if value else 0.0


def _plain_container(value: Any, where: str) -> Any:
    if isinstance(value, Window):
        return str(value)
    if isinstance(value, Evidence):
        return value.id
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise UsageError(f"{where}: keys must be text, yet they are {sorted({type(k).__name__ for k in value})}.")
        return {key: plain(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_item(item, where, i) for i, item in enumerate(value)]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name), f"{where}.{f.name}") for f in dataclasses.fields(value)}
    raise UsageError(f"{where}: a {type(value).__name__} cannot be kept; use text, numbers, lists or dicts.")


def restored(value: Any) -> Any:
    """Return a plain value with its infinities as floats again."""
    if isinstance(value, dict):
        if set(value) == {"$float"}:
            return float(value["$float"])
        return {key: restored(item) for key, item in value.items()}
    if isinstance(value, list):
        return [restored(item) if isinstance(item, dict | list) else item for item in value]
    return value


def rounded(value: Any) -> Any:
    """Return a plain value with every float rounded to nine significant digits; all else is untouched."""
    if isinstance(value, float):
        return round_significant(value)
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return value


def round_significant(value: float) -> float:
    """Return *value* to nine significant digits, with minus zero as zero.

    >>> round_significant(0.1 + 0.2)
    0.3
    """
    return float(format(value, f".{SIGNIFICANT_DIGITS}g")) + 0.0 if math.isfinite(value) else value


def ranked(scores: Mapping[str, float]) -> list[str]:
    """Return the names, greatest score first; scores equal to nine digits are ordered by name.

    >>> ranked({"b": 0.1 + 0.2, "a": 0.3, "c": 1.0})
    ['c', 'a', 'b']
    """
    return sorted(scores, key=lambda name: (-round_significant(scores[name]), name))


def dumps(value: Any) -> bytes:
    """Return a plain value as canonical JSON: sorted keys, no spaces, ASCII only."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def loads(content: bytes) -> Any:
    """Return the plain value of canonical bytes; raise ValueError if they are not in canonical form."""
    value = json.loads(content)
    if dumps(value) != content:
        raise ValueError("not in canonical form")
    return value


def sha256(content: bytes) -> str:
    """Return the SHA-256 of bytes as 64 hex digits."""
    return hashlib.sha256(content).hexdigest()


def digest(value: Any) -> str:
    """Return the SHA-256 of a plain value's rounded canonical form."""
    return sha256(dumps(rounded(value)))


def differences(recorded: Any, found: Any, where: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield ``(path, recorded, found)`` for every place where two plain values differ.

    Integers, text and order must be equal; floats may differ by 1e-9 of their size.
    """
    if isinstance(recorded, dict) and isinstance(found, dict):
        for key in sorted(recorded.keys() | found.keys()):
            path = f"{where}.{key}" if where else key
            yield from differences(recorded.get(key, _ABSENT), found.get(key, _ABSENT), path)
    elif isinstance(recorded, list) and isinstance(found, list):
        yield from _list_differences(recorded, found, where)
    elif isinstance(recorded, float) and isinstance(found, float):
        if not math.isclose(recorded, found, rel_tol=RELATIVE_TOLERANCE, abs_tol=0.0):
            yield where, recorded, found
    elif type(recorded) is not type(found) or recorded != found:
        yield where, recorded, found


def _list_differences(recorded: Sequence[Any], found: Sequence[Any], where: str) -> Iterator[tuple[str, Any, Any]]:
    if len(recorded) != len(found):
        yield f"length of {where or 'list'}", len(recorded), len(found)
        return
    for i, (before, after) in enumerate(zip(recorded, found, strict=True)):
        yield from differences(before, after, f"{where}[{i}]")


_ABSENT = "(absent)"
