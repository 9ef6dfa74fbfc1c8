"""What drives a difference, from profiles alone: how much of it is gone without a segment or a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.drift import Pair
from workbench.analysis.profile_history import History, Windows

Floats = NDArray[np.float64]
COLUMNS = ("column", "segment", "explained", "share_before", "share_now")
LEAST_EXPLAINED = 0.05
"""A segment without which less of the difference is gone is not named."""
MOST_LEVELS = 50


def profile_drivers(
    history: History, segments: Mapping[str, History], reference: Windows, current: Windows, names: Sequence[str],
    *, top: int = 3,
) -> pd.DataFrame:  # fmt: skip
    """Return, for each column of *names*, the segments and own values without which most of its difference is gone.

    *segments* maps ``column=value`` to the profiles of the rows that have it. Columns of the answer: column, segment,
    explained (1: without these rows nothing differs), share_before and share_now of rows. It is association.
    """
    whole = history.pairs(reference, current)
    parts = {segment: held.pairs(reference, current) for segment, held in segments.items()}
    found: list[tuple[str, str, float, float, float]] = []
    for name in names:
        pair = whole[name]
        if min(pair.rows) <= 0 or (total := _apart(pair.reference, pair.current, pair)) <= 0:
            continue
        own = []
        for segment, columns in parts.items():
            if name not in columns or segment.partition("=")[0] == name:
                continue
            before, now = _aligned(columns[name], pair)
            own.append((segment, *_gone(pair, before, now, total)))
        if pair.positions is None:
            moved = np.argsort(-np.abs(np.subtract(*pair.shares())), kind="stable")[:MOST_LEVELS]
            for place in moved.tolist():
                only = np.arange(len(pair.levels)) == place
                own.append((f"{name} = {pair.levels[place]}",
                            *_gone(pair, pair.reference * only, pair.current * only, total)))  # fmt: skip
        own.sort(key=lambda row: (-row[1], row[0]))
        found += [(name, *row) for row in own[:top] if row[1] >= LEAST_EXPLAINED]
    return pd.DataFrame(found, columns=list(COLUMNS))


def _gone(pair: Pair, before: Floats, now: Floats, total: float) -> tuple[float, float, float]:
    n, m = pair.rows
    left, right = pair.reference - before, pair.current - now
    rest = _apart(left, right, pair) if min(left.sum(), right.sum()) > 0 else 0.0
    return float(np.clip(1 - rest / total, 0, 1)), float(before.sum()) / n, float(now.sum()) / m


def _apart(before: Floats, now: Floats, pair: Pair) -> float:
    """Return the KS distance of numbers, the total variation of text."""
    step = before / before.sum() - now / now.sum()
    return float(np.abs(step).sum() / 2 if pair.positions is None else np.abs(np.cumsum(step)).max())


def _aligned(part: Pair, pair: Pair) -> tuple[Floats, Floats]:
    """Return a segment's counts in the bins or levels of the whole."""
    if pair.positions is not None and part.positions is not None:
        places = np.searchsorted(pair.positions, part.positions)
    else:
        known = {level: place for place, level in enumerate(pair.levels)}
        places = np.array([known[level] for level in part.levels], dtype=np.int64)
    before, now = np.zeros(len(pair.reference)), np.zeros(len(pair.current))
    np.add.at(before, places, part.reference)
    np.add.at(now, places, part.current)
    return before, now
