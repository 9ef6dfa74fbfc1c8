"""Conditions as people read them, ``region = c and not (queue_wait_ms >= 60)``, applied to rows."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.errors import UsageError

_TERM = re.compile(
    r"(?P<column>\w+) (?:is null|(?P<sign>=|>=|<=) (?P<value>.*)|in \[(?P<low>\S+), (?P<high>\S+)(?P<end>[\])]))"
)
_NEXT = re.compile(r" and (?=not \(|\w+ (?:is null|=|>=|<=|in \[))")
_NOT = re.compile(r"not \((?P<inner>.*)\)")


def joined(*conditions: str) -> str:
    """Return the condition that all of them hold; empty ones say nothing and repeated ones say it once."""
    parts = [term for condition in conditions for term in terms(condition)]
    return " and ".join(dict.fromkeys(parts))


def negated(condition: str) -> str:
    """Return the condition that the given one does not hold; refuse an empty one."""
    if not condition.strip():
        raise UsageError("A condition to exclude needs words, such as region = c; an empty one was given.")
    return f"not ({checked(condition)})"


def terms(condition: str) -> list[str]:
    """Return the parts of a condition that must all hold."""
    text, found, depth, begin = condition.strip(), [], 0, 0
    for match in re.finditer(r"not \(|\)| and ", text):
        if match[0] == "not (":
            depth += 1
        elif match[0] == ")":
            depth = max(0, depth - 1)
        elif depth == 0 and _NEXT.match(text, match.start()):
            found.append(text[begin : match.start()])
            begin = match.end()
    return [part for part in (*found, text[begin:]) if part]


def checked(condition: str) -> str:
    """Return a condition as it is kept; raise `UsageError` for words that are none."""
    for term in terms(condition):
        inner = _NOT.fullmatch(term)
        if inner:
            checked(inner["inner"])
        elif not _TERM.fullmatch(term):
            raise UsageError(
                f"{term!r} is no condition; write region = c, wait_ms >= 60, wait_ms in [1, 5), host is null."
            )
    return " and ".join(terms(condition))


def met(frame: pd.DataFrame, condition: str) -> NDArray[np.bool_]:
    """Return which rows meet a condition, shape (n,); an unknown value meets only ``is null``."""
    kept = np.ones(len(frame), dtype=bool)
    for term in terms(checked(condition)):
        inner = _NOT.fullmatch(term)
        kept &= ~met(frame, inner["inner"]) if inner else _one(frame, term)
    return kept


def _one(frame: pd.DataFrame, term: str) -> NDArray[np.bool_]:
    found = _TERM.fullmatch(term)
    if found is None or found["column"] not in frame:
        raise UsageError(f"There is no column for {term!r}; columns: {', '.join(map(str, frame.columns))}.")
    values = frame[found["column"]]
    if found["low"] is not None:
        numbers, low, high = _numbers(values, term), _number(found["low"], term), _number(found["high"], term)
        return np.asarray((numbers >= low) & ((numbers <= high) if found["end"] == "]" else (numbers < high)))
    if found["sign"] is None:
        return np.asarray(values.isna(), dtype=bool)
    if found["sign"] == "=":
        shown = values.map(lambda v: f"{v:g}" if isinstance(v, float) else str(v))
        return np.asarray((shown == found["value"]) & values.notna(), dtype=bool)
    numbers, bound = _numbers(values, term), _number(found["value"], term)
    return np.asarray(numbers >= bound if found["sign"] == ">=" else numbers <= bound)


def _numbers(values: pd.Series, term: str) -> NDArray[np.float64]:
    if not pd.api.types.is_numeric_dtype(values):
        raise UsageError(f"{term!r} compares figures, but {values.name} holds text; write {values.name} = value.")
    return np.asarray(values.to_numpy(dtype=float, na_value=np.nan), dtype=np.float64)


def _number(text: str, term: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise UsageError(f"{term!r} needs a number; got {text!r}.") from error
